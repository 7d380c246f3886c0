"""JSON patches (RFC 6902) as kustomize applies them: on copies of the path to each change, within bounds.

`replace` makes the last key where it is absent, and `test` of an absent key against null passes. The object that comes
out has its integers rounded as floats are. Measured with kustomize 5.7.1.
"""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kubestats_pipeline.scan.build.transformers.resource import MOST_BYTES, TOO_LARGE, RefusedError, json_of, size_of
from kubestats_pipeline.scan.documents.budget import MAX_PATCH_DEPTH, MAX_PATCHES

MOST_COPIED = 200_000_000
"""Operations of a patch times the bytes of the object, because each operation copies a path. Real ones take 100,000."""

EXACT = 2**53
"""Integers up to this one are the same as floats. Those from 2**64 on are read as floats."""

Operation = dict[str, Any]
_MANY_DIGITS = re.compile(rb"[0-9]{16}")
"""Digits of an integer above `EXACT`, so that most objects need no look at each of their values."""
_ABSENT = object()
_OPERATIONS = ("add", "replace", "remove", "test", "move", "copy")


def apply_operations(content: Any, operations: list[Operation]) -> Any:
    """A copy of a document with operations applied.

    Raises:
        RefusedError: one of them is not possible, or there are too many.
    """
    if len(operations) > MAX_PATCHES:
        raise RefusedError(f"a JSON patch has more than {MAX_PATCHES} operations")
    copied = 0
    if len(operations) * size_of(content) > MOST_COPIED:
        raise RefusedError("a JSON patch has too many operations for so large an object")
    for operation in operations:
        if operation.get("op") == "copy":
            copied += size_of(_find(content, steps_of(str(operation.get("from") or ""))))
            if copied > MOST_BYTES:
                raise RefusedError(TOO_LARGE)
        content = _apply(content, operation)
    return _rounded(content) if _MANY_DIGITS.search(json_of(content)) else content


def _rounded(value: Any) -> Any:
    """A value with its integers as floats have them, in their shortest form. Parts that do not change are shared."""
    if isinstance(value, dict):
        items = {key: _rounded(item) for key, item in value.items()}
        return value if all(items[key] is item for key, item in value.items()) else items
    if isinstance(value, list):
        found = [_rounded(item) for item in value]
        return value if all(map(operator.is_, found, value)) else found
    if type(value) is not int or not EXACT < abs(value) < 2**64:
        return value
    return int(Decimal(repr(float(value))))


def _apply(content: Any, operation: Operation) -> Any:
    name, path = operation.get("op"), operation.get("path")
    if name not in _OPERATIONS or not isinstance(path, str):
        raise RefusedError("an operation of a JSON patch does not exist")
    steps = steps_of(path)
    if name == "test":
        found = _find(content, steps)
        if (None if found is _ABSENT else found) != operation.get("value"):
            raise RefusedError("a test of a JSON patch fails")
        return content
    if name in ("move", "copy"):
        source = steps_of(str(operation.get("from") or ""))
        value = _find(content, source)
        if value is _ABSENT:
            raise RefusedError(f"a JSON patch cannot {name} a field that is absent")
        if name == "move":
            content = _at(content, source, _remove)
        return _at(content, steps, lambda holder, key: _add(holder, key, value))
    if name == "remove":
        return _at(content, steps, _remove)
    value = operation.get("value")
    change = _add if name == "add" else _replace
    return value if not steps else _at(content, steps, lambda holder, key: change(holder, key, value))


def steps_of(path: str) -> list[str]:
    """The steps of a JSON pointer.

    Raises:
        RefusedError: it is too deep, or does not begin with a slash.
    """
    if path and not path.startswith("/"):
        raise RefusedError("the path of a JSON patch does not begin with a slash")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    if len(steps) > MAX_PATCH_DEPTH:
        raise RefusedError(f"a JSON patch reaches deeper than {MAX_PATCH_DEPTH} levels")
    return steps


def _at(node: Any, steps: list[str], change: Callable[[Any, str], Any], place: int = 0) -> Any:
    """A copy of a value with the holder of a pointer's last step changed."""
    step = steps[place] if place < len(steps) else ""
    if place >= len(steps) - 1:
        return change(node, step)
    if isinstance(node, dict) and isinstance(node.get(step), dict | list):
        return {**node, step: _at(node[step], steps, change, place + 1)}
    if isinstance(node, list):
        index = _index(node, step)
        if isinstance(node[index], dict | list):
            return [*node[:index], _at(node[index], steps, change, place + 1), *node[index + 1 :]]
    raise RefusedError("a JSON patch has a path whose parent is absent")


def _find(node: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(node, dict):
            node = node.get(step, _ABSENT)
        elif isinstance(node, list):
            node = node[_index(node, step)]
        else:
            return _ABSENT
    return node


def _index(items: list[Any], step: str) -> int:
    """The place of an item. Negative ones count from the end, as kustomize allows."""
    digits = step.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 9 or not digits.isascii():
        raise RefusedError("a JSON patch has a path whose list index is not a number")
    index = int(step)
    if not -len(items) <= index < len(items):
        raise RefusedError("a JSON patch has a path beyond the end of a list")
    return index % len(items)


def _remove(holder: Any, key: str) -> Any:
    if isinstance(holder, dict) and key in holder:
        return {name: value for name, value in holder.items() if name != key}
    if isinstance(holder, list):
        index = _index(holder, key)
        return [*holder[:index], *holder[index + 1 :]]
    raise RefusedError("a JSON patch removes a field that is absent")


def _add(holder: Any, key: str, value: Any) -> Any:
    if isinstance(holder, dict):
        return {**holder, key: value}
    if not isinstance(holder, list):
        raise RefusedError("a JSON patch adds to a scalar")
    if key == "-":
        return [*holder, value]
    index = _index([*holder, None], key)
    return [*holder[:index], value, *holder[index:]]


def _replace(holder: Any, key: str, value: Any) -> Any:
    if isinstance(holder, dict):
        return {**holder, key: value}
    if not isinstance(holder, list):
        raise RefusedError("a JSON patch replaces a part of a scalar")
    index = _index(holder, key)
    return [*holder[:index], value, *holder[index + 1 :]]
