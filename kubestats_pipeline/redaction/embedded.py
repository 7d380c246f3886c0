"""YAML and JSON inside texts: read with the place of every scalar, and written back with some of them replaced.

Only the spans of changed scalars are touched, so that the rest of a text stays as its author wrote it. Reading is
bounded. A text that is too large, too deep or not YAML is left to the rules for lines.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from kubestats_pipeline.redaction.patterns import replace_spans
from kubestats_pipeline.redaction.secrets import ENCRYPTED, REDACTED

LONGEST, MOST_NODES, DEEPEST = 500_000, 50_000, 50
"""Characters, values and nesting of a text that is read, those behind aliases counted wherever they are used.

libyaml is quadratic in the nesting of flow collections.
"""

_CONTROL = re.compile(r"(?m)^[ \t]*(?:\{\{[^{}\n]*\}\}[ \t]*)+$")
_EXPRESSION = re.compile(r"\{\{[^{}\n]*\}\}")
"""Lines and values of a template. Both patterns are linear, since a brace ends each try."""
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")
_REFERRING_TAGS = frozenset({"secret", "env", "env_var"})
"""Tags of values that only name a secret: `!secret wifi_password`."""
_WHOLLY = (REDACTED, ENCRYPTED)
"""Of two values for one place, which an alias may bring, these are kept."""
_PLAIN = {"true": True, "false": False, "null": None, "~": None, "": None}


class Scalar(NamedTuple):
    """Where a scalar stands: `style` is its quotation mark or block sign, empty for none."""

    start: int
    end: int
    style: str
    in_flow: bool


class Embedded(NamedTuple):
    """The content of a text.

    Attributes:
        content: a list of documents, of plain values.
        places: of the same form, with a `Scalar` for each scalar that is not a key.
        scalars: the spans of all scalars, keys too, in their order.
    """

    content: list[Any]
    places: list[Any]
    scalars: list[tuple[int, int]]


class _Anchored(NamedTuple):
    """The values at an anchor and their places, how many they are and how deep."""

    content: Any
    place: Any
    nodes: int
    height: int


class _UnreadableError(Exception):
    """The text is not YAML, or more of it than is read."""


def read_embedded(text: str) -> Embedded | None:
    """The mappings and lists in a text, values of templates as written, or None where there are none to read."""
    if len(text) > LONGEST or text.count("\n%") > 10:
        return None
    found = _read(text, text)
    if found is None and "{{" in text:
        found = _read(_without_templates(text), text)
    return found if found and any(isinstance(each, dict | list) for each in found.content) else None


def _read(readable: str, written: str) -> Embedded | None:
    parser: Any = None
    try:
        parser = CParser(readable)
        return _Reader(parser, readable, written).read()
    except (_UnreadableError, yaml.YAMLError, UnicodeError, ValueError):
        return None
    finally:
        if parser is not None:
            parser.dispose()


def _without_templates(text: str) -> str:
    """A text of the same length in which template lines are comments and template values are words."""
    text = _CONTROL.sub(lambda match: "#" * len(match[0]), text)
    return _EXPRESSION.sub(lambda match: "x" * len(match[0]), text)


class _Reader:
    """Turns the parser's events into values and their places."""

    def __init__(self, parser: Any, readable: str, written: str) -> None:
        self._next = parser.get_event
        self._readable, self._written = readable, written
        self._scalars: list[tuple[int, int]] = []
        self._anchors: dict[str, _Anchored] = {}
        self._nodes, self._deepest = 0, 0

    def read(self) -> Embedded:
        contents, places = [], []
        while type(event := self._next()) is not StreamEndEvent:
            if type(event) in (StreamStartEvent, DocumentStartEvent, DocumentEndEvent):
                continue
            content, place = self._node(event, 0, in_flow=False)
            contents.append(content)
            places.append(place)
        return Embedded(contents, places, self._scalars)

    def _node(self, event: Any, depth: int, *, in_flow: bool) -> tuple[Any, Any]:
        if type(event) is AliasEvent:
            return self._alias(event.anchor, depth)
        if not event.anchor:
            return self._value_of(event, depth, in_flow)
        nodes, deepest, self._deepest = self._nodes, self._deepest, depth
        found = self._value_of(event, depth, in_flow)
        self._anchors[event.anchor] = _Anchored(*found, self._nodes - nodes, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return found

    def _value_of(self, event: Any, depth: int, in_flow: bool) -> tuple[Any, Any]:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event, in_flow)
        self._count(1, depth + 1)
        if kind is MappingStartEvent:
            return self._mapping(depth + 1, in_flow=bool(event.flow_style))
        if kind is SequenceStartEvent:
            return self._sequence(depth + 1, in_flow=bool(event.flow_style))
        raise _UnreadableError

    def _alias(self, anchor: str | None, depth: int) -> tuple[Any, Any]:
        """The values behind an alias, with the same places: they are withheld where one of their names says so."""
        found = self._anchors.get(anchor or "")
        if found is None:
            return None, None
        self._count(found.nodes, depth + found.height)
        return found.content, found.place

    def _count(self, nodes: int, depth: int) -> None:
        self._nodes += nodes
        self._deepest = max(self._deepest, depth)
        if self._nodes > MOST_NODES or depth > DEEPEST:
            raise _UnreadableError

    def _mapping(self, depth: int, *, in_flow: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        content: dict[str, Any] = {}
        places: dict[str, Any] = {}
        while type(event := self._next()) is not MappingEndEvent:
            if type(event) is not ScalarEvent or event.value in content:
                raise _UnreadableError
            self._scalar(event, in_flow)
            content[event.value], places[event.value] = self._node(self._next(), depth, in_flow=in_flow)
        return content, places

    def _sequence(self, depth: int, *, in_flow: bool) -> tuple[list[Any], list[Any]]:
        content, places = [], []
        while type(event := self._next()) is not SequenceEndEvent:
            item, place = self._node(event, depth, in_flow=in_flow)
            content.append(item)
            places.append(place)
        return content, places

    def _scalar(self, event: Any, in_flow: bool) -> tuple[Any, Scalar]:
        start, end, style = event.start_mark.index, event.end_mark.index, event.style or ""
        if event.anchor or event.tag:
            match = _PROPERTIES.match(self._readable, start, end)
            start = match.end() if match else start
        self._scalars.append((start, end))
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _UnreadableError
        return self._value(event, start, end, style), Scalar(start, end, style, in_flow)

    def _value(self, event: Any, start: int, end: int, style: str) -> Any:
        written = self._written[start:end].strip()
        if self._readable is not self._written and self._readable[start:end].strip() != written:
            return event.value if "\n" in written else written.strip("\"'")
        if event.tag and event.tag[1:].lower() in _REFERRING_TAGS:
            return None
        return event.value if style else _PLAIN.get(event.value.lower(), event.value)


def write_embedded(text: str, embedded: Embedded, redacted: list[Any], comment: Callable[[str], str]) -> str:
    """A text with every scalar replaced that redaction has changed, and its comments as a function gives them."""
    spans: dict[int, tuple[int, int, str]] = {}
    _collect(text, embedded.content, embedded.places, redacted, spans)
    if "#" in text:
        for start, end in _comments(text, embedded.scalars):
            spans[start] = (start, end, comment(text[start:end]))
    return replace_spans(text, iter(sorted(spans.values())))


def _comments(text: str, scalars: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans of comments: what follows a hash between two scalars, to the end of the line."""
    ends = [0, *(end for _, end in scalars)]
    starts = [*(start for start, _ in scalars), len(text)]
    for at, until in zip(ends, starts, strict=True):
        while (start := text.find("#", at, until)) >= 0:
            end = text.find("\n", start, until)
            at = end if end >= 0 else until
            yield start, at


def _collect(text: str, before: Any, places: Any, after: Any, spans: dict[int, tuple[int, int, str]]) -> None:
    if isinstance(places, dict):
        changed = after if isinstance(after, dict) else dict.fromkeys(places, after)
        for (key, place), value in zip(places.items(), changed.values(), strict=True):
            _collect(text, before[key], place, value, spans)
    elif isinstance(places, list):
        items = after if isinstance(after, list) else [after] * len(places)
        for one, place, other in zip(before, places, items, strict=True):
            _collect(text, one, place, other, spans)
    elif isinstance(places, Scalar) and before != after and (after in _WHOLLY or places.start not in spans):
        spans[places.start] = (places.start, places.end, _written(text, places, str(after)))


def _written(text: str, scalar: Scalar, value: str) -> str:
    """A text in the style of the scalar that it replaces."""
    raw = text[scalar.start : scalar.end]
    if scalar.style == "|":
        return _as_block(raw, value)
    if scalar.style == ">":
        return f"{json.dumps(value, ensure_ascii=False)}\n"
    if scalar.style == '"' or scalar.in_flow or "\n" in value or ": " in value or " #" in value:
        return json.dumps(value, ensure_ascii=False)
    if scalar.style == "'" or (not value[:1].isalnum() and not value.startswith("<")):
        return "'" + value.replace("'", "''") + "'"
    return value


def _as_block(raw: str, value: str) -> str:
    header, _, body = raw.partition("\n")
    first = next((line for line in body.split("\n") if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" "))] or "  "
    lines = [f"{indent}{line}" if line else "" for line in value.removesuffix("\n").split("\n")]
    tail = body[len(body.rstrip("\n")) :]
    return "\n".join([header, *lines]) + (tail or "\n")
