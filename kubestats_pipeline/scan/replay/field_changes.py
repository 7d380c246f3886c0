"""Changes between two versions of a resource: its parts, and bounded values of single fields before and after.

Documents are redacted before they come here, so no value here can hold a secret.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.lake.vocabulary import Context
from kubestats_pipeline.scan.documents.field_paths import have_names, key_step, list_steps
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline.scan.values.merge import Values, merge_values, plain

MAX_CHANGES = 100
"""Field changes that are kept of one event. A resource that changes in more places is practically a new one."""
MAX_VALUE = 500
"""Characters of JSON that are kept of one value."""

_PARTS = {"apiVersion": "api_version"}
_MISSING = object()


class FieldChange(NamedTuple):
    """One field: its path from the document's root, and its values, where None means absent."""

    path: str
    before: Any
    after: Any


class Version(NamedTuple):
    """One version of a resource: its document, its resolution, its file, and its values from other files."""

    manifest: Manifest
    resolved: Resolved
    path: str
    values: Values | None = None

    @property
    def images(self) -> tuple[Image, ...]:
        """The images in its document or in its values."""
        given = self.values.images if self.values else self.resolved.images
        return self.manifest.facts.images if given is None else given

    @property
    def context(self) -> Context | None:
        """The context, if it is not the one of the path."""
        return self.resolved.context or self.manifest.facts.context

    @property
    def app_name(self) -> str | None:
        """The application, by its effective name."""
        return self.resolved.app_name or self.manifest.facts.app_name


def detect_changes(before: Version, after: Version) -> tuple[list[str], list[FieldChange]]:
    """Compare two versions of a resource.

    Returns:
        The changed parts in alphabetical order, and the changed fields. Parts are the members of the document (`spec`,
        `metadata`, `api_version`, …) and `file_path`, `version`, `chart`, `images`, `namespace`, `context` (if it is
        not the one of the path) and `values` (those from other files). Fields are those of the document, and of the
        values from other files, below `$.values`.
        Both are empty if there is no change that counts.
    """
    parts: set[str] = set()
    fields: Iterator[FieldChange] = iter(())
    if before.manifest.content_hash != after.manifest.content_hash:
        left, right = orjson.loads(before.manifest.data), orjson.loads(after.manifest.data)
        members = list(_differing_members(left, right))
        parts |= {_PARTS.get(key, key) for key, _, _ in members}
        fields = chain.from_iterable(_differences(one, other, f"${key_step(key)}") for key, one, other in members)
    if values := list(_diff_values(before, after)):
        parts.add("values")
    pairs = {
        "file_path": (before.path, after.path),
        "version": (before.resolved.version, after.resolved.version),
        "chart": (before.resolved.chart, after.resolved.chart),
        "namespace": (before.resolved.namespace, after.resolved.namespace),
        "images": (before.images, after.images),
        "context": (before.context, after.context),
    }
    parts |= {name for name, (one, other) in pairs.items() if one != other}
    return sorted(parts), bounded(chain(fields, values))


def _diff_values(before: Version, after: Version) -> Iterator[FieldChange]:
    """Differences of the effective values, but only if the values from other files differ.

    Values in the document itself are compared with the document.
    """
    if before.values is after.values or _given(before.values) == _given(after.values):
        return
    left, right = (plain(merge_values(version.manifest, version.values)[0]) for version in (before, after))
    yield from islice(diff(left, right, "$.values"), MAX_CHANGES)


def _given(values: Values | None) -> list[tuple[bytes, object] | None]:
    """The values from other files, without the paths of these and without the spelling of numbers."""
    layers = values.layers if values else ()
    return [(layer.content, repr(layer.settings)) if layer is not None else None for layer in layers]


def diff(before: Any, after: Any, path: str = "$") -> Iterator[FieldChange]:
    """The deepest places in which two JSON values differ, in document order."""
    return iter(()) if _equal(before, after) else _differences(before, after, path)


def _differences(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    """The same for values that are known to differ. So each level is compared once, and equal members are skipped."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, one, other in _differing_members(before, after):
            yield from _differences(one, other, path + key_step(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _diff_lists(before, after, path)
    else:
        yield FieldChange(path, *(None if value is _MISSING else value for value in (before, after)))


def _differing_members(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key, _MISSING), after.get(key, _MISSING)
        if not _equal(one, other):
            yield key, one, other


def _equal(one: Any, other: Any) -> bool:
    """True if two values are the same JSON, because Python takes `1`, `1.0` and `true` for equal."""
    if one != other:
        return False
    return isinstance(one, str) or bool(orjson.dumps(one) == orjson.dumps(other))


def bounded(changes: Iterator[FieldChange]) -> list[FieldChange]:
    """At most `MAX_CHANGES` changes with values of at most `MAX_VALUE` characters."""
    kept: list[FieldChange] = []
    for change in changes:
        if len(kept) == MAX_CHANGES:
            break
        kept.append(FieldChange(change.path, _short(change.before), _short(change.after)))
    return kept


def _diff_lists(before: list[Any], after: list[Any], path: str) -> Iterator[FieldChange]:
    """Differences of two lists: by name if all items have one (containers, ports, environment), else by position."""
    old, new = (dict(list_steps(items, by_name=have_names(before) and have_names(after))) for items in (before, after))
    for step in dict.fromkeys([*old, *new]):
        one, other = old.get(step, _MISSING), new.get(step, _MISSING)
        if not _equal(one, other):
            yield from _differences(one, other, path + step)


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return value if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
