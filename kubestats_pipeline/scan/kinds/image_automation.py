"""Flux's image automation: the images that it watches, and the versions that it allows. It runs no image itself."""

from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.facts.images import is_reference, parse_image
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.registry import scanner

GROUP = "image.toolkit.fluxcd.io"


@scanner(GROUP, "ImageRepository")
def scan_image_repository(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The image whose tags are watched."""
    image = document.text(mapping(resource, "spec"), "image")
    return Facts(images=(parse_image(image, "main"),) if image and is_reference(image.strip()) else ())


@scanner(GROUP, "ImagePolicy")
def scan_image_policy(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The range of versions that is allowed, if the policy has a range."""
    return Facts(version=document.text(mapping(resource, "spec", "policy", "semver"), "range"))
