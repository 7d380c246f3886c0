"""What kustomize changes on the way to the cluster: replacements, patches, images, namespaces, charts, files."""

from typing import Any

import pytest

from kubestats_pipeline_tests.scan.world import (
    Tree,
    chart,
    config,
    flux_path,
    helm_repository,
    images_of,
    kustomization,
    manifest,
    oci_repository,
    release,
)

FLUX = "kustomize.toolkit.fluxcd.io"
DIGEST = "sha256:" + "2" * 64
CHART_REF = {"kind": "OCIRepository", "name": "web"}


def deployment(name: str, *images: str) -> str:
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    return manifest("Deployment", name, api="apps/v1", spec={"template": {"spec": {"containers": containers}}})


def flux_applies(path: str, target: str | None = None) -> dict[str, str]:
    """A cluster that begins with one Kustomization, which applies one folder."""
    return {
        "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
        "cluster/ks.yaml": flux_path("apps", path, target, namespace="flux-system"),
    }


# Replacements


def test_a_replacement_gives_the_children_of_a_folder_their_namespace() -> None:
    replacement = {
        "source": {"kind": "Namespace", "fieldPath": "metadata.name"},
        "targets": [
            {
                "select": {"kind": "Kustomization", "group": FLUX},
                "fieldPaths": ["spec.targetNamespace"],
                "options": {"create": True},
            }
        ],
    }
    component = {"kind": "Component", "apiVersion": "kustomize.config.k8s.io/v1alpha1"}
    tree = Tree().put(
        flux_applies("./apps")
        | {
            "apps/kustomization.yaml": kustomization("./media"),
            "apps/media/kustomization.yaml": kustomization(
                "web.yaml",
                namespace="media",
                components=["../../components/namespace"],
                replacements=[{"path": "../../components/repl.yaml"}],
            ),
            "apps/media/web.yaml": flux_path("web", "./base/web"),
            "components/namespace/kustomization.yaml": kustomization("ns.yaml", **component),
            "components/namespace/ns.yaml": manifest("Namespace", "not-used"),
            "components/repl.yaml": str([replacement]).replace("True", "true"),
            "base/web/kustomization.yaml": kustomization("hr.yaml", "oci.yaml", "own.yaml"),
            "base/web/hr.yaml": release("web", chartRef=CHART_REF),
            "base/web/oci.yaml": oci_repository("web", "1.2.3"),
            "base/web/own.yaml": config("own", namespace="elsewhere"),
        }
    )
    web = tree.run("web")
    assert (web.key.key.namespace, web.state.version, web.state.resolution) == ("media", "1.2.3", "exact")
    assert (tree.resolution("web").namespace, tree.resolution("web").version) == ("media", "1.2.3")
    assert tree.run("own", "ConfigMap").key.key.namespace == "media", "a target namespace wins over the document's own"
    assert tree.runs("not-used", "Namespace") == []
    assert len(tree.runs("media", "Namespace")) == 1


def test_a_replacement_gives_a_release_its_version() -> None:
    replacement = {
        "source": {"kind": "ConfigMap", "name": "versions", "fieldPath": "data.web"},
        "targets": [
            {"select": {"kind": "HelmRelease", "name": "web"}, "fieldPaths": ["spec.chart.spec.version"]},
        ],
    }
    tree = Tree().put(
        flux_applies("./app")
        | {
            "app/kustomization.yaml": kustomization("hr.yaml", "s.yaml", "v.yaml", replacements=[replacement]),
            "app/hr.yaml": release("web", chart=chart("web", "0.0.0", "s")),
            "app/s.yaml": helm_repository("s"),
            "app/v.yaml": manifest("ConfigMap", "versions", data={"web": "2.3.4"}),
        }
    )
    assert (tree.run("web").state.version, tree.resolution("web").version) == ("2.3.4", "2.3.4")


@pytest.mark.parametrize("given", [{"literals": ["VERSION=0.25.0"]}, {"envs": [".env"]}])
def test_a_replacement_gives_an_image_the_tag_of_a_generated_config_map(given: dict[str, list[str]]) -> None:
    replacement = {
        "source": {"kind": "ConfigMap", "name": "versions", "fieldPath": "data.VERSION"},
        "targets": [
            {
                "select": {"kind": "Deployment"},
                "fieldPaths": ["spec.template.spec.containers.0.image"],
                "options": {"delimiter": ":", "index": 1},
            }
        ],
    }
    fields = {"configMapGenerator": [{"name": "versions", **given}], "replacements": [replacement]}
    tree = Tree().put(
        flux_applies("./app")
        | {
            "app/kustomization.yaml": kustomization("d.yaml", **fields),
            "app/d.yaml": deployment("web", "example.org/web:placeholder"),
            "app/.env": "VERSION=0.25.0\n",
        }
    )
    web = tree.run("web", "Deployment")
    assert (images_of(web), web.state.version) == (["example.org/web:0.25.0"], "0.25.0")
    assert tree.resolution("web", "Deployment").version == "0.25.0"


# Patches


@pytest.mark.parametrize("is_merge", [True, False])
def test_a_patch_gives_the_image_that_a_workload_runs(is_merge: bool) -> None:
    merge = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    merge["spec"] = {"template": {"spec": {"containers": [{"name": "c0", "image": "example.org/web:2.0"}]}}}
    path = "/spec/template/spec/containers/0/image"
    operations = f"- {{op: replace, path: {path}, value: 'example.org/web:2.0'}}"
    patch = {"patch": str(merge)} if is_merge else {"patch": operations, "target": {"kind": "Deployment"}}
    tree = Tree().put(
        flux_applies("./over")
        | {
            "base/kustomization.yaml": kustomization("d.yaml"),
            "base/d.yaml": deployment("web", "example.org/web:1.0"),
            "over/kustomization.yaml": kustomization("../base", patches=[patch]),
        }
    )
    web = tree.run("web", "Deployment")
    assert (images_of(web), web.state.version) == (["example.org/web:2.0"], "2.0")
    assert web.origin is not None
    assert web.origin.path == "base/d.yaml"


def test_each_overlay_runs_the_image_that_its_patch_of_values_gives() -> None:
    def patch(tag: str) -> str:
        return release("web", values={"nodejs": {"image": f"example.org/opal:{tag}"}})

    def overlay(name: str) -> dict[str, str]:
        return {
            f"cluster/{name}.yaml": flux_path(name, f"./{name}", name, namespace="flux-system"),
            f"{name}/kustomization.yaml": kustomization("../base", patches=[{"path": "web.yaml"}]),
            f"{name}/web.yaml": patch(f"{name}-9"),
        }

    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "base/kustomization.yaml": kustomization("hr.yaml", "s.yaml"),
            "base/hr.yaml": release(
                "web", chart=chart("nodejs", "1.0.0", "s"), values={"nodejs": {"image": "example.org/opal:staging-1"}}
            ),
            "base/s.yaml": helm_repository("s"),
            **overlay("prod"),
            **overlay("test"),
        }
    )
    assert [images_of(each) for each in tree.runs("web")] == [["example.org/opal:prod-9"], ["example.org/opal:test-9"]]
    assert [each.state.version for each in tree.runs("web")] == ["1.0.0", "1.0.0"]


@pytest.mark.parametrize("way", ["inline", "file", "flux"])
def test_a_patch_that_deletes_a_release_leaves_nothing_that_runs(way: str) -> None:
    deletion = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "$patch": "delete"}
    deletion["metadata"] = {"name": "aws-a", "namespace": "x"}
    patches = {
        "inline": [{"patch": str(deletion)}],
        "file": [{"path": "gone.yaml"}],
        "flux": [],
    }[way]
    spec: dict[str, Any] = {"path": "./over"}
    if way == "flux":
        spec["patches"] = [{"patch": str(deletion), "target": {"kind": "HelmRelease", "name": "aws-.*"}}]
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/ks.yaml": manifest("Kustomization", "over", api=f"{FLUX}/v1", namespace="flux-system", spec=spec),
            "base/kustomization.yaml": kustomization("a.yaml", "b.yaml", "s.yaml"),
            "base/a.yaml": release("aws-a", namespace="x", chart=chart("a", "1.0.0", "s")),
            "base/b.yaml": release("b", namespace="x", chart=chart("b", "1.0.0", "s")),
            "base/s.yaml": helm_repository("s", namespace="x"),
            "over/kustomization.yaml": kustomization("../base", patches=patches),
            "over/gone.yaml": str(deletion),
        }
    )
    assert tree.runs("aws-a") == []
    assert tree.is_applied("aws-a", path="base") is False
    assert (tree.run("b").state.version, tree.is_applied("b")) == ("1.0.0", True)


# Images


@pytest.mark.parametrize(
    ("entry", "image", "expected"),
    [
        (
            {"name": "nginx", "newTag": "19.0.4", "digest": DIGEST},
            "nginx:1",
            f"docker.io/library/nginx:19.0.4@{DIGEST}",
        ),
        ({"name": "argo/cd:v1.7.7", "digest": DIGEST}, "argo/cd:v1.7.7", f"docker.io/argo/cd@{DIGEST}"),
        ({"name": ".*/opa", "newTag": "v7"}, "reg.example.org/team/opa:1", "reg.example.org/team/opa:v7"),
    ],
)
@pytest.mark.parametrize("way", ["kustomization", "flux"])
def test_an_image_runs_as_the_entry_of_a_kustomization_says(
    entry: dict[str, str], image: str, expected: str, way: str
) -> None:
    spec = {"path": "./app", **({"images": [entry]} if way == "flux" else {})}
    images = {"images": [entry]} if way == "kustomization" else {}
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/ks.yaml": manifest("Kustomization", "app", api=f"{FLUX}/v1", namespace="flux-system", spec=spec),
            "app/kustomization.yaml": kustomization("d.yaml", **images),
            "app/d.yaml": deployment("web", image),
        }
    )
    web = tree.run("web", "Deployment")
    assert images_of(web) == [expected]
    assert web.state.version == entry.get("newTag")


def test_a_transformer_of_its_own_file_changes_what_runs_and_runs_nowhere_itself() -> None:
    tree = Tree().put(
        flux_applies("./app")
        | {
            "app/kustomization.yaml": kustomization("d.yaml", "c.yaml", transformers=["t.yaml", "n.yaml"]),
            "app/d.yaml": deployment("web", "org/x:1"),
            "app/c.yaml": config("own", namespace="own"),
            "app/t.yaml": manifest(
                "ImageTagTransformer", "t", api="builtin", imageTag={"name": "org/x", "newTag": "v9"}
            ),
            "app/n.yaml": manifest("NamespaceTransformer", "n", api="builtin", namespace="filled", unsetOnly=True),
        }
    )
    web = tree.run("web", "Deployment")
    assert (images_of(web), web.key.key.namespace) == (["docker.io/org/x:v9"], "filled")
    assert tree.run("own", "ConfigMap").key.key.namespace == "own"
    assert tree.runs("t", "ImageTagTransformer") == []


# Files and charts


def test_a_folder_with_a_kustomization_of_the_short_name_runs_what_it_lists_and_nothing_else() -> None:
    patch = {"patch": release("web", chart={"spec": {"version": "2.0.0"}}), "target": {"kind": "HelmRelease"}}
    tree = Tree().put(
        flux_applies("./app")
        | {
            "app/Kustomization": kustomization("h.yaml", "r.yaml", namespace="prod", patches=[patch]),
            "app/h.yaml": release("web", chart=chart("web", "1.0.0", "r")),
            "app/r.yaml": helm_repository("r"),
            "app/unlisted.yaml": release("unlisted", chart=chart("web", "1.0.0", "r")),
        }
    )
    web = tree.run("web")
    assert (web.key.key.namespace, web.state.version) == ("prod", "2.0.0")
    assert (tree.runs("unlisted"), tree.is_applied("unlisted")) == ([], False)


def test_a_release_in_a_json_file_runs_where_a_kustomization_lists_it() -> None:
    tree = Tree().put(
        flux_applies("./app")
        | {
            "app/kustomization.yaml": kustomization("h.json", "r.yaml"),
            "app/h.json": release("web", chart=chart("web", "1.0.0", "r")),
            "app/r.yaml": helm_repository("r"),
        }
    )
    assert (tree.run("web").state.version, tree.resolution("web").version) == ("1.0.0", "1.0.0")


def test_charts_of_a_kustomization_run_in_its_namespace_and_then_in_that_of_flux() -> None:
    charts = [
        {"name": "mini", "version": "0.1.0", "releaseName": "n1", "namespace": "inner"},
        {"name": "mini", "version": "0.1.0", "releaseName": "n2"},
    ]
    tree = Tree().put(
        flux_applies("./app")
        | {"app/kustomization.yaml": kustomization("c.yaml", namespace="outer", helmCharts=charts)}
        | {"app/c.yaml": config("c")}
    )
    kind = "HelmChartInflationGenerator"
    assert [tree.run(name, kind).key.key.namespace for name in ("n1", "n2")] == ["outer", "outer"]
    assert [tree.resolution(name, kind).namespace for name in ("n1", "n2")] == ["outer", "outer"]
    assert [tree.is_applied(name, kind) for name in ("n1", "n2")] == [True, True]
    tree.put({"cluster/ks.yaml": flux_path("apps", "./app", "tgt", namespace="flux-system")})
    assert [tree.run(name, kind).key.key.namespace for name in ("n1", "n2")] == ["tgt", "tgt"]
    assert tree.run("c", "ConfigMap").key.key.namespace == "tgt"


def test_a_chart_of_the_older_field_runs() -> None:
    chart = {"chartName": "nats", "chartVersion": "v0.13.1", "chartRepoUrl": "https://charts.example.org"}
    fields = {"helmChartInflationGenerator": [{**chart, "releaseName": "n3"}]}
    tree = Tree().put(flux_applies("./app") | {"app/kustomization.yaml": kustomization(**fields)})
    state = tree.run("n3", "HelmChartInflationGenerator").state
    assert (state.chart_name, state.version, state.chart_url) == ("nats", "v0.13.1", "https://charts.example.org")


def test_a_generator_in_a_file_of_its_own_runs_its_chart() -> None:
    fields = "name: web\nversion: 1.0.0\nrepo: https://charts.example.org\nreleaseName: web\n"
    kind = "HelmChartInflationGenerator"
    tree = Tree().put(
        flux_applies("./app")
        | {
            "app/kustomization.yaml": kustomization(generators=["g.yaml"], namespace="outer"),
            "app/g.yaml": f"apiVersion: builtin\nkind: {kind}\nmetadata: {{name: g}}\n{fields}",
        }
    )
    web = tree.run("web", kind)
    assert (web.key.key.namespace, web.state.version, web.state.chart_name) == ("outer", "1.0.0", "web")
    assert tree.is_applied("g", kind) is True


# Refusals


def test_a_kustomization_that_kustomize_refuses_runs_nothing_and_is_a_problem() -> None:
    tree = Tree().put(
        flux_applies("./app")
        | {
            "app/kustomization.yaml": "resources: [d.yaml]\nimages: [{name: org/x, newTag: 1.10}]\n",
            "app/d.yaml": deployment("web", "org/x:1"),
        }
    )
    assert tree.runs("web", "Deployment") == []
    assert tree.is_applied("web", "Deployment") is None, "nobody can tell what a cluster runs that cannot be built"
    (problem,) = tree.replay.problems.values()
    assert (problem.path, problem.problem) == ("app/kustomization.yaml", "not_built")
    assert "1.10" not in problem.message
    tree.put({"app/kustomization.yaml": "resources: [d.yaml]\nimages: [{name: org/x, newTag: '1.10'}]\n"})
    assert tree.run("web", "Deployment").state.version == "1.10"
    assert not tree.replay.problems


def test_an_explicit_key_beside_a_merge_runs_with_the_explicit_value() -> None:
    container = "template: {spec: {containers: [{name: a, image: 'org/x:explicit', <<: *d}]}}"
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    tree = Tree().put(
        flux_applies("./app") | {"app/d.yaml": f"{head}common: &d {{image: 'org/x:merged'}}\nspec: {{{container}}}\n"}
    )
    assert images_of(tree.run("web", "Deployment")) == ["docker.io/org/x:explicit"]


def test_a_quoted_number_that_flux_puts_in_runs_as_a_number() -> None:
    spec = {"path": "./app", "postBuild": {"substitute": {"V": "1.10"}}}
    values = {"image": {"repository": "org/x", "tag": "${V}"}}
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/ks.yaml": manifest("Kustomization", "app", api=f"{FLUX}/v1", namespace="flux-system", spec=spec),
            "app/hr.yaml": release("web", chart=chart("web", "1.0.0", "s"), values=values),
            "app/s.yaml": helm_repository("s"),
        }
    )
    assert images_of(tree.run("web")) == ["docker.io/org/x:1.1"]
    (written,) = (each for identity, each in tree.replay.active.items() if identity.key.name == "web")
    assert [image.tag for image in written.version.images] == ["1.10"], "the document's own row says it as written"
