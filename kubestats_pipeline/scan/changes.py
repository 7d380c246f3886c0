"""What changed between two versions of a resource: its parts, and bounded values of single fields before and after.

Documents come here redacted, so nothing here can hold a secret.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.scan.charts import Resolved
from kubestats_pipeline.scan.manifests import Manifest

MAX_CHANGES = 100
"""Field changes kept of one event; a resource that changes in more places has practically been rewritten."""
MAX_VALUE = 500
"""Characters of JSON kept of one value."""

_PARTS = {"apiVersion": "api_version"}
_MISSING = object()


class FieldChange(NamedTuple):
    """One field: its path from the document's root, and its values; None stands for absent."""

    path: str
    before: Any
    after: Any


def detect_changes(
    before: tuple[Manifest, Resolved, str], after: tuple[Manifest, Resolved, str]
) -> tuple[list[str], list[FieldChange]]:
    """Compare two versions of a resource, each given as manifest, meaning and file path.

    Returns:
        The changed parts in alphabetical order (`spec`, `metadata`, `api_version`, `file_path`, `version`, `chart`,
        `images`, `namespace`, …; empty where nothing that counts has changed), and the changed fields of the
        document.
    """
    (old, was, old_path), (new, is_now, new_path) = before, after
    parts: set[str] = set()
    fields: list[FieldChange] = []
    if old.content_hash != new.content_hash:
        left, right = orjson.loads(old.data), orjson.loads(new.data)
        keys = left.keys() | right.keys()
        parts |= {_PARTS.get(key, key) for key in keys if not _equal(left.get(key, _MISSING), right.get(key, _MISSING))}
        fields = bounded(diff(left, right))
    pairs = {
        "file_path": (old_path, new_path),
        "version": (was.version, is_now.version),
        "chart": (was.chart, is_now.chart),
        "namespace": (was.namespace, is_now.namespace),
        "images": (old.facts.images, new.facts.images),
    }
    parts |= {name for name, (one, other) in pairs.items() if one != other}
    return sorted(parts), fields


def diff(before: Any, after: Any, path: str = "$") -> Iterator[FieldChange]:
    """The deepest places in which two JSON values differ, in document order."""
    if _equal(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from diff(before.get(key, _MISSING), after.get(key, _MISSING), path + _step(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _diff_lists(before, after, path)
    else:
        yield FieldChange(path, *(None if value is _MISSING else value for value in (before, after)))


def _equal(one: Any, other: Any) -> bool:
    """Equal as JSON: to Python, `1`, `1.0` and `true` are the same."""
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
    """Lists of named objects (containers, ports, environment) are compared by name, others by position."""
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        old = {f"[{index}]": item for index, item in enumerate(before)}
        new = {f"[{index}]": item for index, item in enumerate(after)}
    for step in dict.fromkeys([*old, *new]):
        yield from diff(old.get(step, _MISSING), new.get(step, _MISSING), path + step)


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    if not all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in items):
        return None
    named = {f"[name={item['name']}]": item for item in items}
    return named if len(named) == len(items) else None


def _step(key: str) -> str:
    return f".{key}" if key.replace("_", "").replace("-", "").isalnum() else f"['{key}']"


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return value if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
