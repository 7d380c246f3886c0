"""Documents to Kubernetes resources: what is one, what it is called, and when two are equal."""

import datetime

import orjson
import pytest

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kustomize.kustomization import Kustomize
from kubestats_pipeline.scan.manifests.engine import gitops_engine
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest, restore_manifest
from kubestats_pipeline.scan.replay.records import Resource
from kubestats_pipeline.scan.store.rows import original, printable, resource_from_row, resource_row
from kubestats_pipeline_tests.scan.world import (
    config,
    documents,
    flux_path,
    kustomization,
    manifest,
    oci_repository,
    read,
)

TIME = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def one(text: str) -> Manifest:
    (found,) = read(text).manifests
    return found


def names(text: str, file_name: str = "file.yaml") -> list[str]:
    return [each.key.name for each in read(text, file_name).manifests]


def test_a_list_is_its_items_however_deep() -> None:
    inner = manifest("SecretList", "x", items=[orjson.loads(config("c"))]).replace('"metadata": {"name": "x"}, ', "")
    outer = {"apiVersion": "v1", "kind": "List", "items": [orjson.loads(config("a")), orjson.loads(inner), "x", None]}
    assert names(orjson.dumps(outer).decode()) == ["a", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v2\nname: chart\nversion: 1.0.0\ntype: application\n# kind\n",
        "- kind: x\n  apiVersion: v1\n  metadata: {name: a}\n",
        "machine: {}\ncluster: {}\nversion: v1alpha1\nkind: x\n# apiVersion\n",
        "apiVersion: v1alpha1\nkind: HostnameConfig\nhostname: talos\n",
        "kind: ConfigMap\nmetadata: {name: a}\n# apiVersion\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ''}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yes}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [a]}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: name\n",
        "apiVersion: v1\nkind: 12\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: [ConfigMap]\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: '{{ .kind }}'\nmetadata: {name: a}\n",
        "apiVersion: 1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "apiVersion: a/b/c\nkind: ConfigMap\nmetadata: {name: a}\n",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: a}\n",
        "kind and apiVersion in prose",
    ],
)
def test_what_is_no_resource_is_passed_over_without_fuss(text: str) -> None:
    found = read(text)
    assert (found.manifests, found.problems) == ((), ())


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("{apiVersion: v1, kind: ConfigMapList, items: [{metadata: {name: two}, data: {a: b}}]}", ["ConfigMap/two"]),
        (
            "{apiVersion: apps/v1, kind: DeploymentList, items: [{apiVersion: v1, kind: Pod, metadata: {name: own}}]}",
            ["Pod/own"],
        ),
        ("{apiVersion: v1, kind: ConfigMapList, items: [{kind: Secret, metadata: {name: half}}]}", []),
        ("{apiVersion: example.org/v1, kind: AllowList, metadata: {name: x}, items: [{cidr: a}]}", []),
        ("{apiVersion: example.org/v1, kind: AllowList, metadata: {name: x}, items: null}", []),
        ("{apiVersion: example.org/v1, kind: AllowList, metadata: {name: x}, spec: {}}", ["AllowList/x"]),
    ],
)
def test_an_item_without_a_kind_has_the_kind_of_its_list(text: str, keys: list[str]) -> None:
    assert [f"{each.key.kind}/{each.key.name}" for each in read(text).manifests] == keys


def test_a_kustomization_says_its_local_entries_and_the_files_of_its_patches() -> None:
    patches = [{"path": "p.yaml"}, {"patch": "a: b"}, {"patch": "a: b", "path": "q.yaml"}, 1]
    text = kustomization("a.yaml", "../b", "https://x.org/y", components=["./c"], bases=["d", 1], patches=patches)
    found = read(text, "kustomization.yaml").kustomize
    assert found is not None
    assert found[:3] == (("a.yaml", "../b", "d"), ("./c",), ("p.yaml",))


@pytest.mark.parametrize("text", ["a: b", "---\n---\na: b\n", "a: [\n"])
def test_builds_read_a_kustomization_again_that_the_scan_reads_otherwise(text: str) -> None:
    """The scan ends a last line, passes over empty documents, and reads those after a broken one."""
    whole = read(text.replace("a: b", "resources: [b.yaml]"), "kustomization.yaml").kustomize
    assert whole is None or whole.content is None
    assert read("resources: [b.yaml]\n", "kustomization.yaml").kustomize == Kustomize(
        ("b.yaml",), content={"resources": ["b.yaml"]}
    )
    assert read(text, "other.yaml").kustomize is None


def test_a_flux_kustomization_in_a_file_of_kustomize_s_name_is_a_resource_and_no_kustomization() -> None:
    found = read(flux_path("apps", "./apps"), "kustomization.yaml")
    assert ([each.key.kind for each in found.manifests], found.kustomize) == (["Kustomization"], None)


@pytest.mark.parametrize("field", ["kind", "apiVersion"])
def test_an_encrypted_kind_is_a_problem_and_never_a_kind(field: str) -> None:
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, field: "ENC[AES256_GCM,data:abc]"}
    found = read(documents(config("b"), orjson.dumps(document).decode() + "\n"))
    assert [each.key.name for each in found.manifests] == ["b"]
    assert [(each.problem, each.document_index) for each in found.problems] == [("encrypted_kind", 1)]


def test_the_hash_is_of_the_meaning_and_not_of_the_text() -> None:
    first = "apiVersion: v1\nkind: X\nmetadata: {name: a}\nspec: {on: true, port: 80, ratio: 1.0, m: {a: 1}}\n"
    second = """\
# yaml-language-server: $schema=x
---
kind: "X"
spec:
    m: &m {"a": 0x1}
    ratio: 1
    port: !!int "80"   # renovate: x
    "on": yes
metadata:
    name: a
apiVersion: v1
"""
    third = second.replace('"on"', "on")  # as a plain key `on` is the text "true"
    assert one(first).content_hash == one(second.replace('"on"', '"true"')).content_hash
    assert one(first).content_hash == one(third).content_hash != one(second).content_hash
    assert one(first).data == one(third).data


@pytest.mark.parametrize("other", ["spec: {a: true}", "spec: {a: '1'}", "spec: {a: 1, b: null}", "spec: {a: [1]}"])
def test_other_meanings_have_other_hashes(other: str) -> None:
    head = "apiVersion: v1\nkind: X\nmetadata: {name: a}\n"
    assert one(head + "spec: {a: 1}").content_hash != one(head + other).content_hash


def test_a_generated_name_ends_in_a_star() -> None:
    assert names("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: run-}\n") == ["run-*"]


@pytest.mark.parametrize(("written", "name"), [("123", "123"), ("0x10", "16"), ("'007'", "007"), ("1.5", "1.5")])
def test_a_name_that_is_a_number_becomes_text(written: str, name: str) -> None:
    assert names(f"apiVersion: v1\nkind: X\nmetadata: {{name: {written}}}\n") == [name]


def test_a_key_has_the_group_and_never_the_version() -> None:
    found = one(manifest("HelmRelease", "a", api="helm.toolkit.fluxcd.io/v2beta1", namespace="web"))
    assert tuple(found.key) == ("helm.toolkit.fluxcd.io", "HelmRelease", "web", "a")
    assert (found.api_version, one(config("a")).key.group) == ("v2beta1", "")


@pytest.mark.parametrize("namespace", ["''", "null", "1", "[a]"])
def test_an_odd_namespace_is_none(namespace: str) -> None:
    assert one(f"apiVersion: v1\nkind: X\nmetadata: {{name: a, namespace: {namespace}}}\n").key.namespace is None


def test_bytes_that_are_no_text_cannot_get_into_a_table() -> None:
    found = one("apiVersion: v1\nkind: X\nmetadata: {name: !!binary /w==}\nspec: {a: !!binary /2E=}\n")
    assert found.key.name == "�"
    assert orjson.loads(found.data)["spec"] == {"a": "�a"}


def test_the_same_name_in_another_group_is_another_resource() -> None:
    found = read(documents(flux_path("a", "x"), manifest("Kustomization", "a", api="other.org/v1"))).manifests
    assert len({each.key for each in found}) == 2


@pytest.mark.parametrize(
    "text",
    [
        oci_repository("app", "1.10"),
        oci_repository("app", "x").replace('"x"', "1.10"),
        manifest("HelmChart", "c", api="source.toolkit.fluxcd.io/v1", spec={"chart": "c", "version": "v"}).replace(
            '"v"', "1.10"
        ),
        manifest("HelmRepository", "r", api="source.toolkit.fluxcd.io/v1", spec={"url": "oci://x.io", "type": "oci"}),
        flux_path("k", "./apps", "web"),
        config("a"),
    ],
)
def test_a_resource_comes_back_from_its_row_as_it_was(text: str) -> None:
    found = one(text)
    version = found.facts.version or (found.facts.chart and found.facts.chart.version)
    resolved = Resolved("web", version, resolution="not_applicable")
    resource = Resource("id", Identity(found.key, "a\\\udcff.yaml", 2), found, resolved, TIME, "c", TIME, "u")
    repository = Repository("git:1", "local/a/b", "local", "a", "b", "file:///x")
    back = resource_from_row(resource_row(resource, repository))
    assert (back.identity, back.resolved) == (resource.identity, resolved)
    assert (back.manifest.content_hash, back.manifest.data) == (found.content_hash, found.data)
    restored = restore_manifest(back.manifest, version)
    assert restored.facts.source == found.facts.source
    assert restored.facts.chart == found.facts.chart
    assert restored.facts.flux_path == found.facts.flux_path
    assert restored.body_hash == found.body_hash


@pytest.mark.parametrize("path", ["a.yaml", "a\\b.yaml", "caf\udce9.yaml", "\\\\x41\udc80\\", "ü\n.yaml"])
def test_a_path_in_a_table_can_be_read_back(path: str) -> None:
    assert original(printable(path)) == path
    assert printable(path).encode()


@pytest.mark.parametrize(
    ("path", "context"),
    [
        ("kubernetes/apps/a.yaml", "active"),
        (".archive/kube/a.yaml", "archived"),
        ("apps/old/a.yaml", "archived"),
        ("templates/app/a.yaml", "template"),
        ("a/_template_/a.yaml", "template"),
        ("test/a.yaml", "test"),
        ("apps/golden/a.yaml", "active"),
        ("apps/test.yaml", "active"),
    ],
)
def test_the_folders_of_a_path_tell_what_is_active(path: str, context: str) -> None:
    assert context_of(path) == context


def test_the_engine_is_the_one_with_most_resources() -> None:
    def identities(text: str) -> dict[Identity, str | None]:
        return {Identity(each.key, "x", 0): None for each in read(text).manifests}

    argo = manifest("Application", "a", api="argoproj.io/v1alpha1")
    flux = documents(flux_path("a", "x"), flux_path("b", "x"))
    assert gitops_engine(identities(documents(argo, flux)), []) == "flux"
    assert gitops_engine(identities(argo), ["helmfile.yaml"]) == "argocd"
    assert gitops_engine({}, ["x/helmfile.yaml"]) == "helmfile"
    assert gitops_engine(identities(config("a")), ["a.yaml"]) == "none"
