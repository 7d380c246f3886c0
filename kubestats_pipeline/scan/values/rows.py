"""Rows of merged Helm values: one for each leaf, with its path, type, text and origin.

Paths are those of `field_changes` without the leading `$.values.`, as `field_paths.py` writes them.
"""

import functools
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.lake.vocabulary import ValueType
from kubestats_pipeline.scan.documents.field_paths import have_names, key_step, list_steps
from kubestats_pipeline.scan.values.merge import Layer, Leaf, ValuesTree

MAX_SETTINGS = 5_000
"""Settings that are kept of one release. The largest one of the corpora has under 1,000."""

MAX_TEXT = 2_000
"""Characters that are kept of one value. Configuration files in values are longer, but are seldom compared."""

_TYPES: dict[type, ValueType] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "float",
    dict: "map",
    list: "list",
}


class Setting(NamedTuple):
    """One leaf of a release's values. An empty mapping or list is a leaf too."""

    path: str
    value_type: ValueType
    value: str | None
    origin: str


def flatten(tree: ValuesTree) -> list[Setting]:
    """The settings of a release in the order of their keys, at most `MAX_SETTINGS`."""
    found: list[Setting] = []
    _add_branches(found, tree, "", [])
    return found


def _add_branches(found: list[Setting], tree: ValuesTree, path: str, place: list[str | int]) -> None:
    """Append the settings below a mapping. `place` is that of the mapping, also afterwards."""
    for key in sorted(tree):
        item, below = tree[key], path + _step(key) if path else _step(key).removeprefix(".")
        place.append(key)
        if isinstance(item, Leaf):
            _add_leaves(found, item.value, below, place, item.layer)
        else:
            _add_branches(found, item, below, place)
        place.pop()


def _add_leaves(found: list[Setting], value: Any, path: str, place: list[str | int], layer: Layer) -> None:
    """Append the leaves below a value, those in lists included."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            place.append(key)
            _add_leaves(found, value[key], path + _step(key), place, layer)
            place.pop()
    elif isinstance(value, list) and value:
        for index, (step, item) in enumerate(list_steps(value, by_name=have_names(value))):
            place.append(index)
            _add_leaves(found, item, path + step, place, layer)
            place.pop()
    elif len(found) < MAX_SETTINGS:
        written = layer.numbers.get(tuple(place)) if layer.numbers else None
        found.append(Setting(path, _TYPES.get(type(value), "null"), _text(value, written), layer.origin))


_step = functools.lru_cache(maxsize=16384)(key_step)


def _text(value: Any, written: str | None) -> str | None:
    if value is None:
        return None
    if written is not None and isinstance(value, int | float):
        return written
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
