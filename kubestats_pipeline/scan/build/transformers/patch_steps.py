"""The steps of kustomize's `patches`: what their texts say, and which resources each step may reach.

`patches.py` applies them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.scan.build.transformers.by_identity import KEPT, ById
from kubestats_pipeline.scan.build.transformers.json_patch import Operation
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, ResourceId, id_of
from kubestats_pipeline.scan.build.transformers.strict import is_equal
from kubestats_pipeline.scan.build.transformers.targets import Selector, fits
from kubestats_pipeline.scan.documents.document import Bounds, DecodeError
from kubestats_pipeline.scan.kustomize.reading import read_documents_of_kustomize

Items = tuple[tuple[str, Any], ...]
"""The pairs of a mapping in the order of their keys, to be a key of a memo."""

PatchEntry = tuple["ReadPatch", Selector | None, Mapping[str, Any]]
"""An entry of `patches`: a patch, its target and its options."""


class ReadPatch(NamedTuple):
    """A patch as its text says it.

    Attributes:
        merges: the documents of a strategic merge patch.
        operations: those of a JSON patch, or None for a strategic merge patch.
    """

    merges: tuple[dict[str, Any], ...] = ()
    operations: list[Operation] | None = None

    def __eq__(self, other: object) -> bool:
        return is_equal(self, other) and is_equal(self, other, 1)

    def __ne__(self, other: object) -> bool:
        return not self == other


@lru_cache(maxsize=KEPT)
def read_patch(text: bytes) -> ReadPatch:
    """Read the text of a patch. A text that begins with a bracket is JSON.

    Kustomizations of Flux bring the same patches to many folders, so the last ones are kept.

    Raises:
        RefusedError: it is neither sort of patch.
    """
    try:
        contents = [orjson.loads(text)] if text.startswith(b"[") else read_documents_of_kustomize(text, Bounds())
    except (DecodeError, orjson.JSONDecodeError):
        raise RefusedError("a patch is neither valid YAML nor valid JSON") from None
    if len(contents) == 1 and isinstance(contents[0], list):
        if not all(isinstance(item, dict) for item in contents[0]):
            raise RefusedError("an operation of a JSON patch is not a mapping")
        return ReadPatch(operations=contents[0])
    if not contents or not all(isinstance(content, dict) for content in contents):
        raise RefusedError("a patch is neither a mapping nor a list of operations")
    return ReadPatch(merges=tuple(contents))


class PatchStep(NamedTuple):
    """One patch as the key of a memo.

    Attributes:
        names: of the resource that it names itself, or None if it has a target.
    """

    patch: ById[dict[str, Any] | list[Operation]]
    names: ResourceId | None
    target: Items
    options: Items

    def aims_as(self, other: "PatchStep") -> bool:
        """True if it reaches the same resources as another step, whatever both change there."""
        if self is other:
            return True
        same = self.names == other.names and self.target == other.target and self.options == other.options
        return same and _sets_kind(self.patch.value) == _sets_kind(other.patch.value)


class Reach:
    """The steps that a resource may be a target of, by kind, or by kind and name where a patch names it itself."""

    def __init__(self, steps: Sequence[PatchStep]) -> None:
        self._steps = steps
        self._by_name = defaultdict[tuple[str, str], list[int]](list)
        self._others = [number for number, step in enumerate(steps) if step.names is None or step.options]
        self._by_kind: dict[str, list[int]] = {}
        for number, step in enumerate(steps):
            if step.names is not None and not step.options:
                self._by_name[step.names.kind, step.names.name].append(number)
        self._may_retype = any(step.options or _sets_kind(step.patch.value) for step in steps)

    def of(self, resource: BuildResource) -> list[int]:
        """The numbers of the steps, in their order."""
        ids = resource.ids
        kind = ids[-1].kind
        if kind not in self._by_kind:
            self._by_kind[kind] = [number for number in self._others if self._may_select(self._steps[number], kind)]
        own = self._by_kind[kind]
        if not self._by_name:
            return own
        names = {(each.kind, each.name) for each in ids}
        named = [number for each in names for number in self._by_name.get(each, ())]
        return sorted({*own, *named}) if named else own

    def _may_select(self, step: PatchStep, kind: str) -> bool:
        return step.names is not None or self._may_retype or fits(dict(step.target), "kind", kind)


def _sets_kind(patch: dict[str, Any] | list[Operation]) -> bool:
    """True if the operations of a JSON patch may change the kind of an object."""
    if isinstance(patch, dict):
        return False
    paths = (str(operation.get("path")) for operation in patch)
    return any(path in ("", "/") or path.startswith("/kind") for path in paths)


def steps_of(entries: Iterable[PatchEntry]) -> tuple[PatchStep, ...]:
    """The steps of entries of `patches`, which are applied one after another.

    Raises:
        RefusedError: an entry does not tell what it is a patch of.
    """
    return tuple(
        step
        for patch, target, options in entries
        for step in _steps_of(ById(patch), None if target is None else _items(target), _items(options))
    )


def _items(pairs: Mapping[str, Any]) -> Items:
    return tuple(sorted(pairs.items()))


@lru_cache(maxsize=KEPT)
def _steps_of(patch: ById[ReadPatch], target: Items | None, options: Items) -> tuple[PatchStep, ...]:
    merges, operations = patch.value.merges, patch.value.operations
    if target is None:
        if operations is not None:
            raise RefusedError("a JSON patch has no target")
        return tuple(PatchStep(ById(merge), names_of(merge), (), options) for merge in merges)
    if len(merges) > 1:
        raise RefusedError("several patches in one entry have a target")
    return (PatchStep(ById(merges[0] if operations is None else operations), None, target, options),)


def names_of(merge: dict[str, Any]) -> ResourceId:
    """The names of the resource that a patch is of, as it says itself.

    Raises:
        RefusedError: it does not say them.
    """
    names = id_of(merge)
    if not names.kind or not names.name:
        raise RefusedError("a patch without a target has no kind or name")
    return names
