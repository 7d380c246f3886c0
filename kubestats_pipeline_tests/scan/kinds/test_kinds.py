"""Kind scanners by example: what each says of a manifest as people write it."""

import pytest

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.facts.facts import ChartUse, Facts, Image
from kubestats_pipeline.scan.facts.images import parse_image
from kubestats_pipeline.scan.kinds.workloads import POD_PATHS
from kubestats_pipeline.scan.manifests.manifests import read_file

DIGEST = "sha256:" + "0123456789abcdef" * 4


def facts(text: str) -> Facts:
    (manifest,) = read_file(text.encode(), "a.yaml", Bounds()).manifests
    return manifest.facts


@pytest.mark.parametrize(
    ("reference", "image", "tag", "digest"),
    [
        ("busybox", "docker.io/library/busybox", None, None),
        ("busybox:1.37", "docker.io/library/busybox", "1.37", None),
        ("home/app", "docker.io/home/app", None, None),
        ("registry:5000/x", "registry:5000/x", None, None),
        ("localhost/x:1", "localhost/x", "1", None),
        ("GHCR.io/Home/app:1.10", "ghcr.io/Home/app", "1.10", None),
        (f"ghcr.io/home/app:v1@{DIGEST}", "ghcr.io/home/app", "v1", DIGEST),
        (f"ghcr.io/home/app@{DIGEST}", "ghcr.io/home/app", None, DIGEST),
        ("user:password@registry.example.org/x:2", "registry.example.org/x", "2", None),
        ("${REGISTRY}/app:${TAG}", "${REGISTRY}/app", "${TAG}", None),
        ("${IMAGE:-nginx}", "${IMAGE:-nginx}", None, None),
    ],
)
def test_an_image_is_taken_apart_as_a_runtime_does(reference, image, tag, digest):
    assert parse_image(reference, "main") == Image(image, tag, digest, "main")


def nested(path: tuple[str, ...], pod: str) -> str:
    return "{" + ": {".join(path) + f": {pod}" + "}" * len(path)


@pytest.mark.parametrize(("group", "kind"), POD_PATHS)
def test_every_workload_names_the_images_of_all_its_containers(group, kind):
    pod = """{
      initContainers: [{name: i, image: "busybox:1"}, {name: s, image: "home/side:2", restartPolicy: Always}],
      containers: [{name: a, image: "ghcr.io/home/app:1.10"}, {name: b}, {name: c, image: ""}],
      ephemeralContainers: [{name: d, image: "debug"}]}"""
    version = f"{group}/v1" if group else "v1"
    body = nested(POD_PATHS[group, kind], pod)[1:-1]
    said = facts(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: app}}\n{body}\n")
    assert [(image.image, image.tag, image.role) for image in said.images] == [
        ("ghcr.io/home/app", "1.10", "main"),
        ("docker.io/library/busybox", "1", "init"),
        ("docker.io/home/side", "2", "sidecar"),
        ("docker.io/library/debug", None, "sidecar"),
    ]
    assert (said.app_name, said.version) == ("app", "1.10")


def test_a_workload_s_version_label_counts_more_than_its_tag_and_numbers_are_names_too():
    labels = "labels: {app.kubernetes.io/version: 1.20}"
    said = facts(f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: 2048, {labels}}}\nspec: {{replicas: 1}}\n")
    assert (said.app_name, said.images) == ("2048", ())
    assert said.version == "1.20"


@pytest.mark.parametrize(
    ("spec", "use"),
    [
        (
            "{chart: traefik, repo: 'https://charts.example.org', version: 1.10}",
            ChartUse(name="traefik", version="1.10", url="https://charts.example.org"),
        ),
        ("{chart: 'oci://ghcr.io/home/x'}", ChartUse(name="oci://ghcr.io/home/x", url="oci://ghcr.io/home/x")),
        ("{valuesContent: 'a: 1'}", None),
    ],
)
def test_k3s_installs_a_chart_by_itself(spec, use):
    said = facts(f"apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: x}}\nspec: {spec}\n")
    assert (said.chart, said.is_release, said.app_name) == (use, use is not None, "x")
