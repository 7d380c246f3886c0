"""Reading of one kustomization.yaml: the files that it takes in, and the changes that it makes to them.

The fields are those of kustomize's Kustomization and Component. `include_paths.py` follows which resources it reaches.
URLs are not followed.
"""

import posixpath
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from kubestats_pipeline.scan.documents.budget import MAX_PATCHES
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.facts.images import parse_image
from kubestats_pipeline.scan.facts.shapes import mappings
from kubestats_pipeline.scan.facts.transforms import NOTHING, ImageOverride, Patch, PatchFile, Transform
from kubestats_pipeline.scan.kustomize.patches import inline_patches, read_patches

KUSTOMIZATION_FILES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
KUSTOMIZE_GROUP = "kustomize.config.k8s.io"
_KINDS = ("Kustomization", "Component")
_COMPARED = frozenset({"patches", "patchesStrategicMerge", "patchesJson6902", "images", "components"})


class ConfigMapFiles(NamedTuple):
    """An entry of `configMapGenerator`, with the files and texts that it puts under keys. Paths are as written."""

    name: str
    files: tuple[tuple[str, str], ...] = ()
    literals: tuple[tuple[str, str], ...] = ()


class Kustomize(NamedTuple):
    """A kustomization.yaml. Paths are relative to its folder.

    Attributes:
        entries: the local files and folders of `resources` and `bases`.
        components: folders whose changes also apply to the resources of `entries`.
        transform: its own changes.
        config_maps: the ConfigMaps that it generates.
    """

    entries: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    transform: Transform = NOTHING
    config_maps: tuple[ConfigMapFiles, ...] = ()


def read_kustomization(document: Decoded, *, named: bool) -> Kustomize | None:
    """The kustomization of a document, or None if it is not one. `named` is true if its file has kustomize's name."""
    content = document.content
    if not is_kustomization(content, named=named):
        return None
    return Kustomize(
        entries=(*_paths(content.get("resources")), *_paths(content.get("bases"))),
        components=tuple(islice(_paths(content.get("components")), MAX_PATCHES)),
        transform=read_transform(document, content, "namespace"),
        config_maps=tuple(_config_maps(document, content.get("configMapGenerator"))),
    )


def read_transform(document: Decoded, content: dict[str, Any], namespace_key: str) -> Transform:
    """The changes that a kustomization, or the spec of a Flux Kustomization, makes."""
    if (excess := _excess(content)) is not None:
        return Transform(excess=excess)
    return Transform(
        patches=(*read_patches(document, content.get("patches")), *_old_patches(document, content)),
        namespace=document.text(content, namespace_key) or None,
        prefix=document.text(content, "namePrefix") or "",
        suffix=document.text(content, "nameSuffix") or "",
        images=tuple(_images(document, content.get("images"))),
    )


def _excess(content: dict[str, Any]) -> str | None:
    """The first list with more entries than a resource can be compared with, as a message."""
    for key in sorted(_COMPARED & content.keys()):
        if isinstance(content[key], list) and len(content[key]) > MAX_PATCHES:
            return f"its kustomization has more than {MAX_PATCHES} entries in {key}"
    return None


def is_kustomization(content: Any, *, named: bool) -> bool:
    """True if a document is a kustomization: by its API version, or by the name of its file if it has none."""
    if not isinstance(content, dict):
        return False
    declared = str(content.get("apiVersion", "")).startswith(f"{KUSTOMIZE_GROUP}/")
    return declared or (named and "apiVersion" not in content and content.get("kind", "Kustomization") in _KINDS)


def override_image(image: Image, overrides: Iterable[ImageOverride]) -> Image:
    """The image after all of a kustomization's `images`."""
    for override in overrides:
        name = _name_as_written(image)
        if override.name == name:
            reference = override.new_name or name
            tag, digest = override.new_tag or image.tag, override.digest
            if digest is None and override.new_tag is None:
                digest = image.digest
            kept_tag = f":{tag}" if tag and override.digest is None else ""
            image = parse_image(f"{reference}{kept_tag}" + (f"@{digest}" if digest else ""), image.role)
    return image


def _name_as_written(image: Image) -> str:
    """The name of an image as written, because kustomize takes `nginx` and `docker.io/library/nginx` for different."""
    reference = image.raw or image.image
    if image.digest:
        reference = reference.removesuffix(f"@{image.digest}")
    return reference.removesuffix(f":{image.tag}") if image.tag else reference


def _old_patches(document: Decoded, content: dict[str, Any]) -> Iterator[Patch | PatchFile]:
    """The patches of two old fields: a list of files and texts, and a list in the form of `patches`."""
    merged = content.get("patchesStrategicMerge")
    for item in merged if isinstance(merged, list) else []:
        if isinstance(item, str) and "\n" in item:
            yield from inline_patches(item, None)
        elif isinstance(item, str):
            yield PatchFile(item)
    yield from read_patches(document, content.get("patchesJson6902"))


def _paths(items: object) -> Iterator[str]:
    for item in items if isinstance(items, list) else []:
        if isinstance(item, str) and "://" not in item:
            yield item


def _images(document: Decoded, items: object) -> Iterator[ImageOverride]:
    for item in mappings(items):
        name, *given = (document.text(item, key) or None for key in ("name", "newName", "newTag", "digest"))
        if name:
            yield ImageOverride(name, *given)


def _config_maps(document: Decoded, items: object) -> Iterator[ConfigMapFiles]:
    for item in mappings(items):
        if name := document.text(item, "name"):
            yield ConfigMapFiles(name, tuple(_pairs(item.get("files"))), tuple(_pairs(item.get("literals"))))


def _pairs(items: object) -> Iterator[tuple[str, str]]:
    """The pairs of `key=value`. The key of a file without one is its name."""
    for item in items if isinstance(items, list) else []:
        if isinstance(item, str):
            key, equals, value = item.partition("=")
            yield (key, value) if equals else (posixpath.basename(item), item)
