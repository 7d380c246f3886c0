"""What a kustomization.yaml says: what it takes in, and what it changes of that.

Fields and their meaning are those of kustomize's Kustomization and Component. Here one file is read; which resources
it reaches is joined in `apply_paths.py`. What lies behind a URL is not followed.
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

KUSTOMIZATION_FILES = frozenset({"kustomization.yaml", "kustomization.yml"})
KUSTOMIZE_GROUP = "kustomize.config.k8s.io"
_KINDS = ("Kustomization", "Component")
_COMPARED = frozenset({"patches", "patchesStrategicMerge", "patchesJson6902", "images", "components"})


class ConfigMapFiles(NamedTuple):
    """An entry of `configMapGenerator`, as far as it puts files or texts under keys; a path is as it is written."""

    name: str
    files: tuple[tuple[str, str], ...] = ()
    literals: tuple[tuple[str, str], ...] = ()


class Kustomize(NamedTuple):
    """A kustomization.yaml; paths are relative to its folder.

    Attributes:
        entries: the local files and folders of `resources` and `bases`.
        components: folders whose own changes also reach what `entries` take in.
    """

    entries: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    transform: Transform = NOTHING
    config_maps: tuple[ConfigMapFiles, ...] = ()


def read_kustomization(document: Decoded, *, named: bool) -> Kustomize | None:
    """The kustomization of a document; None where it is none. `named`: whether its file has kustomize's name."""
    content = document.content
    if not is_kustomization(content, named=named):
        return None
    return Kustomize(
        (*_paths(content.get("resources")), *_paths(content.get("bases"))),
        tuple(islice(_paths(content.get("components")), MAX_PATCHES)),
        read_transform(document, content, "namespace"),
        tuple(_config_maps(document, content.get("configMapGenerator"))),
    )


def read_transform(document: Decoded, content: dict[str, Any], namespace_key: str) -> Transform:
    """The changes that a kustomization, or the spec of a Flux Kustomization, makes."""
    if (excess := _excess(content)) is not None:
        return Transform(excess=excess)
    return Transform(
        (*read_patches(document, content.get("patches")), *_old_patches(document, content)),
        document.text(content, namespace_key) or None,
        document.text(content, "namePrefix") or "",
        document.text(content, "nameSuffix") or "",
        tuple(_images(document, content.get("images"))),
    )


def _excess(content: dict[str, Any]) -> str | None:
    """Of which lists there are more entries than each resource can be compared with."""
    for key in sorted(_COMPARED & content.keys()):
        if isinstance(content[key], list) and len(content[key]) > MAX_PATCHES:
            return f"its kustomization has more than {MAX_PATCHES} entries in {key}"
    return None


def is_kustomization(content: Any, *, named: bool) -> bool:
    """Whether a document is one: it says so, or says nothing else in a file of that name."""
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
    """Kustomize compares names as they are written: `nginx` is not `docker.io/library/nginx` to it."""
    reference = image.raw or image.image
    if image.digest:
        reference = reference.removesuffix(f"@{image.digest}")
    return reference.removesuffix(f":{image.tag}") if image.tag else reference


def _old_patches(document: Decoded, content: dict[str, Any]) -> Iterator[Patch | PatchFile]:
    """`patchesStrategicMerge` lists files and texts, `patchesJson6902` is as `patches` with a target."""
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
    """`key=value`; of a file without a key, its name is the key."""
    for item in items if isinstance(items, list) else []:
        if isinstance(item, str):
            key, equals, value = item.partition("=")
            yield (key, value) if equals else (posixpath.basename(item), item)
