"""Single settings as `helm --set name=value` reads them: a dotted name to a place, a text to a typed value.

Flux's `targetPath`, the parameters of Argo CD and k3s' `set` have this form. The rules are those of Helm's package
`strvals`. A name that could only be guessed gives None, and the release's values are then not complete.
"""

import re
from typing import Any

from kubestats_pipeline.scan.documents.document import Place

MAX_INDEX = 100
"""Largest list index. Helm accepts up to 65,536 and fills the list up to it, but real names have small ones."""

MAX_STEPS = 100
"""Steps of a place, as deep as a document may be."""

_STEP = re.compile(r"((?:[^\\.\[\],=]|\\.)+)((?:\[\d+\])*)(\.|\Z)", re.DOTALL)
_INDEX = re.compile(r"\d+")
_INTEGER = re.compile(r"-?[1-9]\d{0,18}|0")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_QUOTES = ("'", '"')


def read_name(name: str) -> Place | None:
    r"""The place for a name such as `a.b\.c[0].d`, or None if it is not the name of exactly one place."""
    place: list[str | int] = []
    position = 0
    while position < len(name) and len(place) <= MAX_STEPS:
        step = _STEP.match(name, position)
        if step is None:
            return None
        place.append(re.sub(r"\\(.)", r"\1", step[1], flags=re.DOTALL))
        place += (int(index[:6]) for index in _INDEX.findall(step[2]))
        position = step.end()
        if step[3] and position == len(name):
            return None
    if not 0 < len(place) <= MAX_STEPS:
        return None
    return tuple(place) if all(step <= MAX_INDEX for step in place if isinstance(step, int)) else None


def read_value(text: str, *, as_text: bool = False) -> Any:
    """The typed value of a setting: `true`, `false`, `null`, a whole number, `{a,b}` as a list, or else text."""
    if as_text:
        return text
    if len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:  # Flux: a quoted value is text
        return text.strip("".join(_QUOTES))
    if text.startswith("{") and text.endswith("}"):
        return [_typed(item.strip()) for item in text[1:-1].split(",")] if text != "{}" else []
    return _typed(text)


def _typed(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


def read_settings(parameters: object) -> list[tuple[Place, Any] | None] | None:
    """The places and values of a list of `{name, value, forceString}`, or of a mapping of names.

    An entry that could only be guessed is None. All is None if it is neither a list nor a mapping.
    """
    if isinstance(parameters, dict):
        parameters = [{"name": name, "value": item} for name, item in parameters.items()]
    return [_setting(entry) for entry in parameters] if isinstance(parameters, list) else None


def _setting(entry: Any) -> tuple[Place, Any] | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        return None
    place, value = read_name(entry["name"]), entry.get("value", "")
    if place is None or isinstance(value, dict | list):
        return None
    as_text = entry.get("forceString") is True
    return place, read_value(value, as_text=as_text) if isinstance(value, str) else value


def with_settings(values: Any, parameters: object) -> Any:
    """A copy of values with those of a list or mapping of parameters that are known."""
    for setting in read_settings(parameters) or ():
        values = with_setting(values, *setting) if setting is not None else values
    return values


def with_setting(tree: Any, place: Place, value: Any) -> Any:
    """A copy of nested mappings and lists with a value at one place. Other values on the way there are replaced."""
    if not place:
        return value
    step, rest = place[0], place[1:]
    if isinstance(step, str):
        mapping = tree if isinstance(tree, dict) else {}
        return {**mapping, step: with_setting(mapping.get(step), rest, value)}
    items = [*tree] if isinstance(tree, list) else []
    items += [None] * (step + 1 - len(items))
    items[step] = with_setting(items[step], rest, value)
    return items
