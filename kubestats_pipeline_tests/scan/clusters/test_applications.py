"""How Flux applies a repository: folders, components, patches, variables, and what these make of a release."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.scan.clusters import walk
from kubestats_pipeline.scan.clusters.appliers.make_object import make_object
from kubestats_pipeline_tests.scan.world import (
    Tree,
    chart,
    config,
    documents,
    helm_repository,
    kustomization,
    manifest,
    oci_repository,
    release,
    told,
)

CHART_REF = {"kind": "OCIRepository", "name": "app"}
COMPONENT = {"kind": "Component", "apiVersion": "kustomize.config.k8s.io/v1alpha1"}
SOURCE = "source.toolkit.fluxcd.io/v1"
FLUX = "kustomize.toolkit.fluxcd.io/v1"


@pytest.fixture
def tree() -> Tree:
    return Tree()


def flux(name: str, path: str, namespace: str | None = None, **spec: Any) -> str:
    return manifest("Kustomization", name, api=FLUX, namespace=namespace, spec={"path": path, **spec})


def substitute(**values: str) -> dict[str, Any]:
    return {"postBuild": {"substitute": values}}


def patch(kind: str, spec: str, **target: str) -> dict[str, Any]:
    text = f"apiVersion: x/v1\nkind: {kind}\nmetadata: {{name: not-used}}\nspec: {spec}\n"
    return {"patch": text, "target": {"kind": kind, **target}}


def versions(tree: Tree, name: str = "app") -> list[tuple[str | None, str | None]]:
    """The versions before and after of the events of a release that changed it."""
    return [
        (event.before.resolved.version, event.after.resolved.version)
        for event in tree.replay.log.events
        if event.after.identity.key.kind == "HelmRelease" and event.after.identity.key.name == name and event.before
    ]


# Variables


def test_a_variable_of_the_applying_kustomization_is_the_version_and_a_change_of_it_is_one_of_the_release(
    tree: Tree,
) -> None:
    tree.put(
        {
            "ks.yaml": flux("app", "app", **substitute(VERSION="1.0")),
            "app/hr.yaml": release("app", chartRef=CHART_REF),
            "app/oci.yaml": oci_repository("app", "${VERSION}"),
        }
    )
    assert (tree.resolution("app").version, tree.resolution("app").resolution) == ("1.0", "exact")
    tree.put({"ks.yaml": flux("app", "app", **substitute(VERSION="2.0"))})
    assert versions(tree) == [("1.0", "2.0")]
    assert ("MODIFIED", "app", "app/hr.yaml", "version") in told(tree.replay.log.events)
    tree.put({"ks.yaml": flux("app", "app", **substitute(VERSION="2.0", OTHER="x"))})
    assert versions(tree) == [("1.0", "2.0")], "a variable that it does not use changes nothing"


def test_a_changed_source_changes_the_version_of_all_releases_that_use_it(tree: Tree) -> None:
    tree.put(
        {
            "oci.yaml": oci_repository("app", "1"),
            "a.yaml": release("a", chartRef=CHART_REF),
            "b.yaml": release("b", chartRef=CHART_REF),
            "c.yaml": release("c", chart=chart("x", "5", "s")),
            "s.yaml": helm_repository("s"),
        }
    )
    tree.put({"oci.yaml": oci_repository("app", "2")})
    assert [versions(tree, name) for name in "abc"] == [[("1", "2")], [("1", "2")], []]


def test_a_config_map_gives_variables_and_a_change_of_it_reaches_the_releases(tree: Tree) -> None:
    source = {"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "settings"}]}}
    tree.put(
        {
            "ks.yaml": flux("app", "app", namespace="flux-system", **source),
            "settings.yaml": manifest("ConfigMap", "settings", namespace="flux-system", data={"VERSION": "1\n"}),
            "other.yaml": manifest("ConfigMap", "settings", namespace="elsewhere", data={"VERSION": "9"}),
            "app/hr.yaml": release("app", chart=chart("x", "${VERSION}", "s")),
            "app/s.yaml": helm_repository("s"),
        }
    )
    assert tree.resolution("app").version == "1"
    tree.put({"settings.yaml": manifest("ConfigMap", "settings", namespace="flux-system", data={"VERSION": "2"})})
    assert versions(tree) == [("1", "2")]


def test_what_a_kustomization_says_itself_wins_over_config_maps_and_the_last_of_these_over_the_first(
    tree: Tree,
) -> None:
    names = [{"kind": "ConfigMap", "name": name} for name in ("one", "two")]
    tree.put(
        {
            "ks.yaml": flux("app", "app", postBuild={"substituteFrom": names, "substitute": {"A": "own"}}),
            "1.yaml": manifest("ConfigMap", "one", data={"A": "1", "B": "1", "C": "1"}),
            "2.yaml": manifest("ConfigMap", "two", data={"A": "2", "B": "2"}),
            "app/hr.yaml": release("app", chart=chart("x", "${A}-${B}-${C}", "s")),
            "app/s.yaml": helm_repository("s"),
        }
    )
    assert tree.resolution("app").version == "own-2-1"


def test_a_generated_config_map_gives_variables_too(tree: Tree) -> None:
    source = {"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "settings"}]}}
    generator = [{"name": "settings", "literals": ["VERSION=7"]}]
    tree.put(
        {
            "flux/kustomization.yaml": kustomization("ks.yaml", configMapGenerator=generator),
            "flux/ks.yaml": flux("app", "app", **source),
            "app/hr.yaml": release("app", chart=chart("x", "${VERSION}", "s")),
            "app/s.yaml": helm_repository("s"),
        }
    )
    assert tree.resolution("app").version == "7"


def test_secret_values_are_not_known_and_leave_the_placeholder_with_the_reason(tree: Tree) -> None:
    source = {"postBuild": {"substituteFrom": [{"kind": "Secret", "name": "vars"}]}}
    tree.put(
        {
            "ks.yaml": flux("app", "app", **source),
            "vars.yaml": manifest("Secret", "vars", stringData={"VERSION": "1"}),
            "app/hr.yaml": release("app", chart=chart("x", "${VERSION}", "s")),
            "app/s.yaml": helm_repository("s"),
        }
    )
    resolution = tree.resolution("app")
    assert (resolution.version, resolution.resolution) == ("${VERSION}", "unresolved")
    assert resolution.reason == "its version has a variable whose value is not in the repository"
    assert resolution.chart_name == "x", "what is known is told"
    tree.put({"app/hr.yaml": release("app", chart=chart("x", "${VERSION:=3}", "s"))})
    assert (tree.resolution("app").version, tree.resolution("app").resolution) == ("3", "exact"), "the author's default"


def test_a_sensitive_variable_is_never_put_in(tree: Tree) -> None:
    tree.put(
        {
            "ks.yaml": flux("app", "app", **substitute(API_TOKEN="hunter2", URL="https://u:hunter2@x.org")),
            "app/hr.yaml": release("app", chart=chart("x", "${API_TOKEN}", "s")),
            "app/s.yaml": helm_repository("s", "${URL}/${API_TOKEN}"),
        }
    )
    assert "hunter2" not in repr(tree.resolution("app"))


def test_without_post_build_nothing_is_put_in_and_a_resource_may_forbid_it(tree: Tree) -> None:
    tree.put(
        {
            "ks.yaml": flux("app", "app"),
            "app/hr.yaml": release("app", chart=chart("x", "${V:=1}", "s")),
            "app/s.yaml": helm_repository("s"),
        }
    )
    assert tree.resolution("app").resolution == "unresolved"
    tree.put({"ks.yaml": flux("app", "app", **substitute(OTHER="x"))})
    assert tree.resolution("app").version == "1"
    forbidden = "metadata: {name: app, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}"
    spec = "spec: {chart: {spec: {chart: x, version: '${V:=1}', sourceRef: {kind: HelmRepository, name: s}}}}"
    tree.put({"app/hr.yaml": f"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n{forbidden}\n{spec}\n"})
    assert tree.resolution("app").version == "${V:=1}"


def test_variables_stand_in_names_namespaces_urls_and_images(tree: Tree) -> None:
    pod = {"template": {"spec": {"containers": [{"name": "a", "image": "ghcr.io/${ORG}/app:${TAG}"}]}}}
    tree.put(
        {
            "ks.yaml": flux("app", "app", targetNamespace="web", **substitute(ORG="home", TAG="1.10", NAME="app")),
            "app/hr.yaml": release("app", chartRef={"kind": "OCIRepository", "name": "${NAME}"}),
            "app/oci.yaml": oci_repository("${NAME}", "1", url="oci://ghcr.io/${ORG}/charts/app"),
            "app/d.yaml": manifest("Deployment", "d", api="apps/v1", spec=pod),
        }
    )
    assert (tree.resolution("app").chart_url, tree.resolution("app").namespace) == (
        "oci://ghcr.io/home/charts/app",
        "web",
    )
    (deployment,) = (each for identity, each in tree.replay.active.items() if identity.key.kind == "Deployment")
    assert [(image.image, image.tag) for image in deployment.version.images] == [("ghcr.io/home/app", "1.10")]
    assert deployment.resolved.version == "1.10"


# Components, templates


def test_a_component_that_many_add_is_in_each_of_them_what_their_variables_make_of_it(tree: Tree) -> None:
    def one(name: str, version: str) -> str:
        return flux(
            name, f"apps/{name}", targetNamespace=name, components=["../../base"], **substitute(VERSION=version)
        )

    tree.put(
        {
            "ks.yaml": documents(one("a", "1"), one("b", "2")),
            "base/kustomization.yaml": kustomization("oci.yaml", **COMPONENT),
            "base/oci.yaml": oci_repository("app", "${VERSION}"),
            "apps/a/hr.yaml": release("a", chartRef=CHART_REF),
            "apps/b/hr.yaml": release("b", chartRef=CHART_REF),
        }
    )
    assert [(tree.resolution(name).version, tree.resolution(name).namespace) for name in "ab"] == [
        ("1", "a"),
        ("2", "b"),
    ]
    shared = tree.resolution("app", "OCIRepository")
    assert (shared.version, shared.namespace) == ("${VERSION}", None), "of the template only what all have in common"
    tree.put({"ks.yaml": documents(one("a", "3"), one("b", "2"))})
    assert (versions(tree, "a"), versions(tree, "b")) == ([("1", "3")], [])


def test_a_release_that_is_applied_with_several_versions_is_ambiguous_and_says_so(tree: Tree) -> None:
    tree.put(
        {
            "ks.yaml": documents(
                *(
                    flux(name, "t", targetNamespace=name, **substitute(V=version))
                    for name, version in (("a", "1"), ("b", "2"))
                )
            ),
            "t/hr.yaml": release("app", chart=chart("x", "${V}", "s", namespace="flux-system")),
            "s.yaml": helm_repository("s", namespace="flux-system"),
        }
    )
    resolution = tree.resolution("app")
    assert (resolution.resolution, resolution.reason) == (
        "ambiguous",
        "it is applied 2 times, with another version each",
    )
    assert (resolution.chart_name, resolution.version, resolution.namespace) == ("x", "${V}", None)
    tree.put({"ks.yaml": documents(*(flux(name, "t", targetNamespace=name, **substitute(V="3")) for name in "ab"))})
    assert (tree.resolution("app").resolution, tree.resolution("app").version) == ("exact", "3")


def test_the_changes_of_a_component_reach_what_the_kustomization_takes_in(tree: Tree) -> None:
    tree.put(
        {
            "app/kustomization.yaml": kustomization("a.yaml", components=["../c"]),
            "app/a.yaml": config("a"),
            "c/kustomization.yaml": kustomization("b.yaml", namespace="web", **COMPONENT),
            "c/b.yaml": config("b"),
        }
    )
    assert (tree.resolution("a", "ConfigMap").namespace, tree.resolution("b", "ConfigMap").namespace) == ("web", "web")


# Parents


def test_a_parent_gives_its_children_variables_and_namespaces_by_patches(tree: Tree) -> None:
    patches = [
        patch("Kustomization", "{postBuild: {substitute: {V: '1'}}}", labelSelector="vars notin (false)"),
        patch("Kustomization", "{targetNamespace: web}", name="a.*"),
    ]
    tree.put(
        {
            "cluster/ks.yaml": flux("cluster", "kube", patches=patches),
            "kube/ks.yaml": documents(flux("app", "app"), flux("other", "other")),
            "app/hr.yaml": release("app", chart=chart("x", "${V}", "s", namespace="f")),
            "other/hr.yaml": release("other", chart=chart("x", "${V}", "s", namespace="f")),
            "s.yaml": helm_repository("s", namespace="f"),
        }
    )
    app, other = tree.resolution("app"), tree.resolution("other")
    assert (app.version, app.namespace, other.version, other.namespace) == ("1", "web", "1", None)
    tree.put({"cluster/ks.yaml": flux("cluster", "kube", patches=patches[1:])})
    assert versions(tree, "other") == [("1", "${V}")]


def test_operations_patch_too(tree: Tree) -> None:
    operations = (
        "- {op: add, path: /spec/postBuild, value: {substitute: {V: '1'}}}\n- {op: replace, path: /spec/x, value: 1}"
    )
    patches = [{"patch": operations, "target": {"kind": "Kustomization"}}]
    tree.put(
        {
            "cluster/ks.yaml": flux("cluster", "kube", patches=patches),
            "kube/ks.yaml": flux("app", "app"),
            "app/hr.yaml": release("app", chart=chart("x", "${V}", "s")),
            "app/s.yaml": helm_repository("s"),
        }
    )
    assert tree.resolution("app").version == "1"


def test_variables_go_down_from_kustomization_to_kustomization(tree: Tree) -> None:
    tree.put(
        {
            "cluster.yaml": flux("cluster", "kube", **substitute(MAJOR="4")),
            "kube/ks.yaml": flux("app", "app", **substitute(V="${MAJOR}.2")),
            "app/hr.yaml": release("app", chart=chart("x", "${V}", "s")),
            "app/s.yaml": helm_repository("s"),
        }
    )
    assert tree.resolution("app").version == "4.2"


def test_an_overlay_patches_the_version_of_a_base(tree: Tree) -> None:
    change = {"spec": {"chart": {"spec": {"version": "2.x"}}}}
    tree.put(
        {
            "base/kustomization.yaml": kustomization("hr.yaml", "s.yaml"),
            "base/hr.yaml": release("app", chart=chart("x", "1.x", "s")),
            "base/s.yaml": helm_repository("s"),
            "prod/kustomization.yaml": kustomization("../base", patches=[{"path": "p.yaml"}]),
            "prod/p.yaml": manifest("HelmRelease", "app", api="helm.toolkit.fluxcd.io/v2", **change),
        }
    )
    assert (tree.resolution("app", path="base").version, tree.resolution("app", path="base").resolution) == (
        "2.x",
        "exact",
    )
    tree.put({"prod/p.yaml": release("app", chart=chart("x", "3.x", "s"))})
    assert tree.resolution("app", path="base").version == "3.x"
    assert tree.resolution("app", path="prod").resolution == "not_applicable", "a patch is no release, complete or not"


def test_of_two_that_apply_a_folder_the_one_that_is_applied_itself_counts(tree: Tree) -> None:
    tree.put(
        {
            "cluster.yaml": flux("cluster", "kube"),
            "kube/ks.yaml": flux("app", "app", targetNamespace="live"),
            "old/ks.yaml": flux("old", "app", targetNamespace="dead"),
            "app/a.yaml": config("a"),
        }
    )
    assert tree.resolution("a", "ConfigMap").namespace == "live"


@pytest.mark.parametrize("ref", [{"tag": "v1"}, {"semver": "1.x"}, {"commit": "abc"}])
def test_a_kustomization_whose_source_pins_a_release_applies_nothing_of_this_commit(
    tree: Tree, ref: dict[str, str]
) -> None:
    source = {"kind": "GitRepository", "name": "crds"}
    tree.put(
        {
            "ks.yaml": flux("crds", "", targetNamespace="wrong", sourceRef=source),
            "git.yaml": manifest("GitRepository", "crds", api=SOURCE, spec={"url": "https://x.org/r", "ref": ref}),
            "a.yaml": config("a"),
        }
    )
    assert tree.resolution("a", "ConfigMap").namespace is None
    tree.put({"git.yaml": manifest("GitRepository", "crds", api=SOURCE, spec={"url": "https://x.org/r"})})
    assert tree.resolution("a", "ConfigMap").namespace == "wrong", "it may be this repository"


def test_the_folder_of_an_artifact_is_found_where_its_generator_took_it_from(tree: Tree) -> None:
    copy = [{"from": "@repo/apps/prod/**", "to": "@artifact/prod/"}]
    spec = {"artifacts": [{"name": "apps", "copy": copy}]}
    tree.put(
        {
            "ks.yaml": flux("a", "prod", targetNamespace="web", sourceRef={"kind": "ExternalArtifact", "name": "apps"}),
            "gen.yaml": manifest("ArtifactGenerator", "g", api="source.extensions.fluxcd.io/v1beta1", spec=spec),
            "apps/prod/a.yaml": config("a"),
            "prod/b.yaml": config("b"),
        }
    )
    assert (tree.resolution("a", "ConfigMap").namespace, tree.resolution("b", "ConfigMap").namespace) == ("web", None)
    tree.put({"gen.yaml": None})
    assert tree.resolution("a", "ConfigMap").namespace is None


# Images and values of kustomize


def test_kustomize_overrides_the_images_of_workloads(tree: Tree) -> None:
    containers = [{"name": "a", "image": "nginx:1"}, {"name": "b", "image": "ghcr.io/x/y:1@sha256:" + "0" * 64}]
    pod = {"template": {"spec": {"containers": containers}}}
    images = [{"name": "nginx", "newName": "docker.io/home/web", "newTag": "2"}, {"name": "ghcr.io/x/y", "newTag": "3"}]
    tree.put(
        {
            "kustomization.yaml": kustomization("d.yaml", images=images),
            "d.yaml": manifest("Deployment", "d", api="apps/v1", spec=pod),
        }
    )
    (deployment,) = tree.replay.active.values()
    found = [(image.image, image.tag, image.digest) for image in deployment.version.images]
    assert found == [("docker.io/home/web", "2", None), ("ghcr.io/x/y", "3", None)]
    assert deployment.resolved.version == "2"


def test_values_come_from_the_file_that_a_generator_beside_the_release_puts_into_a_config_map(tree: Tree) -> None:
    generator = [{"name": "app-values", "files": ["values.yaml=./helm/values.yaml"]}]
    values_from = [{"kind": "ConfigMap", "name": "app-values"}]
    files = {
        "app/kustomization.yaml": kustomization("hr.yaml", configMapGenerator=generator),
        "app/hr.yaml": release("app", chart=chart("x", "1", "s"), valuesFrom=values_from),
        "app/helm/values.yaml": "image: {repository: ghcr.io/home/app, tag: 1.10}\n",
        "b/kustomization.yaml": kustomization(configMapGenerator=[{"name": "app-values", "files": ["values.yaml"]}]),
    }
    tree.put(files)
    (app,) = (each for each in tree.replay.active.values() if each.identity.key.name == "app")
    assert [(each.kind, each.path) for each in app.resolved.values_inputs] == [("file", "app/helm/values.yaml")]
    assert [(image.image, image.tag) for image in app.version.images] == [("ghcr.io/home/app", "1.10")]
    tree.put({"app/helm/values.yaml": "image: {repository: ghcr.io/home/app, tag: 1.11}\n"})
    assert told(tree.replay.log.events)[-1] == ("MODIFIED", "app", "app/hr.yaml", "images", "values")


def test_values_come_from_a_config_map_of_the_release_s_namespace(tree: Tree) -> None:
    tree.put(
        {
            "hr.yaml": release(
                "app",
                namespace="web",
                chart=chart("x", "1", "s"),
                valuesFrom=[
                    {"kind": "ConfigMap", "name": "v", "valuesKey": "a.yaml"},
                    {"kind": "Secret", "name": "s"},
                    {"kind": "ConfigMap", "name": "gone", "optional": True},
                ],
            ),
            "1.yaml": manifest("ConfigMap", "v", namespace="web", data={"a.yaml": "a: 1"}),
            "2.yaml": manifest("ConfigMap", "v", namespace="other", data={"a.yaml": "a: 2"}),
        }
    )
    inputs = tree.resolution("app").values_inputs
    assert [(each.kind, each.path, each.key) for each in inputs] == [
        ("configmap", "1.yaml", "a.yaml"),
        ("secret", None, "values.yaml"),
        ("unknown", None, "values.yaml"),
    ]


# After any edits


SOURCES = [
    *(
        oci_repository(name, version, namespace=space)
        for name in ("app", "${N}")
        for version in ("1", "${V:=2}")
        for space in (None, "one")
    ),
    helm_repository("s", "https://${N:=x}.org"),
]
RELEASES = [
    release("app", chartRef=CHART_REF, valuesFrom=[{"kind": "ConfigMap", "name": "vars", "valuesKey": "V"}]),
    release("${N:=app}", namespace="one", chart=chart("x", "${V}", "s")),
    *(
        json.dumps(
            json.loads(release("app", chart=chart("x", version, "s"))) | {"metadata": {"name": "app", **metadata}}
        )
        for version in ("1", "${V:=1}")
        for metadata in (
            {"labels": {"tier": "web"}},
            {"labels": {"tier": "batch"}},
            {"annotations": {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}},
        )
    ),
]
VARIABLES: list[dict[str, Any]] = [
    {},
    substitute(V="3", N="app"),
    {"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]}},
    {"patches": [patch("Kustomization", "{postBuild: {substitute: {V: '4'}}}")]},
    {"patches": [patch("HelmRelease", "{chart: {spec: {version: '5'}}}", namespace="one")]},
    {
        "patches": [patch("HelmRelease", "{chart: {spec: {version: '9${V:=9}'}}}", labelSelector="tier=web")],
        **substitute(),
    },
    {"components": ["../c"], **substitute(N="app")},
    {"sourceRef": {"kind": "GitRepository", "name": "git"}},
]
CONTENTS = [
    *SOURCES,
    *RELEASES,
    documents(SOURCES[0], RELEASES[0]),
    *(flux(name, path, **spec) for name, path in (("k", "a"), ("l", "a/b"), ("m", "")) for spec in VARIABLES),
    *(manifest("ConfigMap", "vars", namespace=space, data={"V": "6", "N": "app"}) for space in (None, "one")),
    *(
        manifest("GitRepository", "git", api=SOURCE, spec={"url": "https://x.org/r", "ref": ref})
        for ref in ({"tag": "1"}, {"tag": "2"}, {"branch": "main"})
    ),
    None,
]
CHANGES: list[dict[str, Any]] = [
    {},
    {"namespace": "one"},
    {"components": ["../c"]},
    {"namePrefix": "p-"},
    {"patches": [{"path": "1.yaml"}]},
    {"patches": [patch("OCIRepository", "{ref: {tag: '7'}}")]},
    {"configMapGenerator": [{"name": "vars", "literals": ["V=8"], "files": ["V=v.yaml"]}]},
]
PATHS = ["a/1.yaml", "a/b/2.yaml", "a/b/3.yaml", "c/4.yaml", "5.yaml", "6.yaml"]
ENTRIES = ["1.yaml", "b", "../c", "2.yaml", "b/3.yaml", "..", "../a/b", "4.yaml", "a"]
KUSTOMIZATIONS = st.one_of(
    st.none(),
    st.builds(
        lambda entries, changes: kustomization(*entries, **changes),
        st.lists(st.sampled_from(ENTRIES), max_size=3),
        st.sampled_from(CHANGES),
    ),
)
EDITS = st.one_of(
    st.tuples(st.sampled_from(PATHS), st.sampled_from(CONTENTS)),
    st.tuples(st.sampled_from(["a", "a/b", "c"]).map("{}/kustomization.yaml".format), KUSTOMIZATIONS),
)


@pytest.mark.parametrize("examples", [100, pytest.param(4_000, marks=pytest.mark.slow)])
def test_after_any_edits_everything_means_what_it_means_from_scratch(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.lists(EDITS, min_size=1, max_size=4), min_size=3, max_size=10))
    def check(steps: list[list[tuple[str, str | None]]]) -> None:
        tree = Tree()
        for step in steps:
            tree.put(dict(step))
            assert tree.resolutions() == tree.from_scratch()

    check()


def test_a_change_of_one_object_of_an_app_makes_the_others_not_anew(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.put(
        {
            "flux/app.yaml": flux("app", "./app", targetNamespace="web"),
            "app/kustomization.yaml": kustomization("a.yaml", "b.yaml"),
            "app/a.yaml": config("a"),
            "app/b.yaml": config("b"),
        }
    )
    made: list[str] = []

    def make(built: Any, *others: Any) -> Any:
        made.append(built.content["metadata"]["name"])
        return make_object(built, *others)

    monkeypatch.setattr(walk, "make_object", make)
    tree.put({"app/a.yaml": config("a", "two")})
    assert made == ["a"]
