"""Builds: patches of both sorts, and replacements, as kustomize 5.7.1 applies them."""

from typing import Any

import pytest

from kubestats_pipeline_tests.scan.build.trees import build, contents

RELEASE = """apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app}
spec: {values: {image: 'a:staging-1', env: [{name: A}, {name: B}], hosts: [a, b], on: true}}
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: main, image: 'web:1.0'}, {name: side, image: 'side:1'}]}}}
"""


def patched(patch: str, text: str = RELEASE, target: str = "") -> Any:
    tree = {
        "base/kustomization.yaml": "resources: [a.yaml]",
        "base/a.yaml": text,
        "over/kustomization.yaml": f"resources: [../base]\npatches: [{{path: p.yaml{target}}}]",
        "over/p.yaml": patch,
    }
    return build(tree, "over")


def values(built: Any) -> dict[str, Any]:
    return contents(built)[0]["spec"]["values"]


HEAD = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: app}\n"


def test_a_patch_of_values_gives_the_image_that_runs():
    built = patched(HEAD + "spec: {values: {image: 'a:prod-9'}}")
    assert values(built)["image"] == "a:prod-9"
    assert built.objects[0].changed_by == {"patch"}


def test_a_list_of_a_custom_kind_is_replaced_whole_and_null_removes():
    merged = values(patched(HEAD + "spec: {values: {env: [{name: C}], on: null}}"))
    assert merged == {"image": "a:staging-1", "env": [{"name": "C"}], "hosts": ["a", "b"]}


def test_containers_are_merged_by_name_and_those_of_the_patch_come_first():
    patch = "spec: {template: {spec: {containers: [{name: side, image: 'side:2'}]}}}"
    built = patched("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n" + patch, DEPLOYMENT)
    containers = contents(built)[0]["spec"]["template"]["spec"]["containers"]
    assert containers == [{"name": "side", "image": "side:2"}, {"name": "main", "image": "web:1.0"}]


@pytest.mark.parametrize(
    ("item", "left"),
    [
        ("{image: 'web:2'}", []),
        ("{name: main, $patch: replace, image: 'web:2'}", ["web:1.0", "side:1"]),
        ("{$patch: replace}, {name: main, image: 'web:2'}", ["web:2"]),
    ],
)
def test_a_container_without_a_name_empties_the_list_and_one_that_is_replaced_stays(item: str, left: list[str]):
    patch = f"spec: {{template: {{spec: {{containers: [{item}]}}}}}}"
    built = patched("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n" + patch, DEPLOYMENT)
    containers = contents(built)[0]["spec"]["template"]["spec"]["containers"]
    assert [each["image"] for each in containers] == left


@pytest.mark.parametrize("directive", ["$patch: delete", "$patch: replace\nspec: {a: b}"])
def test_a_patch_may_delete_or_replace_the_object(directive: str):
    built = contents(patched(HEAD + directive))
    assert built == ([] if "delete" in directive else [built[0]])
    assert all(each["spec"] == {"a": "b"} for each in built)


def test_a_patch_with_a_target_deletes_all_that_it_selects():
    other = RELEASE.replace("name: app", "name: aws-a")
    built = patched(HEAD + "$patch: delete", f"{RELEASE}---\n{other}", ", target: {kind: HelmRelease, name: 'aws-.*'}")
    assert [each["metadata"]["name"] for each in contents(built)] == ["app"]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("name: app", ["app"]),
        ("name: app.*", ["app", "app-2"]),
        ("name: app|my-app", ["app", "my-app"]),
        ("namespace: default", ["app", "my-app"]),
        ("labelSelector: 'tier=b'", ["app-2"]),
        ("kind: Helm.*, version: v2", ["app", "app-2", "my-app"]),
        ("kind: Nothing", []),
    ],
)
def test_a_target_is_a_pattern_for_whole_names(target: str, found: list[str]):
    second = RELEASE.replace("{name: app}", "{name: app-2, namespace: two, labels: {tier: b}}")
    text = "---\n".join([RELEASE, second, RELEASE.replace("name: app", "name: my-app")])
    built = contents(patched(HEAD + "spec: {found: x}", text, f", target: {{{target}}}"))
    assert [each["metadata"]["name"] for each in built if "found" in each["spec"]] == found


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace("app", "other"),
        HEAD.replace("/v2", "/v1"),
        HEAD.replace("{name: app}", "{name: app, namespace: x}"),
    ],
)
def test_a_patch_without_a_target_that_names_nothing_is_refused(head: str):
    assert patched(head + "spec: {a: b}").failure == "a patch names no resource"


@pytest.mark.parametrize(
    ("operation", "path", "expected"),
    [
        ('"op": "replace", "path": "/spec/values/nope", "value": 1', "nope", 1),
        ('"op": "replace", "path": "/spec/values/image"', "image", None),
        ('"op": "replace", "path": "/spec/values/hosts/-1", "value": "z"', "hosts", ["a", "z"]),
        ('"op": "add", "path": "/spec/values/hosts/-", "value": "c"', "hosts", ["a", "b", "c"]),
        ('"op": "add", "path": "/spec/values/hosts/0", "value": "c"', "hosts", ["c", "a", "b"]),
        ('"op": "test", "path": "/spec/values/nope", "value": null', "image", "a:staging-1"),
        ('"op": "move", "from": "/spec/values/hosts", "path": "/spec/values/list"', "list", ["a", "b"]),
    ],
)
def test_a_json_patch_changes_a_field(operation: str, path: str, expected: Any):
    assert values(patched(f"[{{{operation}}}]", target=", target: {kind: HelmRelease}"))[path] == expected


@pytest.mark.parametrize(
    "operation",
    [
        '"op": "remove", "path": "/spec/values/nope"',
        '"op": "add", "path": "/spec/values/no/pe", "value": 1',
        '"op": "replace", "path": "/spec/values/no/pe", "value": 1',
        '"op": "add", "path": "/spec/values/hosts/5", "value": 1',
        '"op": "test", "path": "/spec/values/image", "value": 1',
        '"op": "jump", "path": "/spec"',
    ],
)
def test_a_json_patch_that_is_not_possible_is_refused(operation: str):
    assert patched(f"[{{{operation}}}]", target=", target: {kind: HelmRelease}").failure is not None


def test_a_json_patch_rounds_the_large_integers_of_the_object_that_it_touches():
    text = RELEASE.replace("on: true", "chat: 9007199254740993")
    other = text.replace("name: app", "name: other")
    patch = '[{"op": "add", "path": "/spec/suspend", "value": true}]'
    built = contents(patched(patch, f"{text}---\n{other}", ", target: {kind: HelmRelease, name: app}"))
    found = {each["metadata"]["name"]: each["spec"]["values"]["chat"] for each in built}
    assert found == {"app": 9007199254740992, "other": 9007199254740993}


def test_operations_in_flow_style_that_are_not_json_are_refused():
    assert (
        patched("[{op: remove, path: /spec/values/flag}]", target=", target: {kind: HelmRelease}").failure is not None
    )


def test_operations_in_block_style_are_applied():
    built = patched("- op: remove\n  path: /spec/values/on\n", target=", target: {kind: HelmRelease}")
    assert "on" not in values(built)


def test_an_old_json_patch_comes_after_the_namespace():
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\nnamespace: x\npatchesJson6902:\n"
        "- {path: p.json, target: {group: helm.toolkit.fluxcd.io, version: v2, kind: HelmRelease, name: app}}",
        "a.yaml": RELEASE,
        "p.json": '[{"op": "replace", "path": "/metadata/namespace", "value": "y"}]',
    }
    assert contents(build(tree))[0]["metadata"]["namespace"] == "y"


def test_a_secret_in_a_patch_is_not_in_the_build():
    built = patched(HEAD + "spec: {values: {password: hunter2-hunter2}}")
    assert "hunter2" not in str(built)


REPLACED = {
    "media/web.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web}\n"
    "spec: {path: ./w}\n",
    "media/kustomization.yaml": "namespace: media\ncomponents: [../part]\nresources: [web.yaml]\n"
    "replacements: [{path: ../repl.yaml}]",
    "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [n.yaml]",
    "part/n.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: not-used}\n",
    "repl.yaml": "- source: {kind: Namespace, fieldPath: metadata.name}\n  targets:\n"
    "  - select: {kind: Kustomization, group: kustomize.toolkit.fluxcd.io}\n    fieldPaths: [spec.targetNamespace]\n"
    "    options: {create: true}\n",
}


def test_the_name_of_a_namespace_becomes_the_target_namespace_of_flux():
    flux = contents(build(REPLACED, "media"))[0]
    assert flux["spec"] == {"path": "./w", "targetNamespace": "media"}


def replaced(source: str, target: str, more: str = "") -> Any:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: versions}\ndata: {web: 2.3.4, n: '8080'}\n"
    fields = f"replacements: [{{source: {{{source}}}, targets: [{{{target}}}]}}]"
    return build({"kustomization.yaml": f"resources: [a.yaml]\n{fields}\n{more}", "a.yaml": f"{RELEASE}---\n{config}"})


def test_a_value_of_a_config_map_replaces_a_field():
    built = replaced(
        "kind: ConfigMap, name: versions, fieldPath: data.web",
        "select: {kind: HelmRelease}, fieldPaths: [spec.values.image]",
    )
    assert values(built)["image"] == "2.3.4"
    assert built.objects[0].changed_by == {"replacement"}


def test_a_value_of_an_env_file_replaces_the_tag_of_an_image():
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\nconfigMapGenerator: [{name: v, envs: [.env]}]\nreplacements: [{"
        "source: {kind: ConfigMap, name: v, fieldPath: data.VERSION}, targets: [{select: {kind: StatefulSet},"
        " fieldPaths: [spec.template.spec.containers.0.image], options: {delimiter: ':', index: 1}}]}]",
        "a.yaml": DEPLOYMENT.replace("Deployment", "StatefulSet").replace("web:1.0", "ghcr.io/org/web:placeholder"),
        ".env": "VERSION=0.33.0\n",
    }
    containers = contents(build(tree))[0]["spec"]["template"]["spec"]["containers"]
    assert containers[0]["image"] == "ghcr.io/org/web:0.33.0"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("select: {kind: HelmRelease}, fieldPaths: [spec.nope]", "a target of a replacement has no such field"),
        ("select: {kind: HelmRelease}, fieldPaths: [spec.values.on]", "another type"),
        ("select: {kind: HelmRelease}, fieldPaths: [spec.values.hosts.7]", "beyond the end"),
        ("fieldPaths: [spec.values.on]", "selects nothing"),
    ],
)
def test_a_replacement_that_is_not_possible_is_refused(target: str, reason: str):
    built = replaced("kind: ConfigMap, name: versions, fieldPath: data.web", target)
    assert built.failure is not None
    assert reason in built.failure


def test_a_field_that_is_made_takes_the_type_of_the_text():
    target = "select: {kind: HelmRelease}, fieldPaths: [spec.values.port], options: {create: true}"
    assert values(replaced("kind: ConfigMap, name: versions, fieldPath: data.n", target))["port"] == 8080


def test_the_selector_of_a_replacement_is_no_pattern():
    target = "select: {kind: 'Helm.*'}, fieldPaths: [spec.values.image]"
    assert values(replaced("kind: ConfigMap, name: versions, fieldPath: data.web", target))["image"] == "a:staging-1"


def test_a_value_that_goes_into_a_secret_is_withheld():
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: x}\n"
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\nreplacements: [{sourceValue: open-words, targets:"
        " [{select: {kind: Secret}, fieldPaths: [stringData.key]}]}]",
        "a.yaml": secret,
    }
    assert "open-words" not in str(contents(build(tree)))
