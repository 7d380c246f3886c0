"""Line differences between two versions of a text, and their effect on the blocks of its documents.

`manifests/incremental.py` reads files with this. Lines of a text are counted from 0 here, those of blocks from 1.
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
"""Differing lines of two texts of equal length that are edits of their own. If there are more, they are one edit."""

_LINE_ENDS = tuple(character.encode() for character in "\x85\u2028\u2029")
"""Line ends of YAML besides the line feed and carriage return."""
_CONTENT = re.compile(rb"( *)[^ #]")
_BLANK = sys.maxsize
_END = attrgetter("end")


class Edit(NamedTuple):
    """One difference: the lines from `start` to before `end` of the old version are replaced by `lines`."""

    start: int
    end: int
    lines: Sequence[bytes]

    @property
    def shift(self) -> int:
        """The number of lines by which all later lines move down."""
        return len(self.lines) - (self.end - self.start)

    def moved(self, line: int) -> int:
        """The new number of a line of a block, if the line itself is not edited."""
        return line + self.shift if line > self.end else line


def is_by_lines(blob: bytes) -> bool:
    """True if only line feeds end lines, which is never so in UTF-16."""
    if b"\0" in blob or b"\r" in blob:
        return False
    return blob.isascii() or not any(line_end in blob for line_end in _LINE_ENDS)


def differences(before: Sequence[bytes], after: Sequence[bytes]) -> list[Edit]:
    """The edits that make one text of another.

    Texts of equal length have one for each line that differs. Others have one edit, from the first to the last
    difference.
    """
    if len(before) == len(after):
        differing = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
        if len(differing) <= MAX_EDITS:
            return [Edit(at, at + 1, [after[at]]) for at in differing]
    shorter = min(len(before), len(after))
    start = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    same = next((at for at in range(shorter - start) if before[-1 - at] != after[-1 - at]), shorter - start)
    return [Edit(start, len(before) - same, after[start : len(after) - same])]


def enclosing(blocks: Sequence[Block], edit: Edit, before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[Block]:
    """The blocks of a document that hold an edit completely, the smallest first."""
    columns: list[int] = []
    # Blocks are in the order of their ends, so those that end before the edit are skipped at once.
    for block in islice(blocks, bisect_left(blocks, edit.end + 1, key=_END), None):
        begin = block.start - 1
        if begin <= edit.start and block.end - block.start + edit.shift > 0:
            head = before[begin][: block.column]
            # The new lines must still begin like the block and be indented as deep, or they end it early.
            has_head = begin < len(after) and after[begin].startswith(head) and head.strip(b" ") in (b"", b"-")
            columns = columns or [_column_of(line) for line in edit.lines]
            if has_head and block.column <= min(columns[begin == edit.start :], default=_BLANK):
                yield block


def _column_of(line: bytes) -> int:
    match = _CONTENT.match(line)
    return len(match[1]) if match else _BLANK


def moved(block: Block, edit: Edit, anchors: int = 0) -> Block:
    """A block that comes after an edit, which adds a number of anchors before it."""
    if not edit.shift and not anchors:
        return block
    first, last = block.anchors
    return block._replace(
        start=block.start + edit.shift, end=block.end + edit.shift, anchors=(first + anchors, last + anchors)
    )


def with_other(blocks: Iterable[Block], block: Block, part: Decoded, edit: Edit) -> Iterator[Block]:
    """The blocks of a document after an edit in one of them, whose new lines were decoded alone as `part`."""
    first, last = block.anchors
    nodes, anchors = part.nodes - block.nodes, len(part.anchors) - (last - first)
    repeated = part.repeated_keys - block.repeated_keys
    for known in blocks:
        if known is block:
            yield from part.blocks
        elif known.end <= block.start:
            yield known
        elif known.start >= block.end:
            yield moved(known, edit, anchors)
        elif len(known.place) < len(block.place):
            around = _around(known, edit, nodes, anchors)
            yield around._replace(repeated_keys=known.repeated_keys + repeated) if repeated else around
        # The rest were inside the block, and `part` has their successors.


def _around(block: Block, edit: Edit, nodes: int, anchors: int) -> Block:
    """A block around one with an edit, which adds a number of nodes and anchors to it."""
    first, last = block.anchors
    entries = block.entries
    if edit.shift:
        entries = {edit.moved(block.start + line) - block.start: key for line, key in entries.items()}
    return block._replace(
        end=block.end + edit.shift, nodes=block.nodes + nodes, anchors=(first, last + anchors), entries=entries
    )
