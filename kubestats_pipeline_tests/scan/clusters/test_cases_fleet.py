"""What Rancher Fleet applies: the bundles of a repository, their namespaces, and clusters that get something else."""

import json
from typing import Any

import pytest

from kubestats_pipeline_tests.scan.world import Tree, config, kustomization, manifest

HOME = "https://github.com/me/home"


def bundle(**fields: Any) -> str:
    return json.dumps(fields)


@pytest.mark.parametrize(
    "chart", [{"chart": "web", "repo": "https://charts.example.org"}, {"chart": "oci://ghcr.io/org/web"}]
)
def test_a_bundle_runs_the_chart_that_it_names(chart: dict[str, str]) -> None:
    helm = {"releaseName": "web", "version": "1.2.3", **chart}
    tree = Tree().put({"web/fleet.yaml": bundle(defaultNamespace="apps", helm=helm)})
    web = tree.run("web", "FleetRelease")
    assert (web.key.cluster, web.key.key.namespace) == ("web", "apps")
    assert (web.state.chart_name, web.state.version, web.state.resolution) == ("web", "1.2.3", "exact")
    assert tree.is_applied("web", "FleetRelease") is True


def test_a_bundle_of_manifests_runs_all_of_its_folder_but_overlays_and_other_bundles() -> None:
    tree = Tree().put(
        {
            "web/fleet.yaml": bundle(namespace="apps"),
            "web/a.yaml": config("a"),
            "web/own.yaml": config("own", namespace="own"),
            "web/role.yaml": manifest("ClusterRole", "r", api="rbac.authorization.k8s.io/v1"),
            "web/below/b.yaml": config("b"),
            "web/overlays/dev/c.yaml": config("c"),
            "web/inner/fleet.yaml": bundle(defaultNamespace="inner"),
            "web/inner/d.yaml": config("d"),
            "web/inner/own.yaml": config("own", namespace="own"),
        }
    )
    runs = {(key.cluster, key.key.name): key.key.namespace for key in tree.replay.applied.active}
    assert runs == {
        ("web", "a"): "apps",
        ("web", "own"): "apps",
        ("web", "r"): None,
        ("web", "b"): "apps",
        ("web/inner", "d"): "inner",
        ("web/inner", "own"): "own",
    }
    tree.put({"web/fleet.yaml": bundle(namespace="other")})
    assert tree.run("a", "ConfigMap").key.key.namespace == "other"
    tree.put({"web/inner/fleet.yaml": None})
    assert tree.run("d", "ConfigMap").key.cluster == "web"
    assert tree.resolutions() == tree.from_scratch()


def test_a_bundle_with_a_kustomization_runs_what_it_builds() -> None:
    tree = Tree().put(
        {
            "web/fleet.yaml": bundle(namespace="apps"),
            "web/kustomization.yaml": kustomization("base", namePrefix="p-"),
            "web/base/kustomization.yaml": kustomization("a.yaml"),
            "web/base/a.yaml": config("a"),
        }
    )
    assert [(key.key.name, key.key.namespace) for key in tree.replay.applied.active] == [("p-a", "apps")]


def test_clusters_of_a_bundle_that_get_another_kustomization_are_clusters_of_their_own() -> None:
    targets = [{"name": name, "kustomize": {"dir": f"overlays/{name}"}} for name in ("dev", "prod")]
    overlays = {
        f"web/overlays/{name}/kustomization.yaml": kustomization("../../base", nameSuffix=f"-{name}")
        for name in ("dev", "prod")
    }
    tree = Tree().put(
        {
            "web/fleet.yaml": bundle(namespace="apps", targetCustomizations=targets),
            "web/base/kustomization.yaml": kustomization("a.yaml"),
            "web/base/a.yaml": config("a"),
            **overlays,
        }
    )
    runs = [(key.cluster, key.key.name, key.key.namespace) for key in tree.replay.applied.active]
    assert sorted(runs) == [("web/overlays/dev", "a-dev", "apps"), ("web/overlays/prod", "a-prod", "apps")]


def test_what_only_some_clusters_get_is_not_complete() -> None:
    targets = [{"name": "dev", "yaml": {"overlays": ["dev"]}}]
    tree = Tree().put({"web/fleet.yaml": bundle(targetCustomizations=targets), "web/a.yaml": config("a")})
    a = tree.run("a", "ConfigMap")
    assert (a.key.key.namespace, a.state.is_complete) == ("default", False)


def test_a_kustomization_beside_a_chart_changes_what_is_not_known() -> None:
    helm = {"releaseName": "web", "chart": "web", "repo": "https://charts.example.org", "version": "1.2.3"}
    patch = manifest("Deployment", "of-the-chart", api="apps/v1", spec={"replicas": 2})
    tree = Tree().put(
        {
            "web/fleet.yaml": bundle(helm=helm, kustomize={"dir": "overlays/dev"}),
            "web/overlays/dev/kustomization.yaml": kustomization(patches=[{"patch": patch}]),
        }
    )
    assert tree.run("web", "FleetRelease").state.is_complete is False
    assert not tree.replay.problems, "the kustomization is not wrong"


def test_a_git_repo_names_its_bundles_and_those_of_another_repository_are_none() -> None:
    def git_repo(name: str, url: str, *paths: str) -> str:
        spec = {"repo": url, "paths": list(paths)}
        return manifest("GitRepo", name, api="fleet.cattle.io/v1alpha1", namespace="fleet-local", spec=spec)

    tree = Tree(HOME).put(
        {
            "repos/mine.yaml": git_repo("mine", HOME, "web"),
            "repos/other.yaml": git_repo("other", "https://github.com/other/thing", "db"),
            "web/a.yaml": config("a"),
            "db/b.yaml": config("b"),
        }
    )
    assert tree.run("a", "ConfigMap").key.applied_by == "GitRepo/fleet-local/mine"
    assert tree.runs("b", "ConfigMap") == []
    tree.put({"repos/mine.yaml": git_repo("mine", HOME, "web", "db")})
    assert tree.run("b", "ConfigMap").key.applied_by == "GitRepo/fleet-local/mine"
