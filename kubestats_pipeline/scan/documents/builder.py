"""Builder of values from libyaml's events: faster than PyYAML's loader, and bounded.

Nodes and depth are counted during the parse, with aliases expanded, so that an alias bomb costs no more than its file.
The builder also records the blocks of a document: lines that `manifests/incremental.py` can decode alone later.
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
"""Characters of a mapping key. YAML has the same bound, except for keys after a question mark."""

COLLECTIONS = frozenset({MappingStartEvent, SequenceStartEvent})
"""Events that begin a mapping or a list."""

_MERGE_TAG = "tag:yaml.org,2002:merge"
_OPEN = object()
"""The value of an anchor whose collection is not complete yet."""


class Builder:
    """Builds the value of one document at a time from the parser's events.

    Values are built by recursion. `_place` is the path from the document to the current value, and `_first`, `_last`
    and `_entries` describe the collection that was completed last, for the block that `_nested` makes of it.
    """

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
        self._repeated_keys = 0

    def build(self, line: int) -> Decoded:
        """Build the document that begins on a line."""
        self._reset()
        opening = self._next()
        content = self._nested(opening, 0, -1) if type(opening) in COLLECTIONS else self._value(opening, 0)
        return self._decoded(content, line, self._defined, first_line=self._line(opening))

    def build_block(self, opening: Any, block: Block, document: Decoded) -> Decoded | None:
        """Build a new value for a block of a document, from an event that begins a collection.

        The anchors of the result are those that are defined in it. None is returned if the lines are not such a block.
        """
        first, _ = block.anchors
        self._place += block.place
        # Aliases in the block may refer to every anchor that the document defines before it.
        self._defined += document.anchors[:first]
        self._anchors |= {anchor.name: anchor for anchor in self._defined}
        content = self._nested(opening, len(block.place), -1)
        # A merge of a mapping outside would have to lock entries of that one, so it cannot be decoded alone.
        if self._merges_others or not self._blocks or self._blocks[-1].place != block.place:
            return None
        return self._decoded(content, block.start, self._defined[first:])

    def _decoded(self, content: Any, line: int, anchors: list[Anchor], first_line: int = 0) -> Decoded:
        counted = self._nodes, self._written, self._blocks, anchors, first_line, self._repeated_keys
        return Decoded(content, line, *counted)

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return to_json(self._alias(event, depth))  # the anchor may be on a key, where 2.0 is still a float
        if event.anchor is None:
            return self._collection(event, depth)
        nodes, deepest, blocks = self._nodes, self._deepest, len(self._blocks)
        opened = self._define(Anchor(event.anchor, _OPEN))
        # From here on `_deepest` measures this value alone, because its height counts again at every alias.
        self._deepest = depth
        value = self._collection(event, depth)
        # Aliases share the value, so its lines cannot be decoded alone, but scalars in it can be replaced for all.
        self._blocks[blocks:] = [block._replace(is_separable=False) for block in self._blocks[blocks:] if block.entries]
        if self._anchors[event.anchor] is opened:  # otherwise the name was defined again inside, which wins
            self._define(Anchor(event.anchor, value, self._nodes - nodes, self._deepest - depth))
        self._deepest = max(deepest, self._deepest)
        return value

    def _define(self, anchor: Anchor) -> Anchor:
        self._anchors[anchor.name] = anchor
        self._defined.append(anchor)
        return anchor

    def _nested(self, event: Any, depth: int, column: int) -> Any:
        """Build the collection at the current place, and record it as a block if it is indented more than `column`."""
        if not self._with_blocks:
            return self._collection(event, depth) if event.anchor is None else self._value(event, depth)
        nodes, repeated, defined = self._nodes, self._repeated_keys, len(self._defined)
        value = self._value(event, depth)
        if event.tag is None and not event.flow_style:
            # The event of a value with an anchor has the mark of the anchor, so its block begins at its first member.
            is_separable = depth > 0 and event.anchor is None
            start, end = event.start_mark if is_separable else self._first, self._last.start_mark
            if start.column > column and (is_separable or self._entries):
                block = Block(
                    place=tuple(self._place),
                    start=self._first_line + start.line,
                    end=self._first_line + end.line,
                    column=start.column,
                    nodes=self._nodes - nodes,
                    anchors=(defined, len(self._defined)),
                    entries=self._entries,
                    is_separable=is_separable,
                    repeated_keys=self._repeated_keys - repeated,
                )
                self._blocks.append(block)
        return value

    def _collection(self, event: Any, depth: int) -> Any:
        depth += 1
        self._nodes += 1
        if self._nodes > self._max_nodes:
            self._count(0, event)
        if depth > self._deepest:
            self._descend(depth, event)
        return self._mapping(depth) if type(event) is MappingStartEvent else self._sequence(depth, event)

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            message = f"more than {self._max_nodes} nodes with its aliases expanded"
            raise DecodeError("too_complex", message, self._line(event))

    def _descend(self, depth: int, event: Any) -> None:
        if depth > self._max_depth:
            message = f"nested deeper than {self._max_depth} levels with its aliases expanded"
            raise DecodeError("too_complex", message, self._line(event))
        self._deepest = max(depth, self._deepest)

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

    def _sequence(self, depth: int, opening: Any) -> list[Any]:
        items: list[Any] = []
        following, column = self._next, opening.start_mark.column
        self._place.append(0)
        try:
            while type(event := following()) is not SequenceEndEvent:
                if type(event) is ScalarEvent:
                    items.append(self._scalar(event))
                elif type(event) in COLLECTIONS:
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
        self._written.pop(id(mapping), None)  # an overwritten mapping, which is freed, may have had the same id
        following = self._next
        blocks, is_overwritten = len(self._blocks), False
        merged: set[str] | None = None
        entries: dict[int, str] = {}
        with_blocks, first = self._with_blocks, None
        try:
            while type(event := following()) is not MappingEndEvent:
                first = first or event.start_mark
                if type(event) is ScalarEvent and event.value == "<<" and _is_merge(event):
                    is_overwritten = True
                    merged = self._merge_apart(mapping, merged, self._value(following(), depth))
                    continue
                name, key = event, self._key(event, depth)
                if key in mapping:
                    is_overwritten = True
                    if merged and key in merged:
                        merged.remove(key)
                    else:
                        self._repeated_keys += 1
                event = following()
                if (kind := type(event)) in COLLECTIONS:
                    self._place.append(key)
                    value = mapping[key] = self._nested(event, depth, name.start_mark.column)
                    self._place.pop()
                else:
                    value = mapping[key] = self._scalar(event) if kind is ScalarEvent else self._value(event, depth)
                    if with_blocks and (line := name.start_mark.line) == event.end_mark.line:
                        entries[line - first.line] = key
                if key in VERSION_KEYS:
                    self._keep_written(mapping, key, value, event)
        except ScalarError as error:
            raise DecodeError("syntax", str(error), self._line(event)) from None
        if is_overwritten:
            # A value may come from another line now, so an edit of one line would not change what it seems to change.
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
            is_bare = event.anchor is None and event.tag is None
            if is_bare and len(text) < CHARACTERS_PER_NODE:  # nearly all keys
                self._nodes += 1
                if self._nodes > self._max_nodes:
                    self._count(0, event)
                return resolve_key(text) if event.implicit[0] else text
            nodes = 1 + len(text) // CHARACTERS_PER_NODE
            self._count(nodes, event)
            if is_bare:
                key = to_key(resolve_plain(text)) if event.implicit[0] else text
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
        raise DecodeError("syntax", "a mapping key is not a scalar", self._line(event))

    def _merge_apart(self, mapping: dict[str, Any], merged: set[str] | None, source: Any) -> set[str]:
        """Merge `<<`, and return all merged keys. A merge that not all readers read alike is a repeated key."""
        explicit = mapping.keys() - (merged or ())
        self._merge(mapping, source)
        keys = {key for each in (source if isinstance(source, list) else [source]) for key in each}
        self._repeated_keys += len(explicit & keys) + (merged is not None)
        return keys.union(merged or ())

    def _merge(self, mapping: dict[str, Any], source: Any) -> None:
        """Merge `<<`, as go-yaml does: earlier sources of a list win, and keys after the merge overwrite it."""
        sources = source if isinstance(source, list) else [source]
        if not all(isinstance(merged, dict) for merged in sources):
            raise ScalarError("a merge key needs a mapping or a list of mappings")
        for merged in reversed(sources):
            mapping.update(merged)
            self._lock_entries(merged)
            written = self._written.get(id(mapping), {})
            for key in written.keys() & merged.keys():
                del written[key]
            if id(merged) in self._written:
                self._written.setdefault(id(mapping), {}).update(self._written[id(merged)])

    def _lock_entries(self, source: dict[str, Any]) -> None:
        """Forbid the replacement of scalars in a mapping, because others hold copies of them."""
        if id(source) in self._entries_of:
            self._entries_of[id(source)].clear()
        else:
            self._merges_others = True


def _is_merge(event: Any) -> bool:
    """True if a key `<<` is a merge. A quoted one and one with another tag are not."""
    return bool((event.implicit[0] and event.tag is None) or event.tag == _MERGE_TAG)
