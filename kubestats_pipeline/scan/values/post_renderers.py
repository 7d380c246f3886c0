"""Images of a release after the `postRenderers` of its HelmRelease, which change what the chart renders.

Only their `kustomize.images` are followed. Their patches change objects that no file of the repository holds.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kubestats_pipeline.scan.build.transformers.images import override_image
from kubestats_pipeline.scan.build.transformers.resource import RefusedError
from kubestats_pipeline.scan.documents.budget import MAX_PATCHES
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.facts.images import parse_image
from kubestats_pipeline.scan.facts.shapes import mapping, mappings
from kubestats_pipeline.scan.kinds.flux import HELM


def post_rendered(images: Iterable[Image], content: Mapping[str, Any]) -> tuple[Image, ...]:
    """The images of a release's values after its post-renderers, in their order.

    An image of the chart's own defaults is not among them, because the chart is elsewhere.
    """
    entries = _entries(content)
    return tuple(dict.fromkeys(_changed(image, entries) for image in images) if entries else images)


def _entries(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    if content.get("kind") != "HelmRelease" or not str(content.get("apiVersion", "")).startswith(f"{HELM}/"):
        return []
    renderers = mappings(mapping(content, "spec").get("postRenderers"))
    return [entry for each in renderers for entry in mappings(mapping(each, "kustomize").get("images"))][:MAX_PATCHES]


def _changed(image: Image, entries: Iterable[Mapping[str, Any]]) -> Image:
    text = before = image.raw or ""
    for entry in entries:
        if all(isinstance(value, str) for value in entry.values()):
            text = _overridden(text, entry)
    return parse_image(text, image.role) if text != before else image


def _overridden(text: str, entry: Mapping[str, Any]) -> str:
    try:
        return override_image(text, entry)
    except RefusedError:
        return text
