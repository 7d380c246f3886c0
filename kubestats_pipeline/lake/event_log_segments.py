"""The files of a log: a partition whose rows are numbered from 0 and only ever appended.

`part.parquet` is the first segment, `part-000000010000.parquet` the one whose rows are numbered from there on; a
segment's footer says where it ends. One that begins before the end of another has been merged into that one and does
not count: a crash may leave it behind. Segments are read and written like any partition, in `lake.py`; which of them
an append writes anew is decided in `event_log.py`.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

END = "kubestats.end"
"""Where a segment's footer says that it ends."""

_ATTEMPTS = 3
_NAME = re.compile(r"part(?:-(\d{12}))?\.parquet")


@dataclass(frozen=True)
class Segment:
    """One file of a log.

    Attributes:
        first: the number of its first row; retention may have removed rows, the numbers of the others stay.
        end: the number that follows its last row's.
    """

    path: Path
    first: int
    end: int


def segment_name(first: int) -> str:
    """The name of the file whose rows are numbered from `first` on."""
    return f"part-{first:012d}.parquet" if first else "part.parquet"


def list_files(folder: Path) -> dict[int, Path]:
    """All files in a log's folder by the number of their first row, in that order, also those that do not count."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.glob("part*.parquet"))
    return dict(sorted((int(match[1] or 0), path) for match, path in found if match))


def find_segments(folder: Path, numbered_by: str) -> list[Segment]:
    """The segments that make up a log, in the order of their rows; their footers are read.

    Raises:
        OSError, polars.exceptions.PolarsError: a file cannot be read.
    """
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(FileNotFoundError):  # merged into another one since it was listed
            return _chain(folder, numbered_by)
    return _chain(folder, numbered_by)


def reach(segments: Sequence[Segment]) -> int:
    """How many rows of a log are there from its beginning on without a gap."""
    end = 0
    for each in segments:
        if each.first == end:
            end = each.end
    return end


def _chain(folder: Path, numbered_by: str) -> list[Segment]:
    found: list[Segment] = []
    for first, path in list_files(folder).items():
        if not found or first >= found[-1].end:
            found.append(Segment(path, first, _end_of(path, numbered_by)))
    return found


def _end_of(path: Path, numbered_by: str) -> int:
    """Where a segment ends; the one file of an earlier version does not say it and is asked for its last row."""
    told = pl.read_parquet_metadata(path).get(END)
    if told is not None:
        return int(told)
    last = pl.read_parquet(path, columns=[numbered_by], hive_partitioning=False)[numbered_by].max()
    return last + 1 if isinstance(last, int) else 0
