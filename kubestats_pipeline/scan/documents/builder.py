"""Values straight from libyaml's events: faster than PyYAML's loader, and bounded.

Nodes and depth are counted as they come, so that an alias bomb costs no more than its file. On the way it is noted
which lines of a document could be decoded alone.
"""

from typing import Any

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from kubestats_pipeline.scan.documents.document import (
    CHARACTERS_PER_NODE,
    VERSION_KEYS,
    Anchor,
    Block,
    Bounds,
    Decoded,
    DecodeError,
)
from kubestats_pipeline.scan.documents.scalars import (
    ScalarError,
    resolve_key,
    resolve_plain,
    resolve_tagged,
    resolve_value,
    to_json,
    to_key,
)

MAX_KEY = 1024
"""Characters of a mapping key. YAML bounds keys so already, unless a question mark announces them."""

COLLECTIONS = frozenset({MappingStartEvent, SequenceStartEvent})
"""Events that begin a mapping or a list."""

_MERGE_TAG = "tag:yaml.org,2002:merge"
_OPEN = object()


class Builder:
    """Builds the value of one document at a time from the parser's events."""

    def __init__(self, parser: Any, bounds: Bounds, first_line: int, *, with_blocks: bool) -> None:
        self._next = parser.get_event
        self._first_line = first_line
        self._max_nodes = bounds.max_nodes
        self._max_depth = bounds.max_depth
        self._with_blocks = with_blocks
        self._reset()

    def _reset(self) -> None:
        self._nodes = 0
        self._deepest = 0
        self._anchors: dict[str, Anchor] = {}
        self._defined: list[Anchor] = []
        self._written: dict[int, dict[str, str]] = {}
        self._place: list[str | int] = []
        self._blocks: list[Block] = []
        self._last: Any = None
        self._first: Any = None
        self._entries: dict[int, str] = {}
        self._entries_of: dict[int, dict[int, str]] = {}
        self._merges_others = False

    def build(self, line: int) -> Decoded:
        """The document that begins on a line."""
        self._reset()
        opening = self._next()
        content = self._nested(opening, 0, -1) if type(opening) in COLLECTIONS else self._value(opening, 0)
        first_line = self._line(opening)
        return Decoded(content, line, self._nodes, self._written, self._blocks, self._defined, first_line)

    def build_block(self, opening: Any, block: Block, document: Decoded) -> Decoded | None:
        """Another value for a block of a document, which begins with an event; None where it cannot be one.

        Its anchors are those that are defined in it.
        """
        first, _ = block.anchors
        self._place += block.place
        self._defined += document.anchors[:first]
        self._anchors |= {each.name: each for each in self._defined}
        content = self._nested(opening, len(block.place), -1)
        if self._merges_others or not self._blocks or self._blocks[-1].place != block.place:
            return None
        return Decoded(content, block.start, self._nodes, self._written, self._blocks, self._defined[first:])

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return to_json(self._alias(event, depth))  # the anchor may stand on a key, where 2.0 is still a float
        if event.anchor is None:
            return self._collection(event, depth)
        nodes, deepest, blocks = self._nodes, self._deepest, len(self._blocks)
        opened = self._define(Anchor(event.anchor, _OPEN))
        self._deepest = depth
        value = self._collection(event, depth)
        self._blocks[blocks:] = [block._replace(is_separable=False) for block in self._blocks[blocks:] if block.entries]
        if self._anchors[event.anchor] is opened:  # else defined again inside: what began last is meant from here on
            self._define(Anchor(event.anchor, value, self._nodes - nodes, self._deepest - depth))
        self._deepest = max(deepest, self._deepest)
        return value

    def _define(self, anchor: Anchor) -> Anchor:
        self._anchors[anchor.name] = anchor
        self._defined.append(anchor)
        return anchor

    def _nested(self, event: Any, depth: int, column: int) -> Any:
        """The collection at the current place, which is a block if it is indented further than `column`."""
        nodes, defined = self._nodes, len(self._defined)
        value = self._value(event, depth)
        if self._with_blocks and event.tag is None and not event.flow_style:
            is_separable = depth > 0 and event.anchor is None
            start, end = event.start_mark if is_separable else self._first, self._last.start_mark
            if start.column > column and (is_separable or self._entries):
                place, nodes, inside = tuple(self._place), self._nodes - nodes, (defined, len(self._defined))
                lines = (self._first_line + start.line, self._first_line + end.line)
                self._blocks.append(Block(place, *lines, start.column, nodes, inside, self._entries, is_separable))
        return value

    def _collection(self, event: Any, depth: int) -> Any:
        self._count(1, event)
        self._descend(depth + 1, event)
        if type(event) is MappingStartEvent:
            return self._mapping(depth + 1)
        return self._sequence(depth + 1, event.start_mark.column)

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
            self._define(Anchor(event.anchor, value, nodes, text=text))
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        anchor = self._anchors.get(event.anchor)
        if anchor is None or anchor.value is _OPEN:
            raise DecodeError("syntax", "an alias names an anchor that is not defined before it", self._line(event))
        self._count(anchor.nodes, event)
        self._descend(depth + anchor.height, event)
        return anchor.value

    def _sequence(self, depth: int, column: int) -> list[Any]:
        items: list[Any] = []
        following = self._next
        self._place.append(0)
        try:
            while type(event := following()) is not SequenceEndEvent:
                if type(event) in COLLECTIONS:
                    self._place[-1] = len(items)
                    items.append(self._nested(event, depth, column))
                else:
                    items.append(self._value(event, depth))
        except ScalarError as error:
            raise DecodeError("syntax", str(error), self._line(event)) from None
        self._place.pop()
        self._last, self._entries, self._first = event, {}, event.start_mark
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        self._written.pop(id(mapping), None)  # a mapping that a duplicate key overwrote may have had the same id
        following = self._next
        blocks, is_overwritten = len(self._blocks), False
        entries: dict[int, str] = {}
        with_blocks, first = self._with_blocks, None
        try:
            while type(event := following()) is not MappingEndEvent:
                first = first or event.start_mark
                if type(event) is ScalarEvent and event.value == "<<" and _is_merge(event):
                    is_overwritten = True
                    self._merge(mapping, self._value(following(), depth))
                    continue
                name, key = event, self._key(event, depth)
                is_overwritten, event = is_overwritten or key in mapping, following()
                if type(event) in COLLECTIONS:
                    self._place.append(key)
                    value = mapping[key] = self._nested(event, depth, name.start_mark.column)
                    self._place.pop()
                else:
                    value = mapping[key] = self._value(event, depth)
                    if with_blocks and (line := name.start_mark.line) == event.end_mark.line:
                        entries[line - first.line] = key
                if key in VERSION_KEYS:
                    self._keep_written(mapping, key, value, event)
        except ScalarError as error:
            raise DecodeError("syntax", str(error), self._line(event)) from None
        if is_overwritten:
            del self._blocks[blocks:]
            entries = {}
        self._last, self._first, self._entries = event, first or event.start_mark, entries
        if with_blocks:
            self._entries_of[id(mapping)] = entries
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
            self._define(Anchor(event.anchor, value, nodes, text=event.value))
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
            self._lock_entries(each)
            written = self._written.get(id(mapping), {})
            for key in written.keys() & each.keys():
                del written[key]
            if id(each) in self._written:
                self._written.setdefault(id(mapping), {}).update(self._written[id(each)])

    def _lock_entries(self, source: dict[str, Any]) -> None:
        """Let nobody put other scalars into a mapping of which others hold copies."""
        if id(source) in self._entries_of:
            self._entries_of[id(source)].clear()
        else:
            self._merges_others = True


def _is_merge(event: Any) -> bool:
    """Whether a key `<<` is a merge: not a quoted one, and not one with another tag."""
    return bool((event.implicit[0] and event.tag is None) or event.tag == _MERGE_TAG)
