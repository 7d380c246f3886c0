"""Kinds of operators that carry a version or an image in a field of their own, as one declarative table.

A kind that needs more than paths has a function in a module of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from kubestats_pipeline.lake.vocabulary import ImageRole
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts, Image
from kubestats_pipeline.scan.facts.images import compose_image, is_reference, parse_image
from kubestats_pipeline.scan.facts.images_in_fields import images_in_fields
from kubestats_pipeline.scan.facts.shapes import holders
from kubestats_pipeline.scan.kinds.generic import label_version, workload_app
from kubestats_pipeline.scan.kinds.registry import Scanner, scanner


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields in which a kind has its version and its images.

    Paths are dotted, and `steps[].image` goes into every item of a list.

    Attributes:
        version: of the software that is run. The first path that exists counts, or else the first image's tag.
        images: main images, as a reference or as a mapping of repository and tag.
        sidecars: images of helpers beside them.
        tag: of a main image without a tag. A `+` in it, as k3s has it, is a `-` in the image.
    """

    version: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    sidecars: tuple[str, ...] = ()
    tag: str | None = None


_IMAGE = Fields(images=("spec.image",))
_BOTH = Fields(("spec.version",), ("spec.image",))

KINDS: dict[tuple[str, str], Fields] = {
    ("postgresql.cnpg.io", "Cluster"): Fields(images=("spec.imageName",)),
    ("postgresql.cnpg.io", "ImageCatalog"): Fields(images=("spec.images[].image",)),
    ("postgresql.cnpg.io", "ClusterImageCatalog"): Fields(images=("spec.images[].image",)),
    ("postgres-operator.crunchydata.com", "PostgresCluster"): Fields(
        ("spec.postgresVersion",),
        ("spec.image",),
        ("spec.backups.pgbackrest.image", "spec.proxy.pgBouncer.image", "spec.monitoring.pgmonitor.exporter.image"),
    ),
    ("acid.zalan.do", "postgresql"): Fields(("spec.postgresql.version",), ("spec.dockerImage",)),
    ("k8s.mariadb.com", "MariaDB"): _IMAGE,
    ("mongodbcommunity.mongodb.com", "MongoDBCommunity"): _BOTH,
    ("psmdb.percona.com", "PerconaServerMongoDB"): _IMAGE,
    ("databases.spotahome.com", "RedisFailover"): Fields(
        images=("spec.redis.image", "spec.sentinel.image"),
        sidecars=("spec.redis.exporter.image", "spec.sentinel.exporter.image"),
    ),
    ("redis.redis.opstreelabs.in", "Redis"): Fields(
        images=("spec.kubernetesConfig.image",), sidecars=("spec.redisExporter.image",)
    ),
    ("redis.redis.opstreelabs.in", "RedisCluster"): Fields(
        images=("spec.kubernetesConfig.image",), sidecars=("spec.redisExporter.image",)
    ),
    ("dragonflydb.io", "Dragonfly"): _IMAGE,
    ("clickhouse.com", "ClickHouseCluster"): Fields(images=("spec.containerTemplate.image",)),
    ("clickhouse.com", "KeeperCluster"): Fields(images=("spec.containerTemplate.image",)),
    ("clickhouse.altinity.com", "ClickHouseInstallation"): Fields(
        images=("spec.templates.podTemplates[].spec.containers[].image",)
    ),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch"): _BOTH,
    ("kibana.k8s.elastic.co", "Kibana"): _BOTH,
    ("beat.k8s.elastic.co", "Beat"): _BOTH,
    ("agent.k8s.elastic.co", "Agent"): _BOTH,
    ("logstash.k8s.elastic.co", "Logstash"): _BOTH,
    ("opensearch.opster.io", "OpenSearchCluster"): Fields(
        ("spec.general.version",), ("spec.general.image",), ("spec.dashboards.image",)
    ),
    ("kafka.strimzi.io", "Kafka"): Fields(("spec.kafka.version",), ("spec.kafka.image",), ("spec.zookeeper.image",)),
    ("kafka.strimzi.io", "KafkaConnect"): _BOTH,
    ("rabbitmq.com", "RabbitmqCluster"): _IMAGE,
    ("apps.emqx.io", "EMQX"): _IMAGE,
    ("ceph.rook.io", "CephCluster"): Fields(images=("spec.cephVersion.image",)),
    ("minio.min.io", "Tenant"): _IMAGE,
    ("monitoring.coreos.com", "Prometheus"): _BOTH,
    ("monitoring.coreos.com", "PrometheusAgent"): _BOTH,
    ("monitoring.coreos.com", "Alertmanager"): _BOTH,
    ("monitoring.coreos.com", "ThanosRuler"): _BOTH,
    ("operator.victoriametrics.com", "VMSingle"): _IMAGE,
    ("operator.victoriametrics.com", "VMAgent"): _IMAGE,
    ("operator.victoriametrics.com", "VMAlert"): _IMAGE,
    ("operator.victoriametrics.com", "VMAlertmanager"): _IMAGE,
    ("operator.victoriametrics.com", "VLSingle"): _IMAGE,
    ("operator.victoriametrics.com", "VMCluster"): Fields(
        ("spec.clusterVersion",), ("spec.vmselect.image", "spec.vminsert.image", "spec.vmstorage.image")
    ),
    ("grafana.integreatly.org", "Grafana"): Fields(
        ("spec.version",), ("spec.deployment.spec.template.spec.containers[].image",)
    ),
    ("opentelemetry.io", "OpenTelemetryCollector"): _IMAGE,
    ("gateway.envoyproxy.io", "EnvoyProxy"): Fields(
        images=(
            "spec.provider.kubernetes.envoyDeployment.container.image",
            "spec.provider.kubernetes.envoyDaemonSet.container.image",
        )
    ),
    ("k8s.keycloak.org", "Keycloak"): _IMAGE,
    ("upgrade.cattle.io", "Plan"): Fields(
        ("spec.version",), ("spec.upgrade.image",), ("spec.prepare.image",), tag="spec.version"
    ),
    ("tuppr.home-operations.com", "TalosUpgrade"): Fields(("spec.talos.version",)),
    ("tuppr.home-operations.com", "KubernetesUpgrade"): Fields(("spec.kubernetes.version",)),
    ("cluster.x-k8s.io", "Cluster"): Fields(("spec.topology.version",)),
    ("cluster.x-k8s.io", "MachineDeployment"): Fields(("spec.template.spec.version",)),
    ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane"): Fields(("spec.version",)),
    ("controlplane.cluster.x-k8s.io", "TalosControlPlane"): Fields(("spec.version",)),
    ("k3d.io", "Simple"): Fields(images=("image",)),
    ("kubevirt.io", "KubeVirt"): Fields(("spec.imageTag",)),
    ("kubevirt.io", "VirtualMachine"): Fields(images=("spec.template.spec.volumes[].containerDisk.image",)),
    ("kubevirt.io", "VirtualMachineInstance"): Fields(images=("spec.volumes[].containerDisk.image",)),
    ("argoproj.io", "ArgoCD"): _BOTH,
    ("argoproj.io", "Workflow"): Fields(images=("spec.templates[].container.image", "spec.templates[].script.image")),
    ("argoproj.io", "WorkflowTemplate"): Fields(
        images=("spec.templates[].container.image", "spec.templates[].script.image")
    ),
    ("argoproj.io", "CronWorkflow"): Fields(
        images=("spec.workflowSpec.templates[].container.image", "spec.workflowSpec.templates[].script.image")
    ),
    ("tekton.dev", "Task"): Fields(images=("spec.steps[].image",), sidecars=("spec.sidecars[].image",)),
    ("actions.summerwind.dev", "RunnerDeployment"): Fields(images=("spec.template.spec.image",)),
    ("fluxcd.controlplane.io", "FluxInstance"): Fields(("spec.distribution.version",)),
    ("litellm.home-operations.com", "LiteLLMProxy"): _IMAGE,
}
"""Paths by (group, kind), from the API references of the operators."""


def scanner_of(fields: Fields) -> Scanner:
    """A scanner for images and version: the version of the fields, else the first image's tag, else the label."""

    def scan_fields(document: Decoded, resource: dict[str, Any]) -> Facts:
        images = _all_images(fields, document, resource)
        written = (document.text(holder, key) for path in fields.version for holder, key in holders(resource, path))
        version = next(filter(None, written), None) or next(
            (image.tag for image in images if image.role == "main"), None
        )
        version = version or label_version(document, resource)
        runs = fields.images or images
        return Facts(version=version, app_name=workload_app(document, resource) if runs else None, images=images)

    return scan_fields


for _address, _fields in KINDS.items():
    scanner(*_address)(scanner_of(_fields))


def _all_images(fields: Fields, document: Decoded, resource: dict[str, Any]) -> tuple[Image, ...]:
    """The images of the fields, and those of other fields named `image`, which run beside them.

    A kind whose version alone is in the table may run any of them.
    """
    named = tuple(dict.fromkeys(_images(fields, document, resource)))
    known = {(image.image, image.tag, image.digest) for image in named}
    others = [
        replace(image, role="sidecar") if named and image.role == "main" else image
        for image in images_in_fields(document, resource)
        if (image.image, image.tag, image.digest) not in known
    ]
    return tuple(dict.fromkeys([*named, *others]))


def _images(fields: Fields, document: Decoded, resource: dict[str, Any]) -> Iterator[Image]:
    tag = next((document.text(*found) for found in holders(resource, fields.tag)), None) if fields.tag else None
    by_role: dict[ImageRole, tuple[str, ...]] = {"main": fields.images, "sidecar": fields.sidecars}
    for role, paths in by_role.items():
        for holder, key in (found for path in paths for found in holders(resource, path)):
            image = _image(document, holder, key, role)
            if image is not None and tag and role == "main" and not image.tag and not image.digest:
                image = parse_image(f"{image.raw}:{tag.replace('+', '-')}", role)
            if image is not None:
                yield image


def _image(document: Decoded, holder: dict[str, Any], key: str, role: ImageRole) -> Image | None:
    value = holder[key]
    if isinstance(value, dict):
        return compose_image(document, value, role)
    return parse_image(value, role) if isinstance(value, str) and is_reference(value.strip()) else None
