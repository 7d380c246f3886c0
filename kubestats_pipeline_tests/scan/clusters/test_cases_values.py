"""The images of releases whose values stand inline, in files or in ConfigMaps, under any names."""

import json
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
    release,
)

API = "argoproj.io/v1alpha1"
HOME = "https://github.com/me/home"
BUSYBOX = "public.ecr.aws/docker/library/busybox"


def image(repository: str, tag: str) -> dict[str, Any]:
    return {"image": {"repository": repository, "tag": tag}}


def container_named(name: str) -> dict[str, Any]:
    """Values with a container of this name, and one with a plain name beside it."""
    return {
        "controllers": {
            "a": {
                "initContainers": {name: image(BUSYBOX, "1.38")},
                "containers": {"main": image("nginx", "1.27.1")},
            }
        }
    }


def controller_named(name: str) -> dict[str, Any]:
    containers = {"app": image(BUSYBOX, "1.38")}
    return {"controllers": {name: {"replicas": 2, "containers": containers}, "b": {"x": image("nginx", "1.27.1")}}}


@pytest.mark.parametrize(
    "values",
    [
        container_named("fix-sa-token"),
        *(controller_named(name) for name in ("onepassword", "credentials", "external-secrets", "token")),
    ],
)
@pytest.mark.parametrize("way", ["inline", "generator", "config map"])
def test_a_container_with_a_name_that_sounds_secret_runs_its_image(values: dict[str, Any], way: str) -> None:
    reference = {"valuesFrom": [{"kind": "ConfigMap", "name": "values"}]}
    given = {"values": values} if way == "inline" else reference
    generator = {"configMapGenerator": [{"name": "values", "files": ["values.yaml=v.yaml"]}]}
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/ks.yaml": flux_path("app", "./app", "web", namespace="flux-system"),
            "app/kustomization.yaml": kustomization(
                "hr.yaml",
                "s.yaml",
                *(["cm.yaml"] if way == "config map" else []),
                **(generator if way == "generator" else {}),
                generatorOptions={"disableNameSuffixHash": True},
            ),
            "app/hr.yaml": release("web", chart=chart("web", "1.0.0", "s"), **given),
            "app/s.yaml": helm_repository("s"),
            "app/cm.yaml": manifest("ConfigMap", "values", data={"values.yaml": json.dumps(values)}),
            "app/v.yaml": json.dumps(values),
        }
    )
    expected = ["docker.io/library/nginx:1.27.1", f"{BUSYBOX}:1.38"]
    assert sorted(images_of(tree.run("web"))) == expected
    (row,) = (each for identity, each in tree.replay.active.items() if identity.key.name == "web")
    assert sorted(f"{each.image}:{each.tag}" for each in row.version.images) == expected


def test_a_version_beside_a_repository_is_the_tag_of_an_image() -> None:
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/hr.yaml": release(
                "web",
                chart=chart("web", "1.0.0", "s"),
                values={"image": {"repository": "org/ver", "version": "2.1.0"}},
            ),
            "cluster/s.yaml": helm_repository("s"),
        }
    )
    assert images_of(tree.run("web")) == ["docker.io/org/ver:2.1.0"]


def test_an_image_in_three_parts_is_one_reference() -> None:
    parts = {"imageRegistry": "ghcr.io", "imageRepository": "o/s", "imageTag": "7"}
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/hr.yaml": release("web", chart=chart("web", "1.0.0", "s"), values=parts),
            "cluster/s.yaml": helm_repository("s"),
        }
    )
    assert images_of(tree.run("web")) == ["ghcr.io/o/s:7"]


def test_a_tag_that_is_a_number_runs_as_a_number_and_is_told_as_written() -> None:
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/hr.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\n"
            "spec: {chart: {spec: {chart: web, version: 1.0.0, sourceRef: {kind: HelmRepository, name: s}}},\n"
            "  values: {image: {repository: org/x, tag: 4.20}}}\n",
            "cluster/s.yaml": helm_repository("s"),
        }
    )
    assert images_of(tree.run("web")) == ["docker.io/org/x:4.2"]
    (row,) = (each for identity, each in tree.replay.active.items() if identity.key.name == "web")
    assert [each.tag for each in row.version.images] == ["4.20"]


def test_the_image_of_a_volume_runs() -> None:
    volume = {"name": "v", "image": {"reference": "example.org/vol:3"}}
    pod = {"template": {"spec": {"containers": [{"name": "a", "image": "org/a:1"}], "volumes": [volume]}}}
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/d.yaml": manifest("Deployment", "web", api="apps/v1", spec=pod),
        }
    )
    assert images_of(tree.run("web", "Deployment")) == ["docker.io/org/a:1", "example.org/vol:3"]


def test_a_digest_runs_and_the_tag_beside_it_is_told() -> None:
    digest = "sha256:" + "3" * 64
    spec = {"url": "oci://ghcr.io/org/web", "ref": {"tag": "1.2.3", "digest": digest}}
    tree = Tree().put(
        {
            "cluster/flux.yaml": flux_path("flux-system", "./cluster", namespace="flux-system"),
            "cluster/oci.yaml": manifest("OCIRepository", "web", api="source.toolkit.fluxcd.io/v1", spec=spec),
            "cluster/hr.yaml": release("web", chartRef={"kind": "OCIRepository", "name": "web"}),
            "cluster/c.yaml": config("c"),
        }
    )
    state = tree.run("web").state
    assert (state.version, state.version_tag) == (digest, "1.2.3")


# Argo CD


def application(*sources: dict[str, Any]) -> str:
    return manifest("Application", "web", api=API, namespace="argocd", spec={"sources": list(sources)})


CHART = {"repoURL": "https://charts.example.org", "chart": "web", "targetRevision": "1.0.0"}


@pytest.mark.parametrize(
    "sources",
    [
        ({**CHART, "helm": {"valueFiles": ["$other/values.yaml"]}}, {"repoURL": "https://x.org/o/e", "ref": "other"}),
        ({**CHART, "helm": {"valueFiles": ["$nosuch/values.yaml"]}},),
        ({"repoURL": "https://x.org/o/e", "path": "charts/web", "helm": {"valueFiles": ["values-prod.yaml"]}},),
    ],
)
def test_values_of_another_repository_are_not_taken_from_this_one(sources: tuple[dict[str, Any], ...]) -> None:
    values = json.dumps(image("org/wrong", "1"))
    tree = Tree(HOME).put(
        {"web.yaml": application(*sources), "values.yaml": values, "charts/web/values-prod.yaml": values}
    )
    assert images_of(tree.run("web", "Application")) == []
    (row,) = (each for identity, each in tree.replay.active.items() if identity.key.kind == "Application")
    assert row.version.images == ()
