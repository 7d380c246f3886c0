"""Documents and field changes without the values of settings that may not be published.

Settings stand in a document below the keys that Flux, Argo CD, k3s, kustomize, Crossplane and Helmfile give to Helm
values, and in ConfigMaps as a file of values. Everything else of a document stays as it is. The paths of settings are
those of `helm_values`, without positions in lists.
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

WITHHELD = "<withheld>"
"""Stands in documents where a value is not published. In `helm_values` such a value is null."""

IsShown = Callable[[str, str], bool]
"""Says of a setting's path and value, as text, whether it may be published."""

_VALUES = frozenset(("values", "valuesObject", "valuesInline", "valuesContent"))
_FILE = re.compile(r"(?:.*[-_.])?values\.ya?ml")
"""The name of a file of values in a ConfigMap. Its text is one value without a path."""
_CHANGED = re.compile(r"\$(?:.*?\.)?(values|valuesObject|valuesInline|valuesContent)(?=\.|\['|$)(.*)", re.DOTALL)
_CHANGED_FILE = re.compile(r"\$.*\['((?:.*[-_.])?values\.ya?ml)'\]")
_CHANGED_PARAMETER = re.compile(r"\$.*\.parameters\[name=([^\]]+)\]\.value")


def withhold_settings(document: Any, is_shown: IsShown) -> Any:
    """A decoded document of which values of settings are `WITHHELD` that may not be published."""
    if isinstance(document, list):
        return [withhold_settings(item, is_shown) for item in document]
    if not isinstance(document, dict):
        return document
    return {key: _withhold_member(key, item, is_shown) for key, item in document.items()}


def withhold_changes(changes: list[dict[str, Any]], is_shown: IsShown) -> list[dict[str, Any]]:
    """The field changes of an event, as `resource_events` has them, without such values."""
    return [_withhold_change(change, is_shown) for change in changes]


def _withhold_member(key: str, item: Any, is_shown: IsShown) -> Any:
    if (key in _VALUES and isinstance(item, dict | str)) or (_FILE.fullmatch(key) and isinstance(item, str)):
        return _withhold_values(item, "", is_shown)
    if key in _VALUES and isinstance(item, list):
        return [_withhold_values(each, "", is_shown) if isinstance(each, dict) else each for each in item]
    if key == "parameters" and isinstance(item, list):
        return [_withhold_parameter(each, is_shown) for each in item]
    return withhold_settings(item, is_shown)


def _withhold_parameter(item: Any, is_shown: IsShown) -> Any:
    """An item of Argo CD's `helm.parameters`: a path and its value."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or "value" not in item:
        return item
    return {**item, "value": _withhold_values(item["value"], f".{item['name']}", is_shown)}


def _withhold_change(change: dict[str, Any], is_shown: IsShown) -> dict[str, Any]:
    return {
        name: item if name == "path" else _withhold_at(change["path"], item, is_shown) for name, item in change.items()
    }


def _withhold_at(place: str, item: Any, is_shown: IsShown) -> Any:
    """The value before or after a change at a place of a document."""
    if parameter := _CHANGED_PARAMETER.fullmatch(place):
        return _withhold_values(item, f".{parameter[1]}", is_shown)
    if file := _CHANGED_FILE.fullmatch(place):
        return _withhold_member(file[1], item, is_shown)
    values = _CHANGED.fullmatch(place)
    if values and values[2]:
        return _withhold_values(item, re.sub(r"\[\d+\]", "[]", values[2]), is_shown)
    return _withhold_member(values[1], item, is_shown) if values else withhold_settings(item, is_shown)


def _withhold_values(item: Any, path: str, is_shown: IsShown) -> Any:
    """The values at a path, which begins with the mark of its first step."""
    if isinstance(item, dict):
        return {key: _withhold_values(below, path + _step(key), is_shown) for key, below in item.items()}
    if isinstance(item, list):
        steps = _list_steps(item)
        return [_withhold_values(below, path + step, is_shown) for step, below in zip(steps, item, strict=True)]
    if item is None or isinstance(item, bool):
        return item
    text = item if isinstance(item, str) else orjson.dumps(item).decode()
    return item if is_shown(path.removeprefix("."), text) else WITHHELD


def _step(key: str) -> str:
    """The step into a mapping, as `scan` writes it."""
    if key.replace("_", "").replace("-", "").isalnum():
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _list_steps(items: list[Any]) -> list[str]:
    """The steps to the items of a list: by name where all have different ones, as `scan` writes them."""
    names = [item["name"] for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)]
    is_named = len(set(names)) == len(items) and not any(set("[]'\\\n").intersection(name) for name in names)
    return [f"[name={name}]" for name in names] if is_named else ["[]"] * len(items)
