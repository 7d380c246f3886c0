"""The Applications that an ApplicationSet makes, by the examples of Argo CD's documentation."""

import json
from typing import Any

import pytest

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.kinds.application_sets import MAX_APPLICATIONS, Expansion, expand
from kubestats_pipeline.scan.manifests.manifests import read_file

OWN = "https://github.com/me/home"


class Files(dict[str, str]):
    """A repository of a few files."""

    def is_own(self, url: str) -> bool:
        return url == OWN

    def files(self) -> list[str]:
        return sorted(self)

    def folders(self) -> list[str]:
        parts = [path.split("/")[:-1] for path in self]
        return sorted({"/".join(each[:end]) for each in parts for end in range(1, len(each) + 1)})

    def read(self, path: str) -> bytes | None:
        return self[path].encode() if path in self else None


def made(generators: str, template: str, files: Files | None = None, more: str = "") -> Expansion:
    head = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: set, namespace: argocd}\n"
    text = f"{head}spec:\n  generators: {generators}\n  template: {template}\n{more}"
    document = next(decode_stream(text.encode(), Bounds()))
    return expand(document, document.content, files)


def told(expansion: Expansion) -> dict[str, Any]:
    return {each["metadata"]["name"]: each["spec"] for each in expansion.applications}


def test_a_list_makes_one_application_for_each_element() -> None:
    found = made(
        "[{list: {elements: [{app: a, version: 1.10, values: {x: 1}}, {app: b, version: '2'}]}}]",
        "{metadata: {name: '{{app}}-x'}, spec: {source: {chart: '{{ app }}', targetRevision: '{{version}}'}}}",
    )
    assert told(found) == {
        "a-x": {"source": {"chart": "a", "targetRevision": "1.10"}},
        "b-x": {"source": {"chart": "b", "targetRevision": "2"}},
    }
    assert found.unknown == ()
    assert found.applications[0]["metadata"]["namespace"] == "argocd"
    assert found.applications[0]["kind"] == "Application"


def test_a_go_template_names_nested_parameters() -> None:
    found = made(
        "[{list: {elements: [{app: {name: a, tags: [x, w]}}]}}]",
        "{metadata: {name: '{{.app.name}}'}, spec: {project: '{{ index .app.tags 1 }}', a: '{{ .app.name | upper }}'}}",
        more="  goTemplate: true\n",
    )
    assert told(found) == {"a": {"project": "w", "a": "{{ .app.name | upper }}"}}


TREE = Files(
    {"sys/mon/Chart.yaml": "", "sys/net/a/x.yaml": "", "sys/.hidden/x.yaml": "", "sys/old/x.yaml": "", "x.yaml": ""}
)
FOLDERS = f"{{repoURL: '{OWN}', directories: [{{path: sys/*}}, {{path: sys/old, exclude: true}}]}}"


@pytest.mark.parametrize(
    ("template", "more"),
    [
        ("{metadata: {name: '{{path.basename}}'}, spec: {a: '{{path}}', b: '{{path[0]}}'}}", ""),
        (
            "{metadata: {name: '{{.path.basename}}'}, spec: {a: '{{.path.path}}', b: '{{index .path.segments 0}}'}}",
            "  goTemplate: true\n",
        ),
    ],
)
def test_a_git_generator_chooses_folders(template: str, more: str) -> None:
    found = made(f"[{{git: {FOLDERS}}}]", template, TREE, more)
    assert told(found) == {"mon": {"a": "sys/mon", "b": "sys"}, "net": {"a": "sys/net", "b": "sys"}}


def test_a_git_generator_reads_files() -> None:
    files = Files({"c/one/config.json": '{"cluster": {"name": "in"}}', "c/two/x/config.json": "[{cluster: {name: a}}]"})
    template = "{metadata: {name: '{{cluster.name}}'}, spec: {a: '{{path}}', b: '{{path.filename}}'}}"
    found = made(f"[{{git: {{repoURL: '{OWN}', files: [{{path: 'c/**/config.json'}}]}}}}]", template, files)
    assert told(found) == {"in": {"a": "c/one", "b": "config.json"}, "a": {"a": "c/two/x", "b": "config.json"}}


def test_a_matrix_gives_the_parameters_of_the_first_generator_to_the_second() -> None:
    one = "{list: {elements: [{env: dev}, {env: prod}]}}"
    two = "{list: {elements: [{app: 'web-{{env}}'}, {app: api}]}}"
    found = made(
        f"[{{matrix: {{generators: [{one}, {two}]}}}}]",
        "{metadata: {name: '{{env}}-{{app}}'}, spec: {project: '{{env}}'}}",
    )
    assert list(told(found)) == ["dev-web-dev", "dev-api", "prod-web-prod", "prod-api"]


def test_a_merge_overrides_sets_with_equal_keys() -> None:
    one = "{list: {elements: [{app: a, version: '1'}, {app: b, version: '1'}]}}"
    two = "{list: {elements: [{app: b, version: '2'}, {app: c, version: '3'}]}}"
    found = made(
        f"[{{merge: {{mergeKeys: [app], generators: [{one}, {two}]}}}}]",
        "{metadata: {name: '{{app}}'}, spec: {v: '{{version}}'}}",
    )
    assert told(found) == {"a": {"v": "1"}, "b": {"v": "2"}}


def test_a_template_patch_is_filled_and_merged() -> None:
    found = made(
        "[{list: {elements: [{app: a, version: 4.0.0}]}}]",
        "{metadata: {name: '{{.app}}'}, spec: {project: p, source: {chart: c, targetRevision: 3.x}}}",
        more='  goTemplate: true\n  templatePatch: "spec: {project: null, source: {targetRevision: {{.version}}}}"\n',
    )
    assert told(found) == {"a": {"source": {"chart": "c", "targetRevision": "4.0.0"}}}


@pytest.mark.parametrize(
    ("generators", "reason"),
    [
        ("[{clusters: {}}]", "its generator clusters is not in the repository"),
        ("[{list: {elementsYaml: x}}]", "the elements of its list are a template"),
        ("[{list: {elements: [{a: b}]}, selector: {matchLabels: {a: b}}}]", "its generator selects parameters"),
        (
            "[{git: {repoURL: 'https://github.com/other/repo', directories: [{path: '*'}]}}]",
            "its generator reads a git repository that is not at hand",
        ),
        (
            "[{list: {elements: [{a: b}]}}]",
            "the names of its Applications are given by a template that is not known",
        ),
    ],
)
def test_a_generator_that_is_not_known_is_a_reason_and_no_guess(generators: str, reason: str) -> None:
    found = made(generators, "{metadata: {name: '{{app}}'}, spec: {}}", TREE)
    assert (found.applications, found.unknown) == ((), (reason,))


def test_what_one_generator_gives_is_kept_beside_one_that_is_not_known() -> None:
    found = made("[{list: {elements: [{app: a}]}}, {clusters: {}}]", "{metadata: {name: '{{app}}'}, spec: {}}")
    assert (list(told(found)), len(found.unknown)) == (["a"], 1)


def test_a_set_that_would_be_too_large_is_left() -> None:
    elements = json.dumps([{"list": {"elements": [{"a": "x" * 4000}] * 900}}])
    assert made(elements, "{metadata: {name: a}, spec: {a: '{{a}}'}}").unknown == ("it is too large to be followed",)
    elements = json.dumps([{"list": {"elements": [{"a": str(number)} for number in range(MAX_APPLICATIONS + 1)]}}])
    found = made(elements, "{metadata: {name: 'x{{a}}'}, spec: {}}")
    assert found.unknown == (f"it makes more than {MAX_APPLICATIONS} Applications",)


def read(text: str) -> dict[str, Any]:
    head = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: set}\n"
    found = read_file(f"{head}{text}".encode(), "a.yaml", Bounds()).manifests
    return {f"{each.key.kind}/{each.key.name}": each.facts for each in found}


CHART = "{repoURL: 'https://charts.example.org', chart: web, targetRevision: '{{version}}'}"


def test_each_application_that_the_document_gives_is_a_release_and_their_set_is_none() -> None:
    found = read(
        "spec:\n  generators: [{list: {elements: [{app: a, version: 1.10}, {app: b, version: 2.0.0}]}}]\n"
        f"  template: {{metadata: {{name: '{{{{app}}}}'}}, spec: {{source: {CHART}}}}}\n"
    )
    assert {name: (said.is_release, said.chart and said.chart.version) for name, said in found.items()} == {
        "ApplicationSet/set": (False, None),
        "Application/a": (True, "1.10"),
        "Application/b": (True, "2.0.0"),
    }


@pytest.mark.parametrize(
    ("patch", "version", "unknown"),
    [
        ("spec: {source: {targetRevision: 4.0.0}}", "4.0.0", None),
        ("spec: {source: {targetRevision: {{.v}}}}", "3.x", "its templatePatch is filled by a generator"),
    ],
)
def test_a_set_with_an_unknown_generator_has_the_version_of_its_patch(patch: str, version: str, unknown: str) -> None:
    chart = CHART.replace("{{version}}", "3.x")
    found = read(
        f"spec:\n  generators: [{{clusters: {{}}}}]\n  templatePatch: '{patch}'\n"
        f"  template: {{metadata: {{name: '{{{{name}}}}'}}, spec: {{source: {chart}}}}}\n"
    )
    (said,) = found.values()
    assert said.is_release
    assert said.chart is not None
    assert (said.chart.version, said.chart.unknown) == (version, unknown)


def test_an_artifact_that_may_be_a_chart_or_manifests_is_not_resolved() -> None:
    text = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n"
    source = "spec: {source: {repoURL: 'oci://ghcr.io/o/x', path: ., targetRevision: 1.2.3}}\n"
    (manifest,) = read_file(f"{text}{source}".encode(), "a.yaml", Bounds()).manifests
    use = manifest.facts.chart
    assert use is not None
    assert (use.name, use.version, use.unknown) == ("x", "1.2.3", "its artifact may be a chart or manifests")
