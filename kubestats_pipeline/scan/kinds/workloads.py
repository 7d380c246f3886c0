"""Kubernetes' own workloads: the images of their containers, and the version that the main one carries."""

from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.scan.decode import Decoded
from kubestats_pipeline.scan.facts import Facts, Image
from kubestats_pipeline.scan.images import parse_image
from kubestats_pipeline.scan.kinds.generic import scan_generic
from kubestats_pipeline.scan.kinds.registry import scanner

ROLES = {"containers": "main", "initContainers": "init", "ephemeralContainers": "sidecar"}
"""Where a pod lists containers, and the role of those. An init container that restarts always is a sidecar."""

_TEMPLATE = ("spec", "template", "spec")

POD_PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("", "ReplicationController"): _TEMPLATE,
}
"""Where the pod stands in each kind."""


def scan_workload(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The images of all containers; as version the recommended label, else the first main container's tag."""
    path = POD_PATHS[resource["apiVersion"].rpartition("/")[0], resource["kind"]]
    images = tuple(_images(_at(resource, path)))
    tag = next((image.tag for image in images if image.role == "main"), None)
    version = scan_generic(document, resource).version
    return Facts(version=version or tag, app_name=document.text(resource["metadata"], "name"), images=images)


for _group, _kind in POD_PATHS:
    scanner(_group, _kind)(scan_workload)


def _at(resource: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    value: Any = resource
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _images(pod: dict[str, Any]) -> Iterator[Image]:
    for key, role in ROLES.items():
        containers = pod.get(key)
        for container in containers if isinstance(containers, list) else ():
            reference = container.get("image") if isinstance(container, dict) else None
            if isinstance(reference, str) and reference.strip():
                sidecar = role == "init" and container.get("restartPolicy") == "Always"
                yield parse_image(reference, "sidecar" if sidecar else role)
