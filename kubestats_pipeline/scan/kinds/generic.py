"""Generic scanner, for every kind without a scanner of its own, and the recommended labels that all kinds share."""

from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts, Image
from kubestats_pipeline.scan.facts.images_in_fields import images_in_fields

VERSION_LABEL = "app.kubernetes.io/version"
NAME_LABEL = "app.kubernetes.io/name"

_WITHOUT_IMAGES = ("v1", "apiextensions.k8s.io/v1", "apiextensions.k8s.io/v1beta1")
"""Groups of Kubernetes' own whose other kinds run nothing. An `image` there is data, or the schema of a field."""

_HOLDERS = ("ResourceSet", "Composition")
"""Kinds that hold whole objects of other kinds. A version of something in those is not their own."""


def scan_generic(document: Decoded, resource: dict[str, Any]) -> Facts:
    """Facts of a resource of any kind: the recommended version label, and the images in its fields.

    Without that label, the tag of the main image is its version, if there is one main image.
    """
    images = () if resource.get("apiVersion") in _WITHOUT_IMAGES else images_in_fields(document, resource)
    version = label_version(document, resource)
    if not images or resource["kind"] in _HOLDERS:
        return Facts(version=version, images=images)
    return Facts(version=version or _only_tag(images), app_name=workload_app(document, resource), images=images)


def label_version(document: Decoded, resource: dict[str, Any]) -> str | None:
    """The recommended version label, if it is set."""
    return document.text(resource["metadata"].get("labels"), VERSION_LABEL)


def _only_tag(images: tuple[Image, ...]) -> str | None:
    tags = [image.tag for image in images if image.role == "main"]
    return tags[0] if len(tags) == 1 else None


def workload_app(document: Decoded, resource: dict[str, Any]) -> str | None:
    """The application of something that runs containers: the recommended label, else its name."""
    metadata = resource["metadata"]
    return document.text(metadata.get("labels"), NAME_LABEL) or document.text(metadata, "name")
