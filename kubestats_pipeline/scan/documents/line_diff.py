"""Where a text differs from the one before it, and what that means for the blocks of its documents.

`incremental.py` reads files by it. Lines of a text are counted from 0 here, those of blocks from 1.
"""

import re
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from kubestats_pipeline.scan.documents.document import Block, Decoded

MAX_EDITS = 50
"""Lines of a file that are looked at one by one where as many others stood before; more are taken for one edit."""

_LINE_ENDS = tuple(each.encode() for each in "\x85\u2028\u2029")
"""What ends a line for YAML besides the line feed and carriage return."""
_CONTENT = re.compile(rb"( *)[^ #]")
_BLANK = sys.maxsize
_END = attrgetter("end")


class Edit(NamedTuple):
    """Lines that differ: those from `start` to `end` of the version before are `lines` now."""

    start: int
    end: int
    lines: Sequence[bytes]

    @property
    def shift(self) -> int:
        """How many lines further down stands what follows."""
        return len(self.lines) - (self.end - self.start)

    def moved(self, line: int) -> int:
        """Where a line of a block is now that was not edited."""
        return line + self.shift if line > self.end else line


def is_by_lines(blob: bytes) -> bool:
    """Whether only line feeds end lines, as nowhere in UTF-16."""
    if b"\0" in blob or b"\r" in blob:
        return False
    return blob.isascii() or not any(each in blob for each in _LINE_ENDS)


def differences(before: Sequence[bytes], after: Sequence[bytes]) -> list[Edit]:
    """The lines in which two texts of equal length differ; of others, all from the first to the last difference."""
    if len(before) == len(after):
        differing = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
        if len(differing) <= MAX_EDITS:
            return [Edit(at, at + 1, [after[at]]) for at in differing]
    shorter = min(len(before), len(after))
    start = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    same = next((at for at in range(shorter - start) if before[-1 - at] != after[-1 - at]), shorter - start)
    return [Edit(start, len(before) - same, after[start : len(after) - same])]


def enclosing(blocks: Sequence[Block], edit: Edit, before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[Block]:
    """The blocks of a document that an edit of its text stays in, from the smallest on."""
    columns: list[int] = []
    for block in islice(blocks, bisect_left(blocks, edit.end + 1, key=_END), None):
        begin = block.start - 1
        if begin <= edit.start and block.end - block.start + edit.shift > 0:
            head = before[begin][: block.column]
            has_head = begin < len(after) and after[begin].startswith(head) and head.strip(b" ") in (b"", b"-")
            columns = columns or [_column_of(line) for line in edit.lines]
            if has_head and block.column <= min(columns[begin == edit.start :], default=_BLANK):
                yield block


def _column_of(line: bytes) -> int:
    match = _CONTENT.match(line)
    return len(match[1]) if match else _BLANK


def moved(block: Block, edit: Edit, anchors: int = 0) -> Block:
    """A block that stands behind an edit, which puts so many more anchors before it."""
    if not edit.shift and not anchors:
        return block
    first, last = block.anchors
    return block._replace(
        start=block.start + edit.shift, end=block.end + edit.shift, anchors=(first + anchors, last + anchors)
    )


def with_other(blocks: Iterable[Block], block: Block, part: Decoded, edit: Edit) -> Iterator[Block]:
    """A document's blocks, when an edit gives one of them the value of a part that is decoded alone."""
    first, last = block.anchors
    nodes, anchors = part.nodes - block.nodes, len(part.anchors) - (last - first)
    for each in blocks:
        if each is block:
            yield from part.blocks
        elif each.end <= block.start:
            yield each
        elif each.start >= block.end:
            yield moved(each, edit, anchors)
        elif len(each.place) < len(block.place):
            yield _around(each, edit, nodes, anchors)


def _around(block: Block, edit: Edit, nodes: int, anchors: int) -> Block:
    """A block that holds one with an edit, which makes so many more nodes and anchors of it."""
    first, last = block.anchors
    entries = block.entries
    if edit.shift:
        entries = {edit.moved(block.start + line) - block.start: key for line, key in entries.items()}
    return block._replace(
        end=block.end + edit.shift, nodes=block.nodes + nodes, anchors=(first, last + anchors), entries=entries
    )
