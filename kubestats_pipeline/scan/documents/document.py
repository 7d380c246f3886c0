"""Data model of a decoded YAML document: blocks, entries, anchors and size limits.

`stream.py` decodes streams into these documents.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kubestats_pipeline.lake.vocabulary import UnreadProblem
from kubestats_pipeline.scan.documents.scalars import resolve_value, to_key

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

Place = tuple[str | int, ...]
"""The keys and list indices that lead from one value to another below it."""

_HARMLESS = r"[A-Za-z0-9_./@:+~^<>=*, -]"
_ENTRY = re.compile(
    rf"( *(?:- +)?)([A-Za-z0-9_./-]+): +(?:([A-Za-z0-9](?:[A-Za-z0-9_./@:+-]*[A-Za-z0-9_./@+-])?)"
    rf"|\"({_HARMLESS}{{0,200}})\"|'({_HARMLESS}{{0,200}})')(?: +#[ -~]*| *)".encode()
)


class DecodeError(Exception):
    """A document that Kubernetes would reject, or that passes a bound.

    Attributes:
        problem: syntax, encoding or too_complex.
        line: line in the stream, from 1, or None if it is not known.
    """

    def __init__(self, problem: UnreadProblem, message: str, line: int | None) -> None:
        super().__init__(message)
        self.problem = problem
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Bounds:
    """Size limits: bytes of a file, and nodes (aliases expanded) and depth of one document."""

    max_bytes: int = 1024 * 1024
    max_nodes: int = 200_000
    max_depth: int = 100


class Block(NamedTuple):
    """Lines of a document that hold a mapping or list in block style, indented further than its parent.

    Blocks that a merge or a second key of the same name overwrites are not recorded.

    Attributes:
        place: of its value in the document.
        start: line of its first token, from 1.
        end: line of the first token after it.
        column: of its first token, from 0. This is its indentation.
        nodes: the number of its nodes, aliases expanded.
        anchors: the anchors that are defined inside, as first index and end index in the document's list.
        entries: the keys by line, counted from the first line of the block. Only lines with nothing but one key and
            its scalar are listed. There are none if keys are overwritten, or if a merge has copied them.
        is_separable: true if its lines can be decoded without the rest of the document. This is false for the whole
            document, and for values with an anchor or below one, because they may occur in several places. In such a
            block only the scalars of `entries` can be replaced.
        repeated_keys: the number of keys in it that are set a second time.
    """

    place: Place
    start: int
    end: int
    column: int
    nodes: int
    anchors: tuple[int, int]
    entries: dict[int, str]
    is_separable: bool
    repeated_keys: int = 0


class Entry(NamedTuple):
    """A line that holds one key of a mapping and a simple scalar.

    Attributes:
        column: of the first character of the key, from 0.
        key: as text.
        text: the scalar as written, without quotes.
        is_plain: true if it is written without quotes.
    """

    column: int
    key: str
    text: str
    is_plain: bool

    @property
    def value(self) -> Any:
        """The value of the scalar in JSON."""
        return resolve_value(self.text) if self.is_plain else self.text

    @property
    def nodes(self) -> int:
        """The number of nodes that the scalar counts for."""
        return 1 + len(self.text) // CHARACTERS_PER_NODE


class Anchor(NamedTuple):
    """An anchor with its value, which its aliases repeat.

    Attributes:
        nodes: the number of its nodes, aliases expanded.
        height: the number of levels that it is nested.
        text: of a plain scalar, as written.
    """

    name: str
    value: Any
    nodes: int = 0
    height: int = 0
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """One document of a stream.

    Attributes:
        content: mappings with text keys, lists, text, numbers, booleans, None.
        line: line of its first token, which may be its marker, from 1.
        nodes: its nodes, aliases expanded.
        written: for a mapping's `id()`, the text of version-like numbers as they were written.
        blocks: its blocks. Inner blocks come before the outer ones.
        anchors: its anchors in the order in which they are defined.
        first_line: line of the first token of its content, or 0 if it was not decoded from a stream.
        repeated_keys: keys that are set twice in a mapping, and merges that not all readers read alike.
    """

    content: Any
    line: int
    nodes: int = 0
    written: dict[int, dict[str, str]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    first_line: int = 0
    repeated_keys: int = 0

    def keep_written(self, mapping: dict[str, Any], entry: Entry) -> None:
        """Record the spelling of a scalar that replaces another one in a mapping."""
        if entry.key in VERSION_KEYS and type(entry.value) in (int, float):
            self.written.setdefault(id(mapping), {})[entry.key] = entry.text
        elif id(mapping) in self.written:
            self.written[id(mapping)].pop(entry.key, None)

    def text(self, mapping: object, key: str) -> str | None:
        """A scalar of `mapping` as its author wrote it, or None if the key is absent, null, a mapping or a list."""
        if not isinstance(mapping, dict):
            return None
        value = mapping.get(key)
        if isinstance(value, str):
            return value
        if value is None or isinstance(value, dict | list):
            return None
        return self.written.get(id(mapping), {}).get(key) or to_key(value)


def decode_entry(line: bytes) -> Entry | None:
    """The entry on a line, if the line is the same entry in every mapping in block style of that column.

    Returns:
        None for anything but a short scalar of harmless characters, because other text depends on the lines around it.
    """
    match = _ENTRY.fullmatch(line)
    if match is None:
        return None
    text = next(group for group in match.group(3, 4, 5) if group is not None)
    return Entry(match.end(1), match[2].decode(), text.decode(), is_plain=match[3] is not None)
