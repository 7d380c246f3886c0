"""Comparison of a build with the objects that kubectl makes of the same folder, both redacted."""

import re
from collections import defaultdict
from typing import Any

from kubestats_pipeline.scan.build.objects import Built, BuiltObject

HASH = re.compile(r"-[a-z0-9]{10}$")
"""The suffix of a generated name. It is not told where a secret has a part in it."""


def name_of(content: dict[str, Any]) -> tuple[Any, ...]:
    """The names of an object."""
    metadata = content["metadata"]
    return content["apiVersion"], content["kind"], metadata.get("namespace"), metadata.get("name")


def differences(built: Built, answer: list[dict[str, Any]]) -> list[str]:
    """The objects that differ, are missing or too many, as messages. Empty if both are equal."""
    left: defaultdict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for content in answer:
        left[name_of(content)].append(content)
    found = [message for each in built.objects if (message := difference(each, left)) is not None]
    return found + [f"{names} is missing" for names, contents in left.items() for _ in contents]


def difference(each: BuiltObject, left: dict[tuple[Any, ...], list[dict[str, Any]]]) -> str | None:
    """The difference of one object, which is taken from those that are left, or None."""
    names = name_of(each.content)
    if left.get(names):
        expected = left[names].pop(0)
        return None if expected == each.content else f"{names} {difference_of(each.content, expected)}"
    for other, contents in left.items():
        if contents and _is_hashed(each, names, other):
            contents.pop(0)
            return None
    return f"{names} is too many"


def _is_hashed(each: BuiltObject, names: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """True if another name is the same with the hash that is not known here."""
    is_near = each.base_name is not None and names[:3] == other[:3]
    return is_near and HASH.search(str(other[3])) is not None and HASH.sub("", str(other[3])) == each.base_name


def difference_of(one: Any, other: Any) -> str:
    """The first place at which two values differ, with the reason."""
    place, here, there = _first_difference(one, other, "")
    if isinstance(here, str) and isinstance(there, str) and HASH.sub("", there) == here:
        return f"differs at {place}: the hash in a name is not told, because a secret has a part in it"
    if isinstance(here, dict) and isinstance(there, dict):
        keys = [f"{'lacks' if key in there else 'has'} {key}" for key in here.keys() ^ there.keys()]
        return f"differs at {place or '/'}: {', '.join(sorted(keys))}"
    if isinstance(here, list) and isinstance(there, list):
        return f"differs at {place}: {len(here)} items in place of {len(there)}"
    return f"differs at {place}: another value"


def _first_difference(one: Any, other: Any, place: str) -> tuple[str, Any, Any]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            if one[key] != other[key]:
                return _first_difference(one[key], other[key], f"{place}/{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (item, expected) in enumerate(zip(one, other, strict=True)):
            if item != expected:
                return _first_difference(item, expected, f"{place}/{index}")
    return place, one, other
