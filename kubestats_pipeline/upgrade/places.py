"""Places in a document as `field_changes` and `helm_values` write them: read back, filled and looked up.

A value alone does not show that it is secret, its neighbours in the document do. So stored values are put back into a
document at their places, the document is redacted as a whole, and the values are taken out again.
"""

import re
from typing import Any

from kubestats_pipeline.redaction.secrets import REDACTED

_STEP = re.compile(r"\.?([^.\[\]]+)|\['((?:[^'\\]|\\.)*)'\]|\[name=([^\]]*)\]|\[(\d+)\]")
_ESCAPED = re.compile(r"\\(.)")

MOST_ITEMS = 200_000
"""Items that a list is filled up to. No document has more nodes."""

Step = str | int | tuple[str]
"""A key, a position in a list, or the name of an item of a list."""

Place = tuple[Step, ...]


def read_place(path: str) -> Place:
    """The steps of a path, without a leading `$`."""
    return tuple(_step(match) for match in _STEP.finditer(path.removeprefix("$")))


def put(document: dict[str, Any], place: Place, value: Any) -> None:
    """Set the value at a place of a document, and make the collections that are missing on the way."""
    around: Any = document
    for step, following in zip(place, (*place[1:], None), strict=True):
        if following is None:
            _set(around, step, value)
        else:
            around = _enter(around, step, {} if isinstance(following, str) else [])


def take(document: Any, place: Place) -> Any:
    """The value at a place, or the mark of a secret where the place does not exist any more."""
    for step in place:
        found = _find(document, step)
        if found is None:
            return REDACTED
        document = document[found]
    return document


def _step(match: re.Match[str]) -> Step:
    key, quoted, name, index = match.groups()
    if index is not None:
        return min(int(index), MOST_ITEMS)
    if name is not None:
        return (name,)
    return key if key is not None else _ESCAPED.sub(r"\1", quoted)


def _enter(around: Any, step: Step, empty: Any) -> Any:
    found = _find(around, step)
    if found is None or not isinstance(around[found], type(empty)):
        _set(around, step, empty)
        found = _find(around, step)
    return around[found]


def _set(around: Any, step: Step, value: Any) -> None:
    found = _find(around, step)
    if isinstance(step, tuple) and isinstance(value, dict):
        value = {"name": step[0], **value}
    if found is not None:
        around[found] = value
    elif isinstance(step, str):
        around[step] = value
    elif isinstance(step, int):
        around += [None] * (step - len(around)) + [value]
    else:
        around.append(value)


def _find(around: Any, step: Step) -> Any:
    """The key or position of a step in a collection, or None where it is missing."""
    if isinstance(step, str):
        return step if isinstance(around, dict) and step in around else None
    if not isinstance(around, list):
        return None
    if isinstance(step, int):
        return step if step < len(around) else None
    named = (number for number, item in enumerate(around) if isinstance(item, dict) and item.get("name") == step[0])
    return next(named, None)
