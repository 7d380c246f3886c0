"""Plain documents, read by their lines: several times as fast as by libyaml's events, for the YAML of most files.

A line that holds a key or an item, and a value that ends on it, means the same wherever it stands. So each line is
understood once (`line.py`), and documents are put together of lines here. A file that holds anything else, such as a
merge, a tag or a repeated key, is left to `stream.py`, and so are all errors.
"""

import re
from collections.abc import Iterator
from itertools import chain
from operator import length_hint
from typing import Any

from kubestats_pipeline.scan.documents.document import VERSION_KEYS, Anchor, Bounds, Decoded
from kubestats_pipeline.scan.documents.line import END, MARKER, NotPlainError, PlainLine, nodes_of, read_line
from kubestats_pipeline.scan.documents.scalars import ScalarError, to_key

_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\n"
_ODD = re.compile("[^\n -~\xa1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""A character that YAML forbids, or that may be a blank, a line break or a mark of the byte order to it."""
_BREAKS = re.compile(r"\n(\n*)")


def decode_plain(text: bytes, bounds: Bounds, first_line: int = 1) -> list[Decoded] | None:
    """The documents of a text, as `decode_stream` gives them but without anchors, or None if it is not plain.

    Args:
        text: UTF-8 that ends in a line break.
        bounds: size limits.
        first_line: the number of the text's first line.
    """
    if text.isascii():
        if text.translate(None, _PRINTABLE):
            return None
        decoded = text.decode("ascii")
    else:
        decoded = text.decode()
        if _ODD.search(decoded):
            return None
    try:
        return list(_Documents(decoded.removesuffix("\n").split("\n"), bounds, first_line).read())
    except (NotPlainError, ScalarError):
        return None


class _Documents:
    """Puts documents together of lines.

    Values are built by recursion. `_line` is the first line after the value that was completed last.
    """

    def __init__(self, lines: list[str], bounds: Bounds, first_line: int) -> None:
        self._max_nodes, self._max_depth = bounds.max_nodes, bounds.max_depth
        self._end = first_line + len(lines) - 1
        self._texts = iter(lines)
        self._next = filter(None, chain(map(read_line, self._texts), (END,))).__next__
        self._line: PlainLine = self._next()
        self._reset()

    def _reset(self) -> None:
        self._nodes = 0
        self._written: dict[int, dict[str, str]] = {}
        self._merged: dict[int, set[str]] = {}
        self._anchors: dict[str, Anchor] = {}

    @property
    def _number(self) -> int:
        """The number of the current line."""
        return self._end - length_hint(self._texts)

    def read(self) -> Iterator[Decoded]:
        """Read all documents, of which each must have content.

        Raises:
            NotPlainError: libyaml must read them.
            ScalarError: the same, because there is an error in them.
        """
        while self._line is not END:
            number = self._number
            if self._line is MARKER:
                self._line = self._next()
            if self._line.column != 0:
                raise NotPlainError
            self._reset()
            first = self._number
            content = self._collection(self._line, 1)
            if self._line.form != "end" or self._nodes > self._max_nodes:
                raise NotPlainError
            yield Decoded(content, number, self._nodes, self._written, first_line=first)

    def _collection(self, line: PlainLine, depth: int) -> Any:
        return self._sequence(line, depth) if line.is_item else self._mapping(line, depth)

    def _mapping(self, line: PlainLine, depth: int) -> dict[str, Any]:
        if depth > self._max_depth:
            raise NotPlainError
        mapping: dict[str, Any] = {}
        following, column, nodes = self._next, line.inner, 1
        while True:
            key = line.key or self._referred_key(line)
            if key in mapping:
                self._overwrite(mapping, key)
            nodes += line.nodes
            if line.form == "merge":
                self._merge(mapping, line, depth)
                line = self._line
            elif line.form == "scalar":
                mapping[key] = line.value
                if line.text is not None:
                    self._written.setdefault(id(mapping), {})[key] = line.text
                line = following()
            elif line.form == "open":
                line = following()
                if line.column > column or (line.is_item and line.column == column):
                    mapping[key] = self._sequence(line, depth + 1) if line.is_item else self._mapping(line, depth + 1)
                    line = self._line
                else:
                    mapping[key] = None
                    nodes += 1
            else:
                mapping[key] = self._value(line, depth)
                if key in VERSION_KEYS:
                    self._keep_written(mapping, key, line)
                line = self._line
            if line.column != column or line.is_item:
                break
        self._nodes += nodes
        self._line = line
        return mapping

    def _merge(self, mapping: dict[str, Any], line: PlainLine, depth: int) -> None:
        """Merge a mapping that has no key of this one: other merges are not read alike by all readers."""
        merged = self._alias(line.value, depth)
        if not isinstance(merged, dict) or not merged.keys().isdisjoint(mapping) or id(mapping) in self._merged:
            raise NotPlainError
        self._merged[id(mapping)] = set(merged)
        mapping.update(merged)
        if id(merged) in self._written:
            self._written.setdefault(id(mapping), {}).update(self._written[id(merged)])
        self._line = self._next()

    def _overwrite(self, mapping: dict[str, Any], key: str) -> None:
        """Let a key take the place of a merged one. A key that is set twice is not read alike by all readers."""
        merged = self._merged.get(id(mapping), ())
        if key not in merged:
            raise NotPlainError
        self._merged[id(mapping)].remove(key)
        self._written.get(id(mapping), {}).pop(key, None)

    def _sequence(self, line: PlainLine, depth: int) -> list[Any]:
        if depth > self._max_depth:
            raise NotPlainError
        items: list[Any] = []
        following, column, nodes = self._next, line.column, 1
        while line.is_item and line.column == column:
            if line.key:
                items.append(self._mapping(line, depth + 1))
                line = self._line
                continue
            nodes += line.nodes
            if line.form == "scalar":
                items.append(line.value)
                line = following()
            else:
                items.append(self._value(line, depth))
                line = self._line
        self._nodes += nodes
        self._line = line
        return items

    def _value(self, line: PlainLine, depth: int) -> Any:
        """The value of a line that is more than a scalar. Its lines are passed over."""
        if line.form in ("literal", "folded"):
            return self._block_text(line)
        self._line = self._next()
        if line.form == "alias":
            return self._alias(line.value, depth)
        if line.form == "aliases":
            if depth + 1 > self._max_depth:
                raise NotPlainError
            return [self._alias(name, depth + 1) for name in line.value]
        if line.form == "flow":
            if depth + _height(line.value) > self._max_depth:
                raise NotPlainError
            return _copy(line.value)
        if line.form == "anchored":
            return self._define(line, line.value, nodes_of(line.text or ""))
        return self._below(line, depth)

    def _below(self, line: PlainLine, depth: int) -> Any:
        """The value on the lines below a line: what stands further to the right, or null."""
        following = self._line
        if following.column < line.inner or (following.column == line.inner and not (line.key and following.is_item)):
            if line.anchor is not None:
                raise NotPlainError
            self._nodes += 1
            return None
        if line.anchor is not None:
            self._anchors.pop(line.anchor, None)
        before = self._nodes
        value = self._collection(following, depth + 1)
        if line.anchor in self._anchors:  # the name was defined again inside, which wins
            return value
        return self._define(line, value, self._nodes - before)

    def _define(self, line: PlainLine, value: Any, nodes: int) -> Any:
        """The same value, which aliases can repeat if it has an anchor."""
        if line.anchor is not None:
            self._anchors[line.anchor] = Anchor(line.anchor, value, nodes, text=line.text)
        return value

    def _alias(self, name: str, depth: int) -> Any:
        anchor = self._anchors.get(name)
        if anchor is None or depth + _height(anchor.value) > self._max_depth:
            raise NotPlainError
        self._nodes += anchor.nodes
        return anchor.value

    def _referred_key(self, line: PlainLine) -> str:
        key = self._alias(line.referred_key, 0)
        if isinstance(key, dict | list) or key in VERSION_KEYS:
            raise NotPlainError
        return to_key(key)

    def _keep_written(self, mapping: dict[str, Any], key: str, line: PlainLine) -> None:
        text = self._anchors[line.value].text if line.form == "alias" else line.text
        if text is not None and type(mapping[key]) in (int, float):
            self._written.setdefault(id(mapping), {})[key] = text

    def _block_text(self, line: PlainLine) -> str:
        """A literal or folded text, whose first line that is not empty gives its indentation."""
        lines: list[str] = []
        column, following = 0, None
        for text in self._texts:
            bare = text.lstrip(" ")
            indent = len(text) - len(bare)
            if not column and text:
                if not bare or indent <= line.inner:
                    raise NotPlainError
                column = indent
            elif bare and indent < column:
                following = read_line(text)
                break
            lines.append(text[column:])
        self._line = following or self._next()
        text = "\n".join(lines).rstrip("\n")
        if line.form == "folded":
            text = _folded(text)
        if not text:
            raise NotPlainError
        text = f"{text}{line.value}"
        nodes = nodes_of(text)
        self._nodes += nodes
        self._define(line, text, nodes)
        return text


def _folded(text: str) -> str:
    """A folded text, whose paragraphs become lines."""
    if text.startswith((" ", "\n")) or "\n " in text:  # it has indented lines, which are not folded
        raise NotPlainError
    return _BREAKS.sub(lambda match: match[1] or " ", text)


def _height(value: Any) -> int:
    """The number of levels that a value is nested."""
    if isinstance(value, dict):
        return 1 + max(map(_height, value.values()), default=0)
    return 1 + max(map(_height, value), default=0) if isinstance(value, list) else 0


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
