"""One YAML stream to plain Python documents, exactly as Kubernetes decodes it, within bounds.

Values are built straight from libyaml's events: faster than PyYAML's loader, and nodes and depth are
counted as they come, so that an alias bomb costs no more than its file. What a scalar means stands in `scalars.py`;
which document is a Kubernetes resource, and what a broken one means for its file, in `documents.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from kubestats_pipeline.scan.scalars import (
    ScalarError,
    resolve_key,
    resolve_plain,
    resolve_tagged,
    resolve_value,
    to_json,
    to_key,
)

VERSION_KEYS = frozenset(
    {
        "version",
        "app.kubernetes.io/version",
        "tag",
        "newTag",
        "digest",
        "semver",
        "ref",
        "branch",
        "targetRevision",
        "appVersion",
        "revision",
        "commit",
    }
)
"""Keys whose scalar is kept as written: `tag: 1.10` is the number 1.1 to Kubernetes, and version 1.10 to its author."""

CHARACTERS_PER_NODE = 20
"""Long texts count as several nodes, so that many aliases of one text are bounded too."""

MAX_KEY = 1024
"""Characters of a mapping key. YAML bounds keys so already, unless a question mark announces them."""

_TOO_DEEP = "exceeded maximum nesting depth"
"""What libyaml says from 0.2.6 on, before it gives the events that `_Builder` would refuse."""

_MERGE_TAG = "tag:yaml.org,2002:merge"
_OPEN = object()


class DecodeError(Exception):
    """A document that Kubernetes would reject, or that passes a bound.

    Attributes:
        problem: syntax, encoding or too_complex.
        line: line in the stream, from 1; None where it is not known.
    """

    def __init__(self, problem: str, message: str, line: int | None) -> None:
        super().__init__(message)
        self.problem = problem
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Bounds:
    """How much of a file is read: bytes of the file, nodes (aliases expanded) and depth of one document."""

    max_bytes: int = 1024 * 1024
    max_nodes: int = 200_000
    max_depth: int = 100


@dataclass(frozen=True, slots=True)
class Decoded:
    """One document of a stream.

    Attributes:
        content: mappings with text keys, lists, text, numbers, booleans, None.
        line: line of its first token, from 1.
        nodes: its nodes, aliases expanded.
        written: for a mapping's `id()`, the text of version-like numbers as they were written.
    """

    content: Any
    line: int
    nodes: int = 0
    written: dict[int, dict[str, str]] = field(default_factory=dict)

    def text(self, mapping: object, key: str) -> str | None:
        """A scalar of `mapping` as its author wrote it; None where it is absent, null, or no scalar."""
        if not isinstance(mapping, dict):
            return None
        value = mapping.get(key)
        if isinstance(value, str):
            return value
        if value is None or isinstance(value, dict | list):
            return None
        return self.written.get(id(mapping), {}).get(key) or to_key(value)


def decode_stream(stream: bytes, bounds: Bounds, first_line: int = 1) -> Iterator[Decoded]:
    """Decode the documents of a stream one after another; empty documents are None.

    Args:
        stream: UTF-8.
        bounds: what is too much.
        first_line: the number of the stream's first line, for messages.

    Raises:
        DecodeError: at the first document that cannot be decoded; the ones before it have been given.
    """
    parser: Any = CParser(stream)
    builder = _Builder(parser, bounds, first_line)
    line = first_line
    try:
        while True:
            event = parser.get_event()
            kind = type(event)
            if kind is DocumentStartEvent:
                line = first_line + event.start_mark.line
                yield builder.build(line)
            elif kind is StreamEndEvent:
                return
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = first_line + mark.line if mark else line
        problem = "too_complex" if error.problem == _TOO_DEEP else "syntax"
        raise DecodeError(problem, error.problem or "no valid YAML", at) from None
    except yaml.reader.ReaderError as error:
        at = first_line + stream.count(b"\n", 0, error.position)
        raise DecodeError("encoding", "holds bytes or control characters that YAML does not allow", at) from None
    except ScalarError as error:
        raise DecodeError("syntax", str(error), line) from None
    finally:
        parser.dispose()


class _Anchor(NamedTuple):
    """What an alias stands for.

    Attributes:
        nodes: what it counts.
        height: how many levels it is nested.
        text: a plain scalar as it was written.
    """

    value: Any
    nodes: int = 0
    height: int = 0
    text: str | None = None


class _Builder:
    """Builds the value of one document at a time from the parser's events."""

    def __init__(self, parser: Any, bounds: Bounds, first_line: int) -> None:
        self._next = parser.get_event
        self._first_line = first_line
        self._max_nodes = bounds.max_nodes
        self._max_depth = bounds.max_depth
        self._reset()

    def _reset(self) -> None:
        self._nodes = 0
        self._deepest = 0
        self._anchors: dict[str, _Anchor] = {}
        self._written: dict[int, dict[str, str]] = {}

    def build(self, line: int) -> Decoded:
        self._reset()
        content = self._value(self._next(), 0)
        return Decoded(content, line, self._nodes, self._written)

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return to_json(self._alias(event, depth))  # the anchor may stand on a key, where 2.0 is still a float
        if event.anchor is None:
            return self._collection(event, depth)
        nodes, deepest = self._nodes, self._deepest
        opened = self._anchors[event.anchor] = _Anchor(_OPEN)
        self._deepest = depth
        value = self._collection(event, depth)
        if self._anchors[event.anchor] is opened:  # else defined again inside: what began last is meant from here on
            self._anchors[event.anchor] = _Anchor(value, self._nodes - nodes, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return value

    def _collection(self, event: Any, depth: int) -> Any:
        self._count(1, event)
        self._descend(depth + 1, event)
        return self._mapping(depth + 1) if type(event) is MappingStartEvent else self._sequence(depth + 1)

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            message = f"more than {self._max_nodes} nodes with its aliases expanded"
            raise DecodeError("too_complex", message, self._line(event))

    def _descend(self, depth: int, event: Any) -> None:
        if depth > self._max_depth:
            message = f"nested deeper than {self._max_depth} levels with its aliases expanded"
            raise DecodeError("too_complex", message, self._line(event))
        if depth > self._deepest:
            self._deepest = depth

    def _line(self, event: Any) -> int:
        return self._first_line + int(event.start_mark.line)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        nodes = 1 + len(text) // CHARACTERS_PER_NODE
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            self._count(0, event)
        if event.tag is not None:
            value = to_json(resolve_tagged(text, event.tag, event.implicit[0]))
        elif event.implicit[0]:
            value = resolve_value(text) if nodes == 1 else to_json(resolve_plain(text))
        else:
            value = text
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, nodes, text=text)
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        anchor = self._anchors.get(event.anchor)
        if anchor is None or anchor.value is _OPEN:
            raise DecodeError("syntax", "an alias names an anchor that is not defined before it", self._line(event))
        self._count(anchor.nodes, event)
        self._descend(depth + anchor.height, event)
        return anchor.value

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        following = self._next
        try:
            while type(event := following()) is not SequenceEndEvent:
                items.append(self._value(event, depth))
        except ScalarError as error:
            raise DecodeError("syntax", str(error), self._line(event)) from None
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        self._written.pop(id(mapping), None)  # a mapping that a duplicate key overwrote may have had the same id
        following = self._next
        try:
            while type(event := following()) is not MappingEndEvent:
                if type(event) is ScalarEvent and event.value == "<<" and _is_merge(event):
                    self._merge(mapping, self._value(following(), depth))
                    continue
                key = self._key(event, depth)
                event = following()
                value = mapping[key] = self._value(event, depth)
                if key in VERSION_KEYS:
                    self._keep_written(mapping, key, value, event)
        except ScalarError as error:
            raise DecodeError("syntax", str(error), self._line(event)) from None
        return mapping

    def _keep_written(self, mapping: dict[str, Any], key: str, value: Any, event: Any) -> None:
        if type(value) in (int, float):
            text: Any = self._anchors[str(event.anchor)].text if type(event) is AliasEvent else event.value
            self._written.setdefault(id(mapping), {})[key] = text
        elif id(mapping) in self._written:
            self._written[id(mapping)].pop(key, None)

    def _key(self, event: Any, depth: int) -> str:
        if type(event) is ScalarEvent:
            text: str = event.value
            nodes = 1 + len(text) // CHARACTERS_PER_NODE
            self._count(nodes, event)
            if event.anchor is None and event.tag is None:
                key = (
                    text if not event.implicit[0] else resolve_key(text) if nodes == 1 else to_key(resolve_plain(text))
                )
            else:
                key = self._marked_key(event, nodes)
        else:
            key = self._referred_key(event, depth)
        if len(key) > MAX_KEY:
            raise DecodeError("too_complex", f"a mapping key of more than {MAX_KEY} characters", self._line(event))
        return key

    def _marked_key(self, event: Any, nodes: int) -> str:
        """A key with an anchor or a tag."""
        resolved = event.implicit[0] or event.tag is not None
        value = resolve_tagged(event.value, event.tag, event.implicit[0]) if resolved else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, nodes, text=event.value)
        return to_key(value)

    def _referred_key(self, event: Any, depth: int) -> str:
        key: Any = self._alias(event, depth) if type(event) is AliasEvent else _OPEN
        if key is None or isinstance(key, str | int | float):
            return to_key(key)
        raise DecodeError("syntax", "a mapping key is no scalar", self._line(event))

    def _merge(self, mapping: dict[str, Any], source: Any) -> None:
        """Merge `<<`: earlier sources of a list win; keys that stand after the merge overwrite it, as in go-yaml."""
        sources = source if isinstance(source, list) else [source]
        if not all(isinstance(each, dict) for each in sources):
            raise ScalarError("a merge key needs a mapping or a list of mappings")
        for each in reversed(sources):
            mapping.update(each)
            written = self._written.get(id(mapping), {})
            for key in written.keys() & each.keys():
                del written[key]
            if id(each) in self._written:
                self._written.setdefault(id(mapping), {}).update(self._written[id(each)])


def _is_merge(event: Any) -> bool:
    """Whether a key `<<` is a merge: not a quoted one, and not one with another tag."""
    return bool((event.implicit[0] and event.tag is None) or event.tag == _MERGE_TAG)
