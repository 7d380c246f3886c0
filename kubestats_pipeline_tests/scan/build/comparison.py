"""Comparison of a build with the objects that kubectl makes of the same folder, both redacted."""

from collections import defaultdict
from typing import Any

from kubestats_pipeline.scan.build.objects import Built, BuiltObject

HASH_LENGTH = 11
"""Characters of the suffix of a generated name, with its hyphen."""


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
        return None if expected == each.content else f"{names} differs: {first_difference(each.content, expected)}"
    for other, contents in left.items():
        if contents and _is_hashed(each, names, other):
            contents.pop(0)
            return None
    return f"{names} is too many"


def _is_hashed(each: BuiltObject, names: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """True if another name is the same with the hash that is not known here."""
    if each.base_name is None or names[:3] != other[:3]:
        return False
    return str(other[3]).startswith(f"{each.base_name}-") and len(str(other[3])) == len(each.base_name) + HASH_LENGTH


def first_difference(one: Any, other: Any, place: str = "") -> str:
    """The first place at which two values differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            if one[key] != other[key]:
                return first_difference(one[key], other[key], f"{place}/{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (item, expected) in enumerate(zip(one, other, strict=True)):
            if item != expected:
                return first_difference(item, expected, f"{place}/{index}")
    return place
