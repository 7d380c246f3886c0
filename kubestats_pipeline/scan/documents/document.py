"""What decoding gives: documents, the blocks and entries that they are made of, and what is too much of them.

How a stream becomes documents stands in `stream.py`.
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
        line: line in the stream, from 1; None where it is not known.
    """

    def __init__(self, problem: UnreadProblem, message: str, line: int | None) -> None:
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


class Block(NamedTuple):
    """Lines of a document that hold a mapping or list in block style, indented further than what it is a part of.

    It is not overwritten by a merge or by a second key of the same name.

    Attributes:
        place: where its value stands in the document.
        start: line of its first token, from 1.
        end: line of the first token after it.
        column: of its first token, from 0: its indentation.
        nodes: as of a document.
        anchors: the document's anchors that are defined inside, from one index to another.
        entries: the key on each line, counted from the first one, that holds one key of a mapping and its scalar and
            ends with them, but not where keys are overwritten, nor where a merge has copied them.
        is_separable: whether its lines can be decoded without the rest of the document. Those of the whole document
            cannot, nor those of what has an anchor or stands below one, and may occur in several places: there, only
            other scalars can be put under the keys of `entries`.
    """

    place: Place
    start: int
    end: int
    column: int
    nodes: int
    anchors: tuple[int, int]
    entries: dict[int, str]
    is_separable: bool


class Entry(NamedTuple):
    """A line that holds one key of a mapping and a simple scalar.

    Attributes:
        column: where the key begins, from 0.
        text: the scalar as it is written, without quotes.
        is_plain: whether it has none.
    """

    column: int
    key: str
    text: str
    is_plain: bool

    @property
    def value(self) -> Any:
        """What it means."""
        return resolve_value(self.text) if self.is_plain else self.text

    @property
    def nodes(self) -> int:
        """As of a document, for the scalar alone."""
        return 1 + len(self.text) // CHARACTERS_PER_NODE


class Anchor(NamedTuple):
    """What an alias stands for.

    Attributes:
        nodes: what it counts.
        height: how many levels it is nested.
        text: a plain scalar as it was written.
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
        blocks: its blocks, those inside others before them.
        anchors: its anchors in the order in which they are defined.
        first_line: line of the first token of its content; 0 where it was not decoded from a stream.
    """

    content: Any
    line: int
    nodes: int = 0
    written: dict[int, dict[str, str]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    first_line: int = 0

    def keep_written(self, mapping: dict[str, Any], entry: Entry) -> None:
        """Take note of how another scalar of a mapping is written."""
        if entry.key in VERSION_KEYS and type(entry.value) in (int, float):
            self.written.setdefault(id(mapping), {})[entry.key] = entry.text
        elif id(mapping) in self.written:
            self.written[id(mapping)].pop(entry.key, None)

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


def decode_entry(line: bytes) -> Entry | None:
    """A line that means this entry wherever an entry of a mapping in block style begins in its column and ends with it.

    Returns:
        None for anything but a short scalar of harmless characters, which could mean something else in its place.
    """
    match = _ENTRY.fullmatch(line)
    if match is None:
        return None
    text = next(each for each in match.group(3, 4, 5) if each is not None)
    return Entry(match.end(1), match[2].decode(), text.decode(), is_plain=match[3] is not None)
