"""Documents and field changes without the values of settings that may not be published.

Settings stand in a document below the keys that Flux, Argo CD, k3s, kustomize, Crossplane and Helmfile give to Helm
values and to single settings, and in ConfigMaps as a file of values. Everything else of a document stays as it is. The
paths of settings are those of `helm_values`, without positions in lists.
"""

import functools
import json
import operator
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
_FILE_ENDS = ("values.yaml", "values.yml")
_SET = "set"
"""The key of single settings, if a chart stands beside it, because other kinds set headers of HTTP below such a key."""
_CHANGED = re.compile(r"\$(?:.*?\.)?(values|valuesObject|valuesInline|valuesContent)(?=\.|\['|$)(.*)", re.DOTALL)
_CHANGED_FILE = re.compile(r"\$.*\['((?:.*[-_.])?values\.ya?ml)'\]")
_CHANGED_PARAMETER = re.compile(
    r"\$.*\.parameters\[name=([^\]]+)\]\.value|\$\.spec(?:\.forProvider)?\.set\[name=([^\]]+)\]\.value"
)
_CHANGED_SET = re.compile(r"\$\.spec(?:\.forProvider)?\.set(?:\.([\w-]+)|\['([^']*)'\])?")

_KEY = '"values":'
_BLOCK = f"{_KEY}{{"
_OTHER_KEY = f"\\{_KEY}"
_VALUES_BEGIN = '"values'
_MEMBER = re.compile(r'"values(?:Object|Inline|Content)?":')
_TEXTS = re.compile(r'\[(?:"(?:[^"\\]|\\.)*",?)*\]')
_ELSEWHERE = ('"parameters":', '"set":', 'values.yaml"', 'values.yml"')
"""The text of a document: keys of settings, what is none of them below such a key, and places of other settings."""

_DECODER = json.JSONDecoder()

ReplaceBlock = Callable[[str, IsShown], str | None]
"""Gives the published form of a mapping of settings as JSON. None if all of them may be published."""


def replace_block(block: str, is_shown: IsShown) -> str | None:
    """Withhold values of a mapping of settings. Versions of a release are alike, so that it pays to remember some."""
    item = orjson.loads(block)
    published = _withhold_values(item, "", is_shown)
    return None if published is item else orjson.dumps(published).decode()


class KnownBlocks:
    """Mappings of settings as JSON, so that none has to be parsed again to find where it ends."""

    def __init__(self, most: int) -> None:
        self._most, self._known = most, set[str]()

    def block_at(self, document: str, start: int) -> str:
        """The mapping that begins at an index of a document. Only one can, so that a known one is it."""
        # Most often it is the last member of `spec`, which is the last one of the document.
        end = len(document) - 2 if document.endswith("}}") else document.rfind("}}") + 1
        if (likely := document[start:end]) in self._known:
            return likely
        if len(self._known) >= self._most:
            self._known.clear()
        block = document[start : _DECODER.raw_decode(document, start)[1]]
        self._known.add(block)
        return block


class ReleaseSettings:
    """Withholds the settings of one release, and remembers what it has decided. Releases may share what they know."""

    def __init__(
        self, is_shown: IsShown, replace: ReplaceBlock = replace_block, blocks: KnownBlocks | None = None
    ) -> None:
        self._is_shown, self._replace = functools.cache(is_shown), replace
        self._blocks = blocks or KnownBlocks(1)

    def withhold(self, item: Any, path: str = "") -> Any:
        """The values at a path, as orjson writes them. It is the very object if all of them may be published."""
        if path or not isinstance(item, dict):
            return _withhold_values(item, path, self._is_shown)
        published = self._replace(orjson.dumps(item).decode(), self._is_shown)
        return item if published is None else orjson.Fragment(published)

    def withhold_in(self, document: str) -> str | None:
        """The published form of a document of the release, as JSON. None if all of it may be published."""
        start = document.find(_BLOCK) + len(_KEY)
        if start < len(_KEY):
            return self._take_apart(document) if _may_hold_settings(document) else None
        block = self._blocks.block_at(document, start)
        before, after = document[:start], document[start + len(block) :]
        if before.endswith(_OTHER_KEY) or _may_hold_settings(f"{before[: -len(_KEY)]}\n{after}"):
            return self._take_apart(document)
        published = self._replace(block, self._is_shown)
        return None if published is None else f"{before}{published}{after}"

    def _take_apart(self, document: str) -> str | None:
        item = orjson.loads(document)
        published = withhold_settings(item, self)
        return None if published is item else orjson.dumps(published).decode()


def _may_hold_settings(document: str) -> bool:
    if any(place in document for place in _ELSEWHERE):
        return True
    return _VALUES_BEGIN in document and any(
        not _TEXTS.match(document, found.end()) for found in _MEMBER.finditer(document)
    )


def withhold_settings(document: Any, settings: ReleaseSettings) -> Any:
    """A decoded document of which values of settings are `WITHHELD` that may not be published, as orjson writes it.

    A document without such values is returned itself.
    """
    if isinstance(document, list):
        return _replace_items(document, settings)
    if not isinstance(document, dict):
        return document
    is_release, changed = _SET in document and "chart" in document, {}
    for key, item in document.items():
        published = (
            _withhold_set(item, settings) if is_release and key == _SET else _withhold_member(key, item, settings)
        )
        if published is not item:
            changed[key] = published
    return {**document, **changed} if changed else document


def withhold_changes(changes: list[dict[str, Any]], settings: ReleaseSettings) -> list[dict[str, Any]]:
    """The field changes of an event in `resource_events` without such values. It is the very list if none is."""
    return _kept([_withhold_change(change, settings) for change in changes], changes)


def _replace_members(items: dict[str, Any], replace: Callable[[str, Any], Any]) -> dict[str, Any]:
    """A mapping with other items. Itself if all are as before, which spares the copies of nearly everything."""
    changed = {key: new for key, item in items.items() if (new := replace(key, item)) is not item}
    return {**items, **changed} if changed else items


def _replace_items(items: list[Any], settings: ReleaseSettings) -> list[Any]:
    return _kept([withhold_settings(item, settings) for item in items], items)


def _kept(replaced: list[Any], items: list[Any]) -> list[Any]:
    """The old list if its items are the very objects of the new one."""
    return replaced if any(map(operator.is_not, replaced, items)) else items


def _withhold_member(key: str, item: Any, settings: ReleaseSettings) -> Any:
    if isinstance(item, str):
        return settings.withhold(item) if key in _VALUES or _is_file(key) else item
    if isinstance(item, dict):
        return settings.withhold(item) if key in _VALUES else withhold_settings(item, settings)
    if not isinstance(item, list):
        return item
    if key in _VALUES:
        return _kept([settings.withhold(each) if isinstance(each, dict) else each for each in item], item)
    if key == "parameters":
        return _withhold_set(item, settings)
    return _replace_items(item, settings)


def _is_file(key: str) -> bool:
    # The ends first: nearly no key has one, and every text of a document has a key.
    return key.endswith(_FILE_ENDS) and _FILE.fullmatch(key) is not None


def _withhold_set(item: Any, settings: ReleaseSettings) -> Any:
    """Single settings: a list of names and values, or of k3s a mapping of dotted names."""
    if isinstance(item, dict):
        return _replace_members(item, lambda name, value: settings.withhold(value, f".{name}"))
    return _kept([_withhold_parameter(each, settings) for each in item], item) if isinstance(item, list) else item


def _withhold_parameter(item: Any, settings: ReleaseSettings) -> Any:
    """An item of Argo CD's `helm.parameters`, or of `set` in Helmfile and Crossplane: a path and its value."""
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or "value" not in item:
        return item
    published = settings.withhold(item["value"], f".{item['name']}")
    return item if published is item["value"] else {**item, "value": published}


def _withhold_change(change: dict[str, Any], settings: ReleaseSettings) -> dict[str, Any]:
    parameter, file, member, path = _read_place(change["path"])

    def withhold(name: str, item: Any) -> Any:
        if name == "path" or not isinstance(item, dict | list | str | int | float):
            return item
        if parameter or path:
            return settings.withhold(item, parameter or path)
        if member == _SET:
            return _withhold_set(item, settings)
        return _withhold_member(file or member, item, settings)

    return _replace_members(change, withhold)


@functools.lru_cache(maxsize=4096)
def _read_place(place: str) -> tuple[str, str, str, str]:
    """The parts of a place at which a change may be one of settings: a parameter, a file, a key and a path below it."""
    if parameter := _CHANGED_PARAMETER.fullmatch(place):
        return f".{parameter[1] or parameter[2]}", "", "", ""
    if file := _CHANGED_FILE.fullmatch(place):
        return "", file[1], "", ""
    if values := _CHANGED.fullmatch(place):
        return "", "", values[1], re.sub(r"\[\d+\]", "[]", values[2])
    if single := _CHANGED_SET.fullmatch(place):
        name = single[1] or single[2]
        return (f".{name}", "", "", "") if name else ("", "", _SET, "")
    return "", "", "", ""


def _withhold_values(item: Any, path: str, is_shown: IsShown) -> Any:
    """The values at a path, which begins with the mark of its first step."""
    if isinstance(item, dict):
        changed = {}
        for key, below in item.items():
            published = _withhold_values(below, path + _step(key), is_shown)
            if published is not below:
                changed[key] = published
        return {**item, **changed} if changed else item
    if isinstance(item, list):
        steps = zip(_list_steps(item), item, strict=True)
        return _kept([_withhold_values(each, path + step, is_shown) for step, each in steps], item)
    if item is None or isinstance(item, bool):
        return item
    text = item if isinstance(item, str) else orjson.dumps(item).decode()
    return item if is_shown(path.removeprefix("."), text) else WITHHELD


@functools.lru_cache(maxsize=65536)
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
