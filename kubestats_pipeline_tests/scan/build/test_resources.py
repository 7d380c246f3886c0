"""Builds: the entries of a kustomization, and the files that it takes in."""

import pytest

from kubestats_pipeline_tests.scan.build.trees import build, contents

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n"
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec: {}\n"


def names(tree: dict[str, str], folder: str = "") -> list[str]:
    return [content["metadata"]["name"] for content in contents(build(tree, folder))]


def test_a_kustomization_builds_what_it_lists_and_nothing_else():
    tree = {"kustomization.yaml": "resources: [a.yaml]", "a.yaml": CONFIG, "b.yaml": RELEASE}
    assert names(tree) == ["one"]


def test_a_file_with_the_name_kustomization_alone_is_one():
    tree = {"app/Kustomization": "namespace: prod\nresources: [a.yaml]", "app/a.yaml": CONFIG, "app/b.yaml": RELEASE}
    assert contents(build(tree, "app"))[0]["metadata"] == {"name": "one", "namespace": "prod"}


def test_json_is_built_where_a_kustomization_lists_it():
    release = '{"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "web"}}'
    assert names({"kustomization.yaml": "resources: [h.json]", "h.json": release}) == ["web"]


def test_an_alias_repeats_what_kustomize_reads_as_a_value_and_as_a_key():
    """As `kubectl kustomize` has it. An alias as a key stopped the history of xunholy/k8s-gitops."""
    data = "{x: &word yes, z: *word, d: &day 2024-01-01, e: *day, *word : value, &name no: here, n: *name}"
    tree = {"kustomization.yaml": "resources: [a.yaml]", "a.yaml": CONFIG.replace("{a: b}", data)}
    day = "2024-01-01T00:00:00Z"
    expected = {"x": "yes", "z": "yes", "d": day, "e": day, "yes": "value", "no": "here", "n": "no"}
    assert contents(build(tree))[0]["data"] == expected


@pytest.mark.parametrize("data", ["{x: &a y1, y1: one, *a : two}", "{x: &a {k: v}, *a : two}"])
def test_an_alias_as_a_key_that_is_there_already_or_no_text_is_refused(data: str):
    tree = {"kustomization.yaml": "resources: [a.yaml]", "a.yaml": CONFIG.replace("{a: b}", data)}
    assert build(tree).failure is not None


def test_two_kustomization_files_in_a_folder_are_refused():
    tree = {"kustomization.yaml": "resources: []", "kustomization.yml": "resources: []"}
    assert build(tree).failure == "it has several kustomization files"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n", "{}\n"])
def test_a_file_without_objects_gives_nothing(text: str):
    assert names({"kustomization.yaml": "resources: [a.yaml, b.yaml]", "a.yaml": text, "b.yaml": CONFIG}) == ["one"]


@pytest.mark.parametrize("text", ["", "# nothing", "resources:", 'namespace: ""'])
def test_an_empty_kustomization_is_refused(text: str):
    assert build({"kustomization.yaml": text}).failure == "the kustomization is empty"


def test_a_kustomization_with_an_empty_list_builds_nothing():
    assert contents(build({"kustomization.yaml": "resources: []"})) == []


def test_keys_of_a_kustomization_count_without_regard_to_case_and_unknown_ones_are_refused():
    tree = {"a.yaml": CONFIG}
    built = build(tree | {"kustomization.yaml": "Resources: [a.yaml]\nnameSpace: x"})
    assert contents(built)[0]["metadata"]["namespace"] == "x"
    assert build(tree | {"kustomization.yaml": "resource: [a.yaml]"}).failure == "kustomization has an unknown field"


def test_the_items_of_lists_are_objects_of_their_own():
    inner = f"{{apiVersion: v1, kind: List, items: [{flow('one')}]}}"
    text = f"apiVersion: v1\nkind: List\nitems:\n- {inner}\n- {flow('two')}\n"
    assert names({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": text}) == ["one", "two"]


def flow(name: str) -> str:
    return f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}"


def test_any_kind_that_ends_in_list_and_has_items_vanishes_without_items():
    text = "apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nitems: []\n"
    assert names({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": text}) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: x}}]\n", "an object has no kind"),
        ("apiVersion: v1\nkind: A\nmetadata: {}\n", "an object has no name"),
        ("apiVersion: v1\nkind: A\n", "an object has no metadata"),
        ("a: b\n", "an object has no kind"),
        ("- a\n", "the file holds something else than objects"),
        ("a: [\n", "the file is not valid YAML, line 1"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: x}\nspec: {a: 1, a: 2}\n", "the file is not valid YAML, line 1"),
        ("a: &d 1\n---\nb: *d\n", "the file is not valid YAML, line 3"),
    ],
)
def test_a_file_that_kustomize_cannot_take_in_is_a_failure_that_names_it(text: str, reason: str):
    failure = build({"kustomization.yaml": "resources: [sub/a.yaml]", "sub/a.yaml": text}).failure
    assert failure is not None
    assert failure.split(",")[0] == f"sub/a.yaml: {reason}".split(",")[0]


def test_the_same_object_twice_is_refused_and_default_is_no_other_namespace():
    again = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: default}\n"
    tree = {"kustomization.yaml": "resources: [a.yaml, b.yaml]", "a.yaml": CONFIG, "b.yaml": again}
    assert build(tree).failure == "b.yaml: the resource is already in the build: ConfigMap default/one"


def test_two_versions_of_a_kind_are_two_objects():
    older = RELEASE.replace("/v2", "/v2beta1")
    assert (
        names({"kustomization.yaml": "resources: [a.yaml, b.yaml]", "a.yaml": RELEASE, "b.yaml": older}) == ["web"] * 2
    )


def test_values_are_those_that_kustomize_reads():
    text = "apiVersion: x/v1\nkind: A\nmetadata: {name: a}\nspec: {w: yes, d: 2024-1-1, o: 0o17, t: true, q: 'no'}\n"
    (built,) = contents(build({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": text}))
    assert built["spec"] == {"w": "yes", "d": "2024-01-01T00:00:00Z", "o": 15, "t": True, "q": "no"}


def test_an_explicit_key_wins_over_a_merge_wherever_it_stands():
    text = "apiVersion: x/v1\nkind: A\nmetadata: {name: a}\nd: &d {k: merged, l: 1}\nspec: {k: explicit, <<: *d}\n"
    (built,) = contents(build({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": text}))
    assert built["spec"] == {"k": "explicit", "l": 1}


def test_a_folded_text_has_one_line_break_more_before_an_indented_line():
    text = "apiVersion: x/v1\nkind: A\nmetadata: {name: a}\ns: >-\n  (1 - (\n    (node\n  ))\n"
    (built,) = contents(build({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": text}))
    assert built["s"] == "(1 - (\n\n  (node\n))"


def test_a_text_at_the_end_of_a_file_gets_no_line_break():
    text = "apiVersion: x/v1\nkind: A\nmetadata: {name: a}\ns: |\n  one"
    (built,) = contents(build({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": text}))
    assert built["s"] == "one"


def test_an_object_for_local_use_is_not_built():
    local = "apiVersion: v1\nkind: A\nmetadata: {name: a, annotations: {config.kubernetes.io/local-config: 'true'}}\n"
    assert names({"kustomization.yaml": "resources: [a.yaml, b.yaml]", "a.yaml": local, "b.yaml": CONFIG}) == ["one"]


def test_a_folder_without_a_kustomization_has_all_files_of_objects_below():
    tree = {
        "apps/a.yaml": CONFIG,
        "apps/.sops.yaml": RELEASE,
        "apps/values.yaml": "a: b\n",
        "apps/deep/er/b.yml": RELEASE,
        "apps/own/kustomization.yaml": "resources: [c.yaml]\nnamePrefix: own-\n",
        "apps/own/c.yaml": CONFIG,
        "apps/own/below/d.yaml": CONFIG,
        "apps/Chart.yaml": "apiVersion: v2\nname: chart\ndependencies: [{name: d, version: 1.0.0}]\n",
    }
    assert sorted(names(tree, "apps")) == ["one", "own-one", "web"]


def test_a_folder_that_is_missing_is_a_failure():
    assert build({"a.yaml": CONFIG}, "apps").failure == "the folder is missing"


def test_remote_entries_are_left_out_and_named_without_credentials():
    entries = ["https://user:word@example.org/a.yaml?ref=v1", "github.com/org/repo//deploy?ref=v2.0.0", "a.yaml"]
    built = build({"kustomization.yaml": f"resources: {entries}", "a.yaml": CONFIG})
    assert built.missing == ("https://example.org/a.yaml?ref=v1", "github.com/org/repo//deploy?ref=v2.0.0")
    assert len(contents(built)) == 1


@pytest.mark.parametrize(
    "tree",
    [
        {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"},
        {"a/kustomization.yaml": "resources: [b]", "a/b/kustomization.yaml": "resources: [..]"},
        {"a/kustomization.yaml": "resources: [.]"},
        {"a/kustomization.yaml": "resources: [../]", "kustomization.yaml": "resources: [x.yaml]", "x.yaml": CONFIG},
    ],
)
def test_a_base_that_leads_back_is_refused(tree: dict[str, str]):
    failure = build(tree, "a").failure
    assert failure is not None
    assert "leads back" in failure


def test_a_base_without_a_kustomization_is_refused():
    tree = {"kustomization.yaml": "resources: [sub]", "sub/a.yaml": CONFIG}
    assert build(tree).failure == "sub: it has no kustomization"


def test_an_entry_that_is_missing_is_refused():
    failure = build({"kustomization.yaml": "resources: [nope.yaml]"}).failure
    assert failure == "nope.yaml: the repository has neither such a file nor such a folder"


def test_an_object_knows_the_document_that_it_began_as():
    tree = {"kustomization.yaml": "namePrefix: p-\nresources: [a.yaml]", "a.yaml": f"{CONFIG}---\n{RELEASE}"}
    origins = [each.origin for each in build(tree).objects]
    assert [(origin.path, origin.key.name) for origin in origins if origin] == [("a.yaml", "one"), ("a.yaml", "web")]


def test_fields_of_flux_are_merged_over_those_of_the_folder():
    tree = {"a.yaml": CONFIG, "kustomization.yaml": "resources: [a.yaml]\nnamespace: own\nlabels: [{pairs: {a: b}}]"}
    built = build(tree, namespace="theirs", labels=[{"pairs": {"c": "d"}}])
    assert contents(built)[0]["metadata"] == {"name": "one", "namespace": "theirs", "labels": {"a": "b", "c": "d"}}
