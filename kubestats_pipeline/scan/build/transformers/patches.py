"""kustomize's `patches`: strategic merges and JSON operations for the resources that they target.

A patch with a target changes every resource that this selects. One without names its resource itself, by any name that
the resource had. Patches come redacted, and so a secret that a patch holds is never in a build.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from kubestats_pipeline.redaction.redact import redact, redact_again, redact_content
from kubestats_pipeline.scan.build.transformers.by_identity import KEPT, ById
from kubestats_pipeline.scan.build.transformers.json_patch import Operation, apply_operations
from kubestats_pipeline.scan.build.transformers.patch_steps import PatchEntry, PatchStep, Reach, names_of, steps_of
from kubestats_pipeline.scan.build.transformers.resource import (
    BuildResource,
    RefusedError,
    Resources,
    bounded,
    id_of,
    text_of,
    with_metadata,
)
from kubestats_pipeline.scan.build.transformers.strategic_merge import merge_patch
from kubestats_pipeline.scan.build.transformers.targets import Selector, find_by_id, select

_FEATURE = "patch"
_NAMES_NONE, _NAMES_SEVERAL = "a patch names no resource", "a patch names several resources"


def apply_patches(resources: Resources, entries: Iterable[PatchEntry]) -> Resources:
    """All resources with entries of `patches` applied one after another.

    Raises:
        RefusedError: a patch names no resource, or cannot be applied to one.
    """
    steps = steps_of(entries)
    if not steps:
        return resources
    reach = Reach(steps)
    found, changed = Counter[int](), Resources()
    for resource in resources:
        own = reach.of(resource)
        if not own:
            changed.append(resource)
            continue
        made = patched(ById(resource), tuple(steps[number] for number in own))
        found.update(number for number, state in zip(own, made.states, strict=True) if state.is_named)
        if made.resource.content:
            changed.append(made.resource)
    for number, step in enumerate(steps):
        if step.names is not None and found[number] != 1:
            raise RefusedError(_NAMES_SEVERAL if found[number] else _NAMES_NONE)
    return changed


class State(NamedTuple):
    """A resource after one of its patches.

    Attributes:
        resource: None if it is deleted.
        is_named: true if the patch names it itself.
    """

    resource: BuildResource | None
    is_named: bool


class Patched(NamedTuple):
    """A resource after some patches, without content if one deletes it, and its state after each of them."""

    resource: BuildResource
    states: tuple[State, ...] = ()


@lru_cache(maxsize=KEPT)
def patched(resource: ById[BuildResource], steps: tuple[PatchStep, ...]) -> Patched:
    """One resource with the patches that may reach it. In a fleet the same ones come with most commits."""
    states = list[State]()
    for step in steps:
        states.append(_state(states[-1].resource if states else resource.value, step))
    return _finished(resource.value, states)


def patched_again(
    resource: BuildResource, steps: tuple[PatchStep, ...], former: Patched, applied: tuple[PatchStep, ...]
) -> Patched:
    """As `patched`, but `former` itself if it comes to the same.

    Args:
        resource: the one to patch.
        steps: the patches that may reach it.
        former: what became of a resource in its place.
        applied: the patches by which it did, as many as now.
    """
    states, are_named = list[State](), True
    same_after = next((place for place in range(len(steps), 0, -1) if steps[place - 1] is not applied[place - 1]), 0)
    for place, step in enumerate(steps, 1):
        state = _state(states[-1].resource if states else resource, step)
        states.append(state)
        are_named &= state.is_named == former.states[place - 1].is_named
        if place >= same_after and are_named and state.resource == former.states[place - 1].resource:
            return former
    return _finished(resource, states)


def _finished(before: BuildResource, states: list[State]) -> Patched:
    last = states[-1].resource if states else before
    shown = before._replace(content={}) if last is None else _redacted([last], [before])[0]
    return Patched(shown, tuple(states))


def _state(resource: BuildResource | None, step: PatchStep) -> State:
    return State(None, is_named=False) if resource is None else _after(ById(resource), step)


@lru_cache(maxsize=KEPT)
def _after(resource: ById[BuildResource], step: PatchStep) -> State:
    """One resource after one patch. The overlays of a fleet go on from it with different ones."""
    before, content = [resource.value], step.patch.value
    chosen = select(before, dict(step.target)) if step.names is None else find_by_id(before, step.names)
    if isinstance(content, list):
        changed = _each(before, chosen, _operating(content))
    else:
        changed = _each(before, chosen, _merging(content, dict(step.options), takes_kind=step.names is not None))
    return State(changed[0] if changed else None, is_named=step.names is not None and bool(chosen))


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
    return _each(resources, [_only(find_by_id(resources, names_of(merge)))], _merging(merge, options, takes_kind=True))


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
