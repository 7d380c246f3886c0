"""kustomize's `patches`: strategic merges and JSON operations for the resources that they target.

A patch with a target changes every resource that this selects. One without names its resource itself, by any name that
the resource had. Patches come redacted, and so a secret that a patch holds is never in a build.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.redaction.redact import redact, redact_again, redact_content
from kubestats_pipeline.scan.build.transformers.by_identity import KEPT, ById
from kubestats_pipeline.scan.build.transformers.json_patch import Operation, apply_operations
from kubestats_pipeline.scan.build.transformers.resource import (
    BuildResource,
    RefusedError,
    ResourceId,
    Resources,
    bounded,
    id_of,
    text_of,
    with_metadata,
)
from kubestats_pipeline.scan.build.transformers.strategic_merge import merge_patch
from kubestats_pipeline.scan.build.transformers.targets import Selector, find_by_id, fits, select
from kubestats_pipeline.scan.documents.document import Bounds, DecodeError
from kubestats_pipeline.scan.kustomize.reading import read_documents_of_kustomize

_FEATURE = "patch"
_NAMES_NONE, _NAMES_SEVERAL = "a patch names no resource", "a patch names several resources"

_Items = tuple[tuple[str, Any], ...]


class ReadPatch(NamedTuple):
    """A patch as its text says it.

    Attributes:
        merges: the documents of a strategic merge patch.
        operations: those of a JSON patch, or None for a strategic merge patch.
    """

    merges: tuple[dict[str, Any], ...] = ()
    operations: list[Operation] | None = None


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


def apply_patches(
    resources: Resources, entries: Iterable[tuple[ReadPatch, Selector | None, Mapping[str, Any]]]
) -> Resources:
    """All resources with entries of `patches` applied one after another: each a patch, its target and its options.

    Raises:
        RefusedError: a patch names no resource, or cannot be applied to one.
    """
    steps = [
        step
        for patch, target, options in entries
        for step in _steps_of(ById(patch), None if target is None else _items(target), _items(options))
    ]
    if not steps:
        return resources
    numbers = _Numbers(steps)
    found, changed = Counter[int](), Resources()
    for resource in resources:
        own = numbers.of(resource)
        if not own:
            changed.append(resource)
            continue
        patched = _patched(ById(resource), tuple(steps[number] for number in own))
        found.update(own[place] for place in patched.places)
        if patched.resource.content:
            changed.append(patched.resource)
    for number, step in enumerate(steps):
        if step.names is not None and found[number] != 1:
            raise RefusedError(_NAMES_SEVERAL if found[number] else _NAMES_NONE)
    return changed


class _Step(NamedTuple):
    """One patch as the key of a memo.

    Attributes:
        names: of the resource that it names itself, or None if it has a target.
    """

    patch: ById[dict[str, Any] | list[Operation]]
    names: ResourceId | None
    target: _Items
    options: _Items


class _Numbers:
    """The steps that a resource may be a target of, by kind, or by kind and name where a patch names it itself."""

    def __init__(self, steps: list[_Step]) -> None:
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

    def _may_select(self, step: _Step, kind: str) -> bool:
        return step.names is not None or self._may_retype or fits(dict(step.target), "kind", kind)


def _sets_kind(patch: dict[str, Any] | list[Operation]) -> bool:
    """True if the operations of a JSON patch may change the kind of an object."""
    if isinstance(patch, dict):
        return False
    paths = (str(operation.get("path")) for operation in patch)
    return any(path in ("", "/") or path.startswith("/kind") for path in paths)


class _Patched(NamedTuple):
    """A resource after some patches, without content if one deletes it, and the places of those that name it."""

    resource: BuildResource
    places: tuple[int, ...] = ()


def _items(pairs: Mapping[str, Any]) -> _Items:
    return tuple(sorted(pairs.items()))


@lru_cache(maxsize=KEPT)
def _steps_of(patch: ById[ReadPatch], target: _Items | None, options: _Items) -> tuple[_Step, ...]:
    merges, operations = patch.value.merges, patch.value.operations
    if target is None:
        if operations is not None:
            raise RefusedError("a JSON patch has no target")
        return tuple(_Step(ById(merge), _names_of(merge), (), options) for merge in merges)
    if len(merges) > 1:
        raise RefusedError("several patches in one entry have a target")
    return (_Step(ById(merges[0] if operations is None else operations), None, target, options),)


@lru_cache(maxsize=KEPT)
def _patched(resource: ById[BuildResource], steps: tuple[_Step, ...]) -> _Patched:
    """One resource with the patches that it is a target of. In a fleet the same ones come with most commits."""
    before, places = resource.value, list[int]()
    changed = [before]
    for place, step in enumerate(steps):
        content = step.patch.value
        if isinstance(content, list):
            changed = _each(changed, select(changed, dict(step.target)), _operating(content))
            continue
        if step.names is None:
            chosen = select(changed, dict(step.target))
        else:
            chosen = find_by_id(changed, step.names)
            places += [place] if chosen else []
        changed = _each(changed, chosen, _merging(content, dict(step.options), takes_kind=step.names is not None))
    shown = _redacted(changed, [before]) if changed else [before._replace(content={})]
    return _Patched(shown[0], tuple(places))


def apply_merges(resources: Resources, merges: Iterable[dict[str, Any]]) -> Resources:
    """All resources with patches merged one after another, each into the one that it names.

    Raises:
        RefusedError: a patch names no resource, or several.
    """
    changed = resources
    for merge in merges:
        changed = _apply_merge(changed, merge, {})
    return _redacted(changed, resources)


def apply_json_patches(resources: Resources, entries: Iterable[tuple[list[Operation], Selector]]) -> Resources:
    """All resources with entries of `patchesJson6902` applied one after another, each to the one that it names.

    Raises:
        RefusedError: an entry names no resource, or several.
    """
    changed = resources
    for operations, target in entries:
        names = id_of(
            {
                "apiVersion": f"{target.get('group') or ''}/{target.get('version') or ''}",
                "kind": target.get("kind"),
                "metadata": {"name": target.get("name"), "namespace": target.get("namespace")},
            }
        )
        changed = _each(changed, [_only(find_by_id(changed, names))], _operating(operations))
    return _redacted(changed, resources)


def _redacted(changed: Resources, before: Resources) -> Resources:
    """Resources with those redacted again that patches have changed.

    Patches come redacted, but parts of two of them may make a secret together. Once for all of them is enough, and
    keeps many patches of one resource linear.
    """
    if len(changed) != len(before):  # a patch has deleted one
        return [each.changed(redact(each.content), _FEATURE) for each in changed]
    pairs = zip(changed, before, strict=True)
    return [
        new if new.content is old.content else new.changed(redact_again(new.content, old.content), _FEATURE)
        for new, old in pairs
    ]


def _apply_merge(resources: Resources, merge: dict[str, Any], options: Mapping[str, Any]) -> Resources:
    return _each(resources, [_only(find_by_id(resources, _names_of(merge)))], _merging(merge, options, takes_kind=True))


def _names_of(merge: dict[str, Any]) -> ResourceId:
    names = id_of(merge)
    if not names.kind or not names.name:
        raise RefusedError("a patch without a target has no kind or name")
    return names


def _only(places: list[int]) -> int:
    if len(places) != 1:
        raise RefusedError(_NAMES_SEVERAL if places else _NAMES_NONE)
    return places[0]


def _each(resources: Resources, places: list[int], change: Any) -> Resources:
    """The resources with a change made at some places. Those that are deleted are left out."""
    changed = list(resources)
    for place in places:
        changed[place] = change(changed[place])
    return [resource for resource in changed if resource.content] if places else resources


def _operating(operations: list[Operation]) -> Any:
    def change(resource: BuildResource) -> BuildResource:
        shown = _shown_operations(ById(operations), resource.content.get("kind") == "Secret")
        content = apply_operations(_with_annotations(resource.content), shown)
        if not isinstance(content, dict):
            raise RefusedError("a JSON patch leaves no object")
        content = _with_annotations(content)
        return resource.remembering().changed(bounded(content), _FEATURE)

    return change


@lru_cache(maxsize=KEPT)
def _shown_operations(operations: ById[list[Operation]], of_secret: bool) -> list[Operation]:
    """The operations, redacted as they are for objects of a kind."""
    shown: list[Operation] = redact_content(operations.value, of_secret=of_secret)
    return shown


def _with_annotations(content: dict[str, Any]) -> dict[str, Any]:
    """An object with annotations, which are texts. kustomize keeps notes of its own there, so they are never absent."""
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        return content
    known = metadata.get("annotations")
    pairs = known.items() if isinstance(known, dict) else ()
    texts = {key: "null" if value is None else text_of(value) for key, value in pairs}
    return {**content, "metadata": {**metadata, "annotations": texts}}


@lru_cache(maxsize=KEPT)
def _shown_merge(merge: ById[dict[str, Any]], given: tuple[tuple[str, str], ...], of_secret: bool) -> dict[str, Any]:
    """A patch, redacted as it is for objects of a kind, with fields of the object in place of its own."""
    shown: dict[str, Any] = redact_content({**merge.value, **dict(given)}, of_secret=of_secret)
    return shown


def _merging(merge: dict[str, Any], options: Mapping[str, Any], *, takes_kind: bool) -> Any:
    patch = ById(merge)

    def shown(content: dict[str, Any]) -> dict[str, Any]:
        names = () if takes_kind else [(name, content.get(name)) for name in ("apiVersion", "kind")]
        given = tuple((name, text) for name, text in names if isinstance(text, str))
        return _shown_merge(patch, given, content.get("kind") == "Secret")

    def change(resource: BuildResource) -> BuildResource:
        content = resource.content
        known = resource.id
        merged = merge_patch(content, shown(content), known)
        if not merged:
            return resource._replace(content={})
        may_rename, may_retype = options.get("allowNameChange"), options.get("allowKindChange")
        if may_rename or may_retype:
            resource = resource.remembering()
        if not may_retype:
            merged = {**merged, "kind": content["kind"]}
        names = {} if may_rename else {"name": known.name}
        merged = with_metadata(merged, namespace=known.namespace or None, **names)
        return resource.changed(bounded(merged), _FEATURE)

    return change
