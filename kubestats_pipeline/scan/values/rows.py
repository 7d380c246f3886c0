"""Rows of merged Helm values: one for each leaf, with its path, type, text and origin.

Paths are those of `field_changes` without the leading `$.values.`, as `field_paths.py` writes them.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.lake.vocabulary import ValueType
from kubestats_pipeline.scan.documents.document import Place
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
    return list(islice(_branches(tree, "", ()), MAX_SETTINGS))


def _branches(tree: ValuesTree, path: str, place: Place) -> Iterator[Setting]:
    for key in sorted(tree):
        item, below = tree[key], (path + key_step(key)).removeprefix("." if not path else "")
        if isinstance(item, Leaf):
            yield from _leaves(item.value, below, (*place, key), item.layer)
        else:
            yield from _branches(item, below, (*place, key))


def _leaves(value: Any, path: str, place: Place, layer: Layer) -> Iterator[Setting]:
    """The leaves below a value, those in lists included."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _leaves(value[key], path + key_step(key), (*place, key), layer)
    elif isinstance(value, list) and value:
        for index, (step, item) in enumerate(list_steps(value, by_name=have_names(value))):
            yield from _leaves(item, path + step, (*place, index), layer)
    else:
        yield Setting(path, _TYPES.get(type(value), "null"), _text(value, layer.numbers.get(place)), layer.origin)


def _text(value: Any, written: str | None) -> str | None:
    if value is None:
        return None
    if written is not None and isinstance(value, int | float):
        return written
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
