"""Images in the places in which kinds and values name them, whether a scanner knows the kind or not."""

import pytest

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.manifests.manifests import read_file

DIGEST = "sha256:" + "0123456789abcdef" * 4


def facts(api_version: str, kind: str, spec: str) -> Facts:
    text = f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: x}}\nspec: {spec}\n"
    (manifest,) = read_file(text.encode(), "a.yaml", Bounds()).manifests
    return manifest.facts


def told(said: Facts) -> list[tuple[str, str | None, str]]:
    return [(image.image, image.tag, image.role) for image in said.images]


def in_values(values: str) -> list[tuple[str, str | None, str]]:
    chart = "chart: {spec: {chart: c, sourceRef: {kind: HelmRepository, name: r}}}"
    return told(facts("helm.toolkit.fluxcd.io/v2", "HelmRelease", f"{{{chart}, values: {values}}}"))


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "images", "version"),
    [
        (
            "toolhive.stacklok.dev/v1",
            "MCPServer",
            "{image: ghcr.io/o/mcp:1.2}",
            [("ghcr.io/o/mcp", "1.2", "main")],
            "1.2",
        ),
        (
            "direwolf.games-on-whales.github.io/v1",
            "App",
            "{template: {spec: {initContainers: [{image: 'busybox:1'}], containers: [{image: 'ghcr.io/o/app:2'}]}}}",
            [("ghcr.io/o/app", "2", "main"), ("docker.io/library/busybox", "1", "init")],
            "2",
        ),
        (
            "tailscale.com/v1alpha1",
            "DNSConfig",
            "{nameserver: {image: {repo: tailscale/k8s-nameserver, tag: v1.8}}}",
            [("docker.io/tailscale/k8s-nameserver", "v1.8", "main")],
            "v1.8",
        ),
        (
            "renovate-operator.mogenius.com/v1",
            "RenovateJob",
            "{image: 'ghcr.io/o/r:44', extraVolumes: [{image: {reference: 'ghcr.io/o/tool:3'}}]}",
            [("ghcr.io/o/r", "44", "main"), ("ghcr.io/o/tool", "3", "sidecar")],
            "44",
        ),
        (
            "argoproj.io/v1alpha1",
            "Sensor",
            "{triggers: [{source: {a: {image: 'o/a:1'}, b: {image: 'o/b:2'}}}]}",
            [("docker.io/o/a", "1", "main"), ("docker.io/o/b", "2", "main")],
            None,
        ),
    ],
)
def test_a_kind_without_a_scanner_names_the_images_of_all_fields_called_image(api_version, kind, spec, images, version):
    said = facts(api_version, kind, spec)
    assert (told(said), said.version, said.app_name) == (images, version, "x")


@pytest.mark.parametrize(
    "spec",
    ["{image: nginx}", "{image: https://x.org/a.png}", "{image: '4:3'}", "{image: {type: string}}", "{image: null}"],
)
def test_a_field_without_tag_and_digest_may_be_any_picture(spec):
    assert facts("example.org/v1", "Thing", spec).images == ()


def test_data_and_schemas_name_no_image():
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {image: 'nginx:1'}\n"
    (manifest,) = read_file(text.encode(), "a.yaml", Bounds()).manifests
    assert manifest.facts == Facts()
    schema = "{versions: [{schema: {image: 'nginx:1'}}]}"
    assert facts("apiextensions.k8s.io/v1", "CustomResourceDefinition", schema).images == ()


def test_a_kind_that_holds_other_objects_has_their_images_and_no_version():
    said = facts("fluxcd.controlplane.io/v1", "ResourceSet", "{resources: [{kind: Pod, spec: {image: 'o/a:1'}}]}")
    assert (told(said), said.version, said.app_name) == ([("docker.io/o/a", "1", "main")], None, None)


def test_a_kind_of_the_table_names_its_other_images_as_helpers():
    spec = "{version: 12.1.0, deployment: {spec: {template: {spec: {initContainers: [{image: 'o/init:1'}]}}}}}"
    said = facts("grafana.integreatly.org/v1beta1", "Grafana", spec)
    assert (told(said), said.version) == ([("docker.io/o/init", "1", "init")], "12.1.0")
    extensions = "{extensions: [{name: v, image: {reference: 'ghcr.io/o/vector:0.8'}}]}"
    said = facts("postgresql.cnpg.io/v1", "Cluster", f"{{imageName: 'ghcr.io/o/pg:18', postgresql: {extensions}}}")
    assert told(said) == [("ghcr.io/o/pg", "18", "main"), ("ghcr.io/o/vector", "0.8", "sidecar")]
    assert said.version == "18"


def test_an_image_volume_of_a_pod_is_an_image():
    volumes = "volumes: [{name: v, image: {reference: 'example.org/vol:3'}}, {name: c, configMap: {name: c}}]"
    said = facts("apps/v1", "Deployment", f"{{template: {{spec: {{containers: [{{image: 'o/a:1'}}], {volumes}}}}}}}")
    assert told(said) == [("docker.io/o/a", "1", "main"), ("example.org/vol", "3", "sidecar")]


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ("{image: {repository: org/ver, version: 2.1.0}}", ("docker.io/org/ver", "2.1.0", "main")),
        ("{image: {repository: org/ver, version: 2.10}}", ("docker.io/org/ver", "2.10", "main")),
        ("{image: {repository: org/ver, tag: '1', version: '2'}}", ("docker.io/org/ver", "1", "main")),
        ("{operator: {image: {repo: o/a, tag: v1}}}", ("docker.io/o/a", "v1", "main")),
        (
            "{imageRegistry: ghcr.io, imageRepository: o/s, imageTag: '7'}",
            ("ghcr.io/o/s", "7", "main"),
        ),
        ("{imageRegistry: ghcr.io, imageRepository: quay.io/o/s, imageTag: '7'}", ("quay.io/o/s", "7", "main")),
        ("{persistence: {v: {image: {reference: 'o/v:3'}}}}", ("docker.io/o/v", "3", "main")),
    ],
)
def test_values_name_an_image_in_parts(values, image):
    assert in_values(values) == [image]


@pytest.mark.parametrize("values", ["{chart: {repository: o/charts, version: 1.0.0}}", "{git: {repo: o/r, tag: v1}}"])
def test_a_repository_and_a_version_alone_are_no_image(values):
    assert in_values(values) == []
