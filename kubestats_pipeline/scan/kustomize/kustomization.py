"""Reading of one kustomization.yaml, as far as documents are found by it: the files and folders that it names.

The fields are those of kustomize's Kustomization and Component. `scan/build` reads all of them and makes the objects.
URLs are not followed.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from kubestats_pipeline.scan.documents.budget import MAX_PATCHES
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.shapes import mappings

KUSTOMIZATION_FILES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
KUSTOMIZE_GROUP = "kustomize.config.k8s.io"
_KINDS = ("Kustomization", "Component")


class Kustomize(NamedTuple):
    """A kustomization.yaml. Paths are relative to its folder.

    Attributes:
        entries: the local files and folders of `resources` and `bases`.
        components: folders whose changes also apply to the resources of `entries`.
        patches: the files that hold its patches.
        content: all of it as it is written, or None if builds must read the file itself. It is shared, never changed
            and not redacted.
    """

    entries: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    content: dict[str, Any] | None = None


def read_kustomization(document: Decoded, *, named: bool) -> Kustomize | None:
    """The kustomization of a document, or None if it is not one. `named` is true if its file has kustomize's name."""
    content = document.content
    if not is_kustomization(content, named=named):
        return None
    return Kustomize(
        entries=(*_paths(content.get("resources")), *_paths(content.get("bases"))),
        components=tuple(islice(_paths(content.get("components")), MAX_PATCHES)),
        patches=tuple(islice(_patch_files(document, content), MAX_PATCHES)),
    )


def is_kustomization(content: Any, *, named: bool) -> bool:
    """True if a document is a kustomization: by its API version, or by the name of its file if it has none."""
    if not isinstance(content, dict):
        return False
    declared = str(content.get("apiVersion", "")).startswith(f"{KUSTOMIZE_GROUP}/")
    return declared or (named and "apiVersion" not in content and content.get("kind", "Kustomization") in _KINDS)


def _patch_files(document: Decoded, content: dict[str, Any]) -> Iterator[str]:
    """The files of `patches` and of the two old fields. An entry with a text of its own names no file."""
    for item in (*mappings(content.get("patches")), *mappings(content.get("patchesJson6902"))):
        if not isinstance(item.get("patch"), str) and (path := document.text(item, "path")):
            yield path
    merged = content.get("patchesStrategicMerge")
    for item in merged if isinstance(merged, list) else []:
        if isinstance(item, str) and "\n" not in item:
            yield item


def _paths(items: object) -> Iterator[str]:
    for item in items if isinstance(items, list) else []:
        if isinstance(item, str) and "://" not in item:
            yield item
