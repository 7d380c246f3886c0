"""What Flux applies to which cluster: paths, sources, clusters of one repository, variables, generated objects."""

from typing import Any

import pytest

from kubestats_pipeline_tests.scan.world import (
    Tree,
    chart,
    config,
    documents,
    helm_repository,
    images_of,
    kustomization,
    manifest,
    oci_repository,
    release,
)

FLUX = "kustomize.toolkit.fluxcd.io/v1"
SOURCES = "source.toolkit.fluxcd.io/v1"
OPERATOR = "fluxcd.controlplane.io/v1"
CHART_REF = {"kind": "OCIRepository", "name": "web"}
HOME = "https://github.com/me/home"


def flux(name: str, path: str, source: str | None = None, kind: str = "GitRepository", **spec: Any) -> str:
    reference = {"sourceRef": {"kind": kind, "name": source}} if source else {}
    return manifest("Kustomization", name, api=FLUX, namespace="flux-system", spec={"path": path, **reference, **spec})


def git_repository(name: str, url: str, **reference: str) -> str:
    spec = {"url": url, "ref": reference}
    return manifest("GitRepository", name, api=SOURCES, namespace="flux-system", spec=spec)


def values(image: str) -> dict[str, Any]:
    return {"web": {"image": image}}


# Paths


def test_a_path_with_a_variable_leads_where_the_parent_says() -> None:
    oci = {
        "apiVersion": SOURCES,
        "kind": "OCIRepository",
        "metadata": {"name": "web"},
        "spec": {"ref": {"tag": "2.0.0"}},
    }
    tree = Tree().put(
        {
            "flux/cluster.yaml": flux("cluster", "./cluster", postBuild={"substitute": {"ENVIRONMENT": "prod"}}),
            "cluster/a.yaml": flux("a", "./apps/a/${ENVIRONMENT}", targetNamespace="a"),
            "apps/a/base/kustomization.yaml": kustomization("hr.yaml", "oci.yaml"),
            "apps/a/base/hr.yaml": release("web", chartRef=CHART_REF),
            "apps/a/base/oci.yaml": oci_repository("web", "1.0.0"),
            "apps/a/dev/kustomization.yaml": kustomization("../base"),
            "apps/a/prod/kustomization.yaml": kustomization("../base", patches=[{"patch": str(oci)}]),
        }
    )
    web = tree.run("web")
    assert (web.key.key.namespace, web.state.version, web.state.resolution) == ("a", "2.0.0", "exact")
    assert (tree.resolution("web").version, tree.resolution("web").resolution) == ("2.0.0", "exact")
    tree.put({"flux/cluster.yaml": flux("cluster", "./cluster", postBuild={"substitute": {"ENVIRONMENT": "dev"}})})
    assert tree.run("web").state.version == "1.0.0"


# Clusters


def two_clusters(source: str, kind: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for name, version, image in (("main", "1.0.0", "org/web:1"), ("staging", "2.0.0", "org/web:2")):
        files |= {
            f"clusters/{name}/flux.yaml": flux("flux-system", f"./clusters/{name}"),
            f"clusters/{name}/apps.yaml": flux("apps", f"./{name}-apps", source, kind, targetNamespace="system"),
            f"{name}-apps/hr.yaml": release("web", chartRef=CHART_REF, values=values(image)),
            f"{name}-apps/oci.yaml": oci_repository("web", version),
        }
    return files


def test_two_clusters_of_a_repository_run_the_versions_of_their_own_sources() -> None:
    tree = Tree().put(two_clusters("flux-system", "GitRepository"))
    runs = [(each.key.cluster, each.state.version, *images_of(each)) for each in tree.runs("web")]
    assert runs == [
        ("clusters/main", "1.0.0", "docker.io/org/web:1"),
        ("clusters/staging", "2.0.0", "docker.io/org/web:2"),
    ]
    for name, version in (("main", "1.0.0"), ("staging", "2.0.0")):
        resolution = tree.resolution("web", path=f"{name}-apps")
        assert (resolution.version, resolution.resolution, resolution.namespace) == (version, "exact", "system")


def test_kustomizations_that_apply_each_other_go_with_what_began_them() -> None:
    """Both are applied by the folder that lists them, until another Kustomization is the beginning."""
    variables = {"components": ["../c"], "postBuild": {"substitute": {"N": "app"}}}
    tree = Tree().put({"a/app.yaml": oci_repository("app", "${V:=2}")})
    for name, path in (("m", ""), ("k", "a")):
        spec = {"path": path, **variables}
        tree.put({f"a/b/{name}.yaml": manifest("Kustomization", name, api="kustomize.toolkit.fluxcd.io/v1", spec=spec)})
    assert tree.resolutions() == tree.from_scratch()
    assert tree.resolution("app", "OCIRepository").version == "${V:=2}"


# Sources


def test_the_folder_that_an_artifact_is_made_of_is_found_by_the_paths_that_are_applied_of_it() -> None:
    sync = {"kind": "OCIRepository", "url": "oci://ghcr.io/me/home", "ref": "latest", "path": "./cluster"}
    tree = Tree().put(
        {
            "deploy/cluster/instance.yaml": manifest(
                "FluxInstance", "flux", api=OPERATOR, namespace="flux-system", spec={"sync": sync}
            ),
            "deploy/cluster/ks.yaml": flux("web", "./app", "flux-system", "OCIRepository", targetNamespace="web"),
            "deploy/app/hr.yaml": release("web", namespace="declared", chartRef=CHART_REF),
            "deploy/app/oci.yaml": oci_repository("web", "1.0.0", namespace="declared"),
        }
    )
    web = tree.run("web")
    assert (web.key.cluster, web.state.applied_path) == ("deploy/cluster", "app")
    assert (web.key.key.namespace, web.state.version) == ("web", "1.0.0")
    assert (tree.resolution("web").namespace, tree.resolution("web").version) == ("web", "1.0.0")
    assert tree.run("flux", "FluxInstance").key.cluster == "deploy/cluster", "it is an object of its own cluster too"


def test_a_bucket_is_an_artifact_too() -> None:
    tree = Tree().put(
        {
            "clusters/one/flux.yaml": flux("flux-system", "./clusters/one"),
            "clusters/one/ks.yaml": flux("web", "./app", "store", "Bucket", targetNamespace="web"),
            "deploy/app/a.yaml": config("a"),
        }
    )
    assert tree.run("a", "ConfigMap").key.key.namespace == "web"


RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: {name}}}
spec:
  chart:
    spec:
      chart: x
      version: {version}
      sourceRef: {{kind: HelmRepository, name: s}}
"""

FOREIGN = "https://github.com/other/thing"


@pytest.mark.parametrize("clone_url", ["", "https://github.com/me/home.git", "https://github.com/mirror/elsewhere"])
@pytest.mark.parametrize("path", ["./", "./deploy"])
def test_a_kustomization_of_another_repository_applies_nothing_of_this_one(clone_url: str, path: str) -> None:
    tree = Tree(clone_url).put(
        {
            "clusters/home/gotk.yaml": documents(
                git_repository("flux-system", "ssh://git@github.com/me/home", branch="main"),
                flux("flux-system", "./clusters/home", "flux-system"),
            ),
            "clusters/home/apps.yaml": flux("apps", "./apps", "flux-system", targetNamespace="apps"),
            "clusters/home/third.yaml": documents(
                git_repository("third", FOREIGN, branch="main"), flux("third", path, "third", targetNamespace="thing")
            ),
            "apps/h.yaml": release("web", chart=chart("web", "1.0.0", "s")),
            "apps/s.yaml": helm_repository("s"),
            "deploy/own.yaml": config("own"),
        }
    )
    assert [tree.run(*each).key.key.namespace for each in (("web",), ("s", "HelmRepository"))] == ["apps", "apps"]
    assert tree.run("flux-system", "Kustomization").key.key.namespace == "flux-system"
    assert tree.runs("own", "ConfigMap") == []
    assert tree.is_applied("own", "ConfigMap") is False
    assert [each.key.applied_by for each in tree.runs("web")] == ["Kustomization/flux-system/apps"]


def test_the_clone_url_alone_tells_the_sources_of_other_repositories() -> None:
    files = {
        "ks.yaml": documents(
            flux("mine", "./mine", "mine", targetNamespace="mine"),
            flux("other", "./other", "other", targetNamespace="other"),
            git_repository("mine", "git@github.com:Me/Home.git", branch="main"),
            git_repository("other", FOREIGN, branch="main"),
        ),
        "mine/a.yaml": config("a"),
        "other/b.yaml": config("b"),
    }
    tree = Tree(HOME).put(files)
    assert tree.run("a", "ConfigMap").key.key.namespace == "mine"
    assert tree.runs("b", "ConfigMap") == []
    assert tree.resolution("b", "ConfigMap").namespace is None


# Variables


def test_a_variable_with_quotes_in_it_is_read_as_yaml_again() -> None:
    given = {"quote": '"', "NUM": "1.10", "QV": "'1.20'"}
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux("flux-system", "./cluster"),
            "cluster/ks.yaml": flux("apps", "./apps", postBuild={"substitute": given}),
            "apps/a.yaml": RELEASE.format(name="a", version="${quote}${NUM}${quote}"),
            "apps/b.yaml": RELEASE.format(name="b", version="${QV}"),
            "apps/c.yaml": release(
                "c", chart=chart("x", "1.0.0", "s"), values={"image": {"repository": "org/x", "tag": "${QV}"}}
            ),
            "apps/s.yaml": helm_repository("s"),
        }
    )
    assert [tree.run(name).state.version for name in "ab"] == ["1.10", "1.20"]
    assert [tree.resolution(name).version for name in "ab"] == ["1.10", "1.20"]
    assert images_of(tree.run("c")) == ["docker.io/org/x:1.20"]


# What is declared and runs nowhere


def test_what_no_cluster_lists_is_declared_and_not_applied() -> None:
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux("flux-system", "./cluster"),
            "cluster/kustomization.yaml": kustomization("flux.yaml", "on.yaml"),
            "cluster/on.yaml": flux("on", "./on", targetNamespace="on"),
            "cluster/off.yaml": flux("off", "./off", targetNamespace="off"),
            **{f"{name}/hr.yaml": release(name, chart=chart("x", "1.0.0", "s")) for name in ("on", "off")},
            **{f"{name}/s.yaml": helm_repository("s") for name in ("on", "off")},
        }
    )
    assert (tree.is_applied("on"), tree.is_applied("off")) == (True, False)
    assert tree.runs("off") == []
    resolution = tree.resolution("off")
    assert (resolution.version, resolution.namespace) == ("1.0.0", "off"), "what it would mean if it were listed"
    tree.put({"cluster/kustomization.yaml": kustomization("flux.yaml", "on.yaml", "off.yaml")})
    assert (tree.is_applied("off"), tree.run("off").key.key.namespace) == (True, "off")


def test_a_repository_that_does_not_tell_what_begins_it_does_not_tell_what_is_applied() -> None:
    tree = Tree().put({"a.yaml": config("a")})
    assert tree.is_applied("a", "ConfigMap") is None
    assert tree.runs("a", "ConfigMap") == []


# Generated objects


def resource_set(**spec: Any) -> str:
    return manifest("ResourceSet", "tenants", api=OPERATOR, namespace="flux-system", spec=spec)


def test_a_resource_set_makes_one_release_for_each_of_its_inputs() -> None:
    source = {"apiVersion": SOURCES, "kind": "OCIRepository", "metadata": {"name": "web-<< inputs.tenant >>"}}
    source["spec"] = {"url": "oci://ghcr.io/org/web", "ref": {"tag": "<< inputs.version >>"}}
    made = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease"}
    made["metadata"] = {"name": "web-<< inputs.tenant >>", "namespace": "<< inputs.tenant >>"}
    made["spec"] = {
        "chartRef": {"kind": "OCIRepository", "name": "web-<< inputs.tenant >>", "namespace": "flux-system"}
    }
    inputs = [{"tenant": "one", "version": "1.0.0"}, {"tenant": "two", "version": "2.0.0"}]
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux("flux-system", "./cluster"),
            "cluster/set.yaml": resource_set(inputs=inputs, resources=[source, made]),
        }
    )
    for tenant, version in (("one", "1.0.0"), ("two", "2.0.0")):
        web = tree.run(f"web-{tenant}")
        assert (web.key.key.namespace, web.state.version, web.state.chart_name) == (tenant, version, "web")
        assert web.key.applied_by == "ResourceSet/flux-system/tenants"


def test_a_resource_set_makes_plain_releases_and_those_of_its_inputs() -> None:
    source = {"apiVersion": SOURCES, "kind": "OCIRepository", "metadata": {"name": "web"}}
    source["spec"] = {"url": "oci://ghcr.io/org/web", "ref": {"tag": "0.42.1"}}
    plain = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "plain"}}
    plain["spec"] = {"chartRef": CHART_REF}
    each = {**plain, "metadata": {"name": "web-<< inputs.tenant >>"}}
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux("flux-system", "./cluster"),
            "cluster/set.yaml": resource_set(inputs=[{"tenant": "a"}], resources=[source, plain, each]),
            "cluster/other.yaml": release("other", namespace="flux-system", chartRef=CHART_REF),
        }
    )
    names = ("plain", "web-a", "other")
    assert [tree.run(name).state.version for name in names] == ["0.42.1"] * 3
    assert tree.resolution("other").resolution == "exact", "a release elsewhere may use what the set makes"


# Rows without a chart


def test_what_uses_no_chart_is_never_ambiguous() -> None:
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux("flux-system", "./cluster"),
            "cluster/ks.yaml": documents(
                *(flux(name, "./base", targetNamespace=name) for name in (f"n{number}" for number in range(30)))
            ),
            "base/ns.yaml": manifest("Role", "r", api="rbac.authorization.k8s.io/v1"),
        }
    )
    assert len(tree.runs("r", "Role")) == 30
    assert tree.resolution("r", "Role").resolution == "not_applicable"
