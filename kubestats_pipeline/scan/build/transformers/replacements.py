"""kustomize's `replacements`: a value of one resource, or of the entry itself, copied into fields of others.

A field that is a scalar keeps its type: a number that replaces a text becomes a text. Measured with kustomize 5.7.1.
"""

import re
from collections.abc import Mapping
from typing import Any

from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.scan.build.transformers.patterns import matches_whole
from kubestats_pipeline.scan.build.transformers.resource import (
    MOST_BYTES,
    TOO_LARGE,
    BuildResource,
    RefusedError,
    Resources,
    bounded,
    size_of,
    text_of,
)
from kubestats_pipeline.scan.build.transformers.targets import fits_labels, is_named
from kubestats_pipeline.scan.documents.budget import MAX_PATCH_DEPTH, MAX_PATCHES
from kubestats_pipeline.scan.documents.document import Bounds, DecodeError
from kubestats_pipeline.scan.documents.scalars import resolve_value
from kubestats_pipeline.scan.documents.stream import decode_stream

_DEFAULT_PATH = "metadata.name"
_ABSENT = object()
_INDEX = re.compile(r"-?\d{1,6}")


def read_replacements(text: bytes) -> list[Any]:
    """The replacements of a file: one, or a list of them.

    Raises:
        RefusedError: it is not such a file.
    """
    try:
        contents = [document.content for document in decode_stream(text, Bounds())]
    except DecodeError:
        raise RefusedError("a file of replacements is not valid YAML") from None
    found = contents[0] if contents else None
    found = found if isinstance(found, list) else [found]
    if not all(isinstance(item, dict) for item in found):
        raise RefusedError("a file of replacements holds something else")
    return found


def apply_replacement(resources: Resources, replacement: Mapping[str, Any]) -> Resources:
    """All resources with one replacement applied.

    Raises:
        RefusedError: its source or a target's field is missing, or it is incomplete.
    """
    targets = replacement.get("targets")
    if targets is None or (replacement.get("source") is None) == (replacement.get("sourceValue") is None):
        raise RefusedError("a replacement needs one source and a target")
    value = replacement.get("sourceValue")
    if value is None:
        value = _value_of(resources, replacement["source"])
    if len(targets) > MAX_PATCHES:
        raise RefusedError(f"a replacement has more than {MAX_PATCHES} targets")
    for target in targets:
        resources = _into_target(resources, target or {}, value)
    return resources


def _value_of(resources: Resources, source: Mapping[str, Any]) -> Any:
    found = [resource for resource in resources if any(is_named(names, source) for names in resource.ids)]
    if len(found) != 1:
        raise RefusedError(f"the source of a replacement names {'no resource' if not found else 'several resources'}")
    value: Any = found[0].content
    for step in split_field_path(source.get("fieldPath") or _DEFAULT_PATH):
        value = _step_into(value, step)
    if value is _ABSENT or value is None:
        raise RefusedError("the source of a replacement has no such field")
    return _part_of(value, source.get("options") or {})


def _step_into(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step, _ABSENT)
    if not isinstance(value, list):
        return _ABSENT
    if (pair := _item_pair(step)) is not None:
        return next((item for item in value if _is_item(item, *pair)), _ABSENT)
    index = int(step) if _INDEX.fullmatch(step) else len(value) - 1 if step == "-" else len(value)
    return value[index] if -len(value) <= index < len(value) else _ABSENT


def _part_of(value: Any, options: Mapping[str, Any]) -> Any:
    delimiter = options.get("delimiter")
    if not delimiter:
        return value
    if isinstance(value, dict | list):
        raise RefusedError("a replacement cuts something that is not a text")
    parts, index = text_of(value).split(delimiter), options.get("index") or 0
    if not 0 <= index < len(parts):
        raise RefusedError("a replacement takes a part of its source that is absent")
    return parts[index]


def _into_target(resources: Resources, target: Mapping[str, Any], value: Any) -> Resources:
    selector = target.get("select")
    if selector is None:
        raise RefusedError("a target of a replacement selects nothing")
    paths = [split_field_path(path) for path in target.get("fieldPaths") or [_DEFAULT_PATH]]
    options = target.get("options") or {}
    return [
        _changed(resource, paths, value, options)
        if _is_target(resource, selector, target.get("reject") or ())
        else resource
        for resource in resources
    ]


def _is_target(resource: BuildResource, selector: Mapping[str, Any], rejected: Any) -> bool:
    if not fits_labels(resource, selector):
        return False
    for reject in rejected:
        if (reject.get("labelSelector") or reject.get("annotationSelector")) and fits_labels(resource, reject):
            return False
        named = any(reject.get(key) for key in ("group", "version", "kind", "name", "namespace"))
        if named and any(is_named(names, reject) for names in resource.ids):
            return False
    return any(is_named(names, selector) for names in resource.ids)


def _changed(resource: BuildResource, paths: list[list[str]], value: Any, options: Mapping[str, Any]) -> BuildResource:
    content = resource.content
    for path in paths:
        walk = _Walk(value, options)
        content = walk.change(content, path)
        if not walk.found:
            raise RefusedError("a target of a replacement has no such field")
    return resource.changed(redact(bounded(content)), "replacement")


class _Walk:
    """Puts a value into the fields at a path.

    Attributes:
        found: the number of fields that were found or made.
    """

    def __init__(self, value: Any, options: Mapping[str, Any]) -> None:
        self._value = value
        self._bytes = size_of(value) if isinstance(value, dict | list) else 0
        self._options = options
        self._creates = bool(options.get("create"))
        self.found = 0

    def change(self, node: Any, path: list[str]) -> Any:
        """A copy of a value with the fields at a path changed. `*` stands for every item of a list."""
        if not path:
            self.found += 1
            if self.found * self._bytes > MOST_BYTES:
                raise RefusedError(TOO_LARGE)
            return _put(node, self._value, self._options)
        step, rest = path[0], path[1:]
        if node is None and self._creates:
            self.found += 1  # kustomize neither goes on below a null nor complains
            return node
        if node is _ABSENT:
            node = [] if _is_list_step(step) else {}
        if isinstance(node, list):
            return self._change_items(node, step, rest)
        if not isinstance(node, dict):
            return node
        if step == "*":
            raise RefusedError("a replacement looks for items in a mapping")
        if step not in node and not self._creates:
            return node
        return {**node, step: self.change(node.get(step, _ABSENT), rest)}

    def _change_items(self, items: list[Any], step: str, rest: list[str]) -> list[Any]:
        if step == "*":
            return [self.change(item, rest) for item in items]
        if (pair := _item_pair(step)) is not None:
            changed = [self.change(item, rest) if _is_item(item, *pair) else item for item in items]
            if self._creates and not any(_is_item(item, *pair) for item in items):
                changed.append(self.change({pair[0]: pair[1]} if pair[0] else pair[1], rest))
            return changed
        if not _INDEX.fullmatch(step):
            raise RefusedError("a replacement looks for a field in a list")
        index = int(step)
        if index == len(items) and self._creates:
            return [*items, self.change(_ABSENT, rest)]
        if not -len(items) <= index < len(items):
            raise RefusedError("a replacement has a path beyond the end of a list")
        return [self.change(item, rest) if place == index % len(items) else item for place, item in enumerate(items)]


def _put(old: Any, value: Any, options: Mapping[str, Any]) -> Any:
    """The new value of a field. A scalar that is there keeps its type, and is emptied by a mapping or list."""
    if delimiter := options.get("delimiter"):
        value = _with_part(old, text_of(value), delimiter, options.get("index") or 0)
    if isinstance(old, dict | list) or (old is _ABSENT and isinstance(value, dict | list)):
        return value
    text = text_of(value)
    if isinstance(old, str):
        return text
    resolved = resolve_value(text)
    if old is _ABSENT or type(resolved) is type(old) or (isinstance(old, float) and type(resolved) is int):
        return resolved
    raise RefusedError("a replacement puts a value of another type where a number, truth value or null is")


def _with_part(old: Any, text: str, delimiter: str, index: int) -> str:
    """A text with one of its parts replaced, or with one more at its beginning or end."""
    if isinstance(old, dict | list):
        raise RefusedError("a replacement cuts something that is not a text")
    parts = text_of(None if old is _ABSENT else old).split(delimiter)
    if index < 0:
        parts = [text, *parts]
    elif index >= len(parts):
        parts = [*parts, text]
    else:
        parts[index] = text
    return delimiter.join(parts)


def _is_list_step(step: str) -> bool:
    return _item_pair(step) is not None or step == "-" or _INDEX.fullmatch(step) is not None


def _item_pair(step: str) -> tuple[str, str] | None:
    """The key and value of a step such as `[name=web]`, which names an item of a list."""
    if not (step.startswith("[") and step.endswith("]")):
        return None
    key, equals, value = step[1:-1].partition("=")
    return (key, value) if equals else None


def _is_item(item: Any, key: str, value: str) -> bool:
    if not key:
        return not isinstance(item, dict | list) and text_of(item) == value
    return isinstance(item, dict) and key in item and matches_whole(value, text_of(item[key]))


def split_field_path(path: str) -> list[str]:
    """The steps of a field path: dots divide them, but for those in brackets and those after a backslash.

    Raises:
        RefusedError: there are too many.
    """
    steps: list[str] = []
    step, depth, escaped = "", 0, False
    for character in path:
        if escaped or character not in ".[]\\" or (character == "." and depth):
            step, escaped = step + ("\\" if escaped and character != "." else "") + character, False
        elif character == "\\":
            escaped = True
        elif character == ".":
            steps, step = [*steps, step] if step else steps, ""
        else:
            depth = max(0, depth + (1 if character == "[" else -1))
            step += character
    steps = [*steps, step] if step else steps
    if len(steps) > MAX_PATCH_DEPTH:
        raise RefusedError("a field path has too many steps")
    return steps
