"""Appends rows to a log of the lake, a few files at a time, so that an append costs what it adds.

No segment crosses a multiple of `BLOCK`, so that a full block is one file and is never written again. Within the last
block each segment is several times as large as the next one, and smaller ones are merged into what is appended: few
files, each row rewritten few times. Rows of long text fill a segment sooner, so that memory stays bounded. All new
files are written under other names first, moved to their own at the end, and the files that they replace are removed
after that. The caller moves its position last: rows that a killed run has left beyond it are cut off here, and doing
the same again gives the same files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.event_log_segments import Segment, is_staged, list_files, segment_name
from kubestats_pipeline.lake.lake import Key, Lake, to_frame, writing

BLOCK = 10_000
"""Numbers that one full segment covers: large enough to pack well, small enough to be sorted in little memory."""

GROWTH = 4
"""A segment up to so many times as large as what is appended to it is merged with that."""

SMALLEST = 256
"""Fewer rows than that are taken for so many, so that single commits do not make many files."""

LARGE, LARGEST = 16_000_000, 64_000_000
"""Bytes of text of a segment whose footer says how many it has, and those from which on nothing is added to one."""


@dataclass(frozen=True)
class _Staged:
    """A segment that is complete on the disk under a temporary name, and will have the place that it names."""

    temporary: str
    segment: Segment


class LogWriter:
    """Appends rows to one partition of a log. Nobody sees them before `publish`.

    Args:
        position: the number of the first row that is appended, at most the log's `reach`. 0 begins a new log in the
            place of the old one.
    """

    def __init__(self, lake: Lake, table: Table, key: Key, position: int) -> None:
        assert table.numbered_by is not None  # noqa: S101 - other tables are no logs
        self._lake, self._table, self._key = lake, table, key
        self._storage, self._prefix = lake.storage, lake.prefix(table, key)
        self._number = pl.col(table.numbered_by)
        self._position = self._end = position
        self._kept = [segment for segment in lake.segments(table, key) if segment.first < position]
        self._waiting: list[pl.DataFrame] = []
        self._waiting_size = 0
        self._staged: list[_Staged] = []

    def append(self, rows: Sequence[Mapping[str, Any]] | pl.DataFrame, end: int) -> None:
        """Append rows with the numbers up to `end`, which is not among them.

        Raises:
            LakeError: the rows do not fit the table, or the disk is full or read-only.
        """
        frame = to_frame(self._table, rows)
        while end >= (stop := (self._end // BLOCK + 1) * BLOCK):
            self._wait(frame.filter(self._number < stop))
            frame = frame.filter(self._number >= stop)
            self._stage(stop)
        self._wait(frame)
        self._end = end
        if self._waiting_size >= LARGEST:
            self._stage(end)

    def _wait(self, frame: pl.DataFrame) -> None:
        self._waiting.append(frame)
        self._waiting_size += _size_of(frame)

    def read(self, columns: Sequence[str]) -> pl.DataFrame:
        """Some columns of all rows as they will be published."""
        self._complete()
        names = [*(kept.name for kept in self._kept), *(staged.temporary for staged in self._staged)]
        paths = map(self._storage.local_path, names)
        frames = [pl.read_parquet(path, columns=list(columns), hive_partitioning=False) for path in paths]
        return pl.concat(frames) if frames else to_frame(self._table, []).select(columns)

    def revise(self, change: Callable[[pl.DataFrame], pl.DataFrame], end: int) -> None:
        """Change rows of the segments that begin before `end`, which go on to cover the same numbers. Nothing is
        appended afterwards.

        Raises:
            LakeError: a segment is damaged, or the disk is full or read-only.
        """
        self._complete()
        sources = [
            *((kept, kept.name) for kept in self._kept),
            *((staged.segment, staged.temporary) for staged in self._staged),
        ]
        for segment, source in sources:
            if segment.first < end:
                rows = self._lake.read_segment(self._table, replace(segment, name=source))
                changed = change(rows)
                if not changed.equals(rows):
                    self._replace(segment, changed)

    def publish(self) -> None:
        """Put the new files into their places and remove what they replace.

        Raises:
            LakeError: a file cannot be written.
        """
        self._complete()
        with writing(self._storage.local_path(self._prefix)):
            for staged in self._staged:
                self._storage.move(staged.temporary, staged.segment.name)
            current = {*(kept.name for kept in self._kept), *(staged.segment.name for staged in self._staged)}
            replaced = [name for name in list_files(self._storage, self._prefix).values() if name not in current]
            left = [name for name in self._storage.list(f"{self._prefix}.part") if is_staged(name)]
            for name in (*replaced, *left):
                self._storage.delete(name)

    def _complete(self) -> None:
        """Stage the waiting rows. A log without rows is a file too, and one that reaches beyond the position is cut
        off.
        """
        is_cut_off = any(kept.end > self._position for kept in self._kept)
        if self._waiting_rows() or is_cut_off or not (self._kept or self._staged):
            self._stage(self._end)

    def _replace(self, segment: Segment, rows: pl.DataFrame) -> None:
        revised = replace(segment, size=_noted_size(rows))
        temporary = self._lake.stage_segment(revised, rows)
        self._kept = [kept for kept in self._kept if kept != segment]
        self._staged = [*(staged for staged in self._staged if staged.segment != segment), _Staged(temporary, revised)]

    def _waiting_rows(self) -> int:
        return sum(len(frame) for frame in self._waiting)

    def _stage(self, stop: int) -> None:
        """Write the waiting rows up to `stop`, together with those of the last segments where these are small."""
        merged = self._merged(stop)
        self._kept = self._kept[: len(self._kept) - len(merged)]
        old = [self._read(segment) for segment in merged]
        first = merged[0].first if merged else max(self._staged_to(), _block_of(stop))
        frames = [*old, *self._waiting] or [to_frame(self._table, [])]
        frame = frames[0] if len(frames) == 1 else pl.concat(frames).sort(self._table.sort)  # each one is sorted
        segment = Segment(self._prefix + segment_name(first), first, stop, _noted_size(frame))
        self._staged.append(_Staged(self._lake.stage_segment(segment, frame), segment))
        self._waiting, self._waiting_size, self._end = [], 0, stop

    def _staged_to(self) -> int:
        """Where the rows begin that are not staged yet."""
        return self._staged[-1].segment.end if self._staged else self._position

    def _merged(self, stop: int) -> list[Segment]:
        """The last segments that are to be written anew, because what is appended completes or outgrows them."""
        merged: list[Segment] = []
        if self._staged_to() > max(self._position, _block_of(stop)):
            return merged  # rows of this block are staged already, and come between
        size, text = max(stop - max(self._position, _block_of(stop)), SMALLEST), self._waiting_size
        for segment in reversed(self._kept):
            length, text = min(segment.end, self._position) - segment.first, text + segment.size
            is_cut_off = segment.end > self._position
            is_full = text > LARGEST or (stop % BLOCK and length > GROWTH * size)
            if not is_cut_off and (segment.first < _block_of(stop) or is_full):
                break
            merged.insert(0, segment)
            size += length
        return merged

    def _read(self, segment: Segment) -> pl.DataFrame:
        return self._lake.read_segment(self._table, segment).filter(self._number < self._position)


def _size_of(frame: pl.DataFrame) -> int:
    """Bytes of the longest columns, those of text, which are alike whenever rows are."""
    return sum(frame.select(pl.col(pl.String).str.len_bytes().sum()).row(0))


def _noted_size(frame: pl.DataFrame) -> int:
    """The size that a segment's footer tells, 0 where it is not large."""
    size = _size_of(frame)
    return size if size >= LARGE else 0


def _block_of(stop: int) -> int:
    """Where the block begins in which the rows before `stop` end."""
    return (max(stop, 1) - 1) // BLOCK * BLOCK
