"""Workloads of Kubernetes, and of controllers with the same pod templates: the images of containers and volumes.

The version is the tag of the main container's image.
"""

from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.lake.vocabulary import ImageRole
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts, Image
from kubestats_pipeline.scan.facts.images import is_encrypted, parse_image
from kubestats_pipeline.scan.facts.images_in_fields import images_of_volumes
from kubestats_pipeline.scan.facts.shapes import mapping, mappings
from kubestats_pipeline.scan.kinds.generic import label_version, workload_app
from kubestats_pipeline.scan.kinds.registry import scanner

ROLES: dict[str, ImageRole] = {"containers": "main", "initContainers": "init", "ephemeralContainers": "sidecar"}
"""The lists of containers in a pod with their roles. An init container that restarts always is a sidecar."""

_TEMPLATE = ("spec", "template", "spec")

POD_PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template", "spec"),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("extensions", "Deployment"): _TEMPLATE,
    ("extensions", "DaemonSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    ("argoproj.io", "Rollout"): _TEMPLATE,
    ("apps.kruise.io", "CloneSet"): _TEMPLATE,
    ("apps.kruise.io", "DaemonSet"): _TEMPLATE,
    ("apps.kruise.io", "StatefulSet"): _TEMPLATE,
    ("apps.openshift.io", "DeploymentConfig"): _TEMPLATE,
    ("serving.knative.dev", "Service"): _TEMPLATE,
    ("keda.sh", "ScaledJob"): ("spec", "jobTargetRef", "template", "spec"),
    ("actions.github.com", "AutoscalingRunnerSet"): _TEMPLATE,
}
"""The path to the pod in every kind."""


def scan_workload(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The images of all containers, and the version: the recommended label, else the first main container's tag."""
    path = POD_PATHS[resource["apiVersion"].rpartition("/")[0], resource["kind"]]
    pod = mapping(resource, *path)
    images = tuple(dict.fromkeys([*_images(pod), *images_of_volumes(document, pod.get("volumes"))]))
    tag = next((image.tag for image in images if image.role == "main"), None)
    version = label_version(document, resource)
    return Facts(version=version or tag, app_name=workload_app(document, resource), images=images)


for _group, _kind in POD_PATHS:
    scanner(_group, _kind)(scan_workload)


def _images(pod: dict[str, Any]) -> Iterator[Image]:
    for key, role in ROLES.items():
        for container in mappings(pod.get(key)):
            sidecar = role == "init" and container.get("restartPolicy") == "Always"
            reference = container.get("image")
            if isinstance(reference, str) and reference.strip() and not is_encrypted(reference):
                yield parse_image(reference, "sidecar" if sidecar else role)
