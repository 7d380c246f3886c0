"""What Argo CD applies: the folders of Applications, the Applications of ApplicationSets, and where both put it."""

import json
from typing import Any

import pytest

from kubestats_pipeline_tests.scan.world import Tree, config, images_of, kustomization, manifest

API = "argoproj.io/v1alpha1"
HOME = "https://github.com/me/home"
OTHER = "https://github.com/other/thing"
PATH = "{{path}}"
BASENAME = "{{path.basename}}"


def application(name: str, *, namespace: str | None = None, **source: Any) -> str:
    spec = {"source": {"repoURL": HOME, **source}} | ({"destination": {"namespace": namespace}} if namespace else {})
    return manifest("Application", name, api=API, namespace="argocd", spec=spec)


def application_set(*generators: dict[str, Any], **source: Any) -> str:
    template = {
        "metadata": {"name": BASENAME},
        "spec": {"source": {"repoURL": HOME, **source}, "destination": {"namespace": BASENAME}},
    }
    spec = {"generators": list(generators), "template": template}
    return manifest("ApplicationSet", "all", api=API, namespace="argocd", spec=spec)


def directories(*paths: str, url: str = HOME) -> dict[str, Any]:
    return {"git": {"repoURL": url, "directories": [{"path": path} for path in paths]}}


def deployment(name: str, image: str) -> str:
    pod = {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}
    return manifest("Deployment", name, api="apps/v1", spec=pod)


def chart_with(*dependencies: str) -> str:
    entries = [{"name": name, "version": "1.0.0", "repository": "https://charts.example.org"} for name in dependencies]
    return json.dumps({"apiVersion": "v2", "name": "wrapper", "version": "0.0.0", "dependencies": entries})


# Applications


def test_an_application_puts_what_it_applies_into_its_destination() -> None:
    tree = Tree(HOME).put(
        {
            "root/web.yaml": application("web", namespace="web", path="apps/web"),
            "apps/web/d.yaml": deployment("web", "org/web:1"),
            "apps/web/own.yaml": config("own", namespace="own"),
            "apps/web/below/x.yaml": config("below"),
        }
    )
    web = tree.run("web", "Deployment")
    assert (web.key.key.namespace, web.key.applied_by) == ("web", "Application/argocd/web")
    assert tree.resolution("web", "Deployment").namespace == "web"
    assert tree.run("own", "ConfigMap").key.key.namespace == "own", "a destination is for what has no namespace"
    assert tree.runs("below", "ConfigMap") == [], "folders below are taken on demand only"
    tree.put({"root/web.yaml": application("web", namespace="web", path="apps/web", directory={"recurse": True})})
    assert tree.run("below", "ConfigMap").key.key.namespace == "web"


def test_an_application_of_another_repository_applies_nothing_of_this_one() -> None:
    tree = Tree(HOME).put(
        {
            "root/web.yaml": application("web", namespace="web", path="apps/web", repoURL=OTHER),
            "root/mine.yaml": application("mine", namespace="mine", path="apps/mine"),
            "apps/web/d.yaml": deployment("web", "org/web:1"),
            "apps/mine/d.yaml": deployment("mine", "org/mine:1"),
        }
    )
    assert tree.runs("web", "Deployment") == []
    assert (tree.is_applied("web", "Deployment"), tree.is_applied("mine", "Deployment")) == (False, True)


def test_an_application_changes_the_kustomization_of_its_folder() -> None:
    changes = {"images": ["org/web=ghcr.io/org/web:2"], "namePrefix": "p-", "namespace": "inner"}
    tree = Tree(HOME).put(
        {
            "root/web.yaml": application("web", namespace="web", path="apps/web", kustomize=changes),
            "apps/web/kustomization.yaml": kustomization("d.yaml"),
            "apps/web/d.yaml": deployment("web", "org/web:1"),
        }
    )
    web = tree.run("p-web", "Deployment")
    assert (images_of(web), web.key.key.namespace) == (["ghcr.io/org/web:2"], "inner")


# ApplicationSets


def test_an_application_set_applies_each_folder_that_its_generator_finds() -> None:
    tree = Tree(HOME).put(
        {
            "root/set.yaml": application_set(directories("sys/*"), path=PATH),
            "sys/mon/Chart.yaml": chart_with("prometheus"),
            "sys/web/d.yaml": deployment("web", "org/web:1"),
        }
    )
    made = [tree.run(name, "Application") for name in ("mon", "web")]
    assert [each.key.applied_by for each in made] == ["ApplicationSet/argocd/all"] * 2
    prometheus, web = tree.run("prometheus", "ChartDependency"), tree.run("web", "Deployment")
    assert (prometheus.key.key.namespace, prometheus.state.version) == ("mon", "1.0.0")
    assert (web.key.key.namespace, web.key.applied_by) == ("web", "Application/argocd/web")
    assert tree.resolution("prometheus", "ChartDependency").namespace == "mon"
    tree.put({"sys/new/d.yaml": deployment("new", "org/new:1")})
    assert tree.run("new", "Deployment").key.key.namespace == "new", "a new folder is a new Application"
    tree.put({"sys/web/d.yaml": None})
    assert tree.runs("web", "Application") == tree.runs("web", "Deployment") == []


def test_an_application_set_reads_the_files_of_its_generator() -> None:
    generator = {"git": {"repoURL": HOME, "files": [{"path": "config/*.json"}]}}
    template = {
        "metadata": {"name": "{{name}}"},
        "spec": {"source": {"repoURL": HOME, "path": "apps/{{folder}}"}, "destination": {"namespace": "{{name}}"}},
    }
    spec = {"generators": [generator], "template": template}
    tree = Tree(HOME).put(
        {
            "root/set.yaml": manifest("ApplicationSet", "all", api=API, namespace="argocd", spec=spec),
            "config/one.json": json.dumps({"name": "one", "folder": "a"}),
            "apps/a/x.yaml": config("x"),
            "apps/b/y.yaml": config("y"),
        }
    )
    assert tree.run("x", "ConfigMap").key.key.namespace == "one"
    tree.put({"config/one.json": json.dumps({"name": "one", "folder": "b"})})
    assert (tree.runs("x", "ConfigMap"), tree.run("y", "ConfigMap").key.key.namespace) == ([], "one")
    assert tree.resolutions() == tree.from_scratch()


def test_a_generator_of_another_repository_makes_nothing_and_may_make_anything() -> None:
    tree = Tree(HOME).put(
        {
            "root/set.yaml": application_set(directories("sys/*", url=OTHER), path=PATH),
            "root/own.yaml": application("own", path="own"),
            "own/a.yaml": config("a"),
            "sys/web/d.yaml": deployment("web", "org/web:1"),
        }
    )
    assert tree.runs("web", "Application") == tree.runs("web", "Deployment") == []
    assert tree.is_applied("web", "Deployment") is None, "another generator may well name this folder"
    assert tree.run("all", "ApplicationSet").state.is_complete is False


def test_the_elements_of_a_list_are_the_releases_of_their_application_set() -> None:
    elements = [{"chart": name, "repo": "https://charts.example.org", "version": version} for name, version in CHARTS]
    template = {
        "metadata": {"name": "{{chart}}"},
        "spec": {
            "source": {"repoURL": "{{repo}}", "chart": "{{chart}}", "targetRevision": "{{version}}"},
            "destination": {"namespace": "{{chart}}"},
        },
    }
    spec = {"generators": [{"list": {"elements": elements}}], "template": template}
    tree = Tree(HOME).put({"set.yaml": manifest("ApplicationSet", "all", api=API, namespace="argocd", spec=spec)})
    for name, version in CHARTS:
        (made,) = tree.runs(name, "Application")
        assert (made.state.chart_name, made.state.version, made.state.resolution) == (name, version, "exact")
        assert (made.origin is not None, tree.resolution(name, "Application").version) == (True, version)
    assert tree.run("all", "ApplicationSet").state.resolution == "not_applicable", "its Applications are the releases"


CHARTS = [("redis", "1.0.0"), ("web", "2.0.0")]


def test_a_template_patch_gives_the_version_of_each_application() -> None:
    template = {
        "metadata": {"name": "web"},
        "spec": {"source": {"repoURL": "https://charts.example.org", "chart": "web", "targetRevision": "3.x"}},
    }
    patch = "spec: {source: {targetRevision: 4.0.0}}"
    spec = {"generators": [{"list": {"elements": [{}]}}], "template": template, "templatePatch": patch}
    tree = Tree(HOME).put({"set.yaml": manifest("ApplicationSet", "all", api=API, namespace="argocd", spec=spec)})
    assert tree.run("web", "Application").state.version == "4.0.0"


def test_an_artifact_that_may_be_a_chart_or_manifests_is_not_resolved() -> None:
    tree = Tree(HOME).put({"web.yaml": application("web", repoURL="oci://ghcr.io/org/web", path=".")})
    assert tree.run("web", "Application").state.resolution == "unresolved"


# Overrides beside an Application


@pytest.mark.parametrize("name", [".argocd-source.yaml", ".argocd-source-web.yaml"])
def test_a_file_of_overrides_in_the_folder_changes_the_images_of_an_application(name: str) -> None:
    tree = Tree(HOME).put(
        {
            "root/web.yaml": application("web", namespace="web", path="apps/web", kustomize={"namePrefix": "p-"}),
            "apps/web/kustomization.yaml": kustomization("d.yaml"),
            "apps/web/d.yaml": deployment("web", "org/web:1"),
            f"apps/web/{name}": "kustomize: {images: ['org/web:2']}",
            "apps/web/.argocd-source-other.yaml": "kustomize: {images: ['org/web:9']}",
        }
    )
    assert images_of(tree.run("p-web", "Deployment")) == ["docker.io/org/web:2"]
    tree.put({f"apps/web/{name}": "kustomize: {images: ['org/web:3']}"})
    assert images_of(tree.run("p-web", "Deployment")) == ["docker.io/org/web:3"]


def test_overrides_of_one_application_win_over_those_of_all() -> None:
    tree = Tree(HOME).put(
        {
            "root/web.yaml": application("web", namespace="web", path="apps/web"),
            "apps/web/kustomization.yaml": kustomization("d.yaml"),
            "apps/web/d.yaml": deployment("web", "org/web:1"),
            "apps/web/.argocd-source.yaml": "kustomize: {images: ['org/web:2'], nameSuffix: -s}",
            "apps/web/.argocd-source-web.yaml": "kustomize: {images: ['org/web:3']}",
        }
    )
    assert images_of(tree.run("web-s", "Deployment")) == ["docker.io/org/web:3"]
