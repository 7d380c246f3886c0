"""The files of a log: a partition whose rows are numbered from 0 and only ever appended.

`part.parquet` is the first segment, `part-000000010000.parquet` the one whose rows are numbered from there on. A
segment's footer says where it ends. One that begins before the end of another has been merged into that one and does
not count: a crash may leave it behind. Segments are read and written like any partition, in `lake.py`. The choice of
those that an append writes anew is made in `event_log.py`.
"""

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from kubestats_pipeline.storage.objects import ObjectStore

END, SIZE = "kubestats.end", "kubestats.size"
"""Where a segment's footer says that it ends, and of a large one how many bytes of text it has."""

_ATTEMPTS = 3
_NAME = re.compile(r"part(?:-(\d{12}))?\.parquet")


@dataclass(frozen=True)
class Segment:
    """One file of a log.

    Attributes:
        name: its name in the storage.
        first: the number of its first row. Retention may have removed rows, the numbers of the others stay.
        end: the number that follows its last row's.
        size: bytes of the text of its rows, 0 where it is not large.
    """

    name: str
    first: int
    end: int
    size: int = 0


def segment_name(first: int) -> str:
    """The name of the file whose rows are numbered from `first` on."""
    return f"part-{first:012d}.parquet" if first else "part.parquet"


def staged_name(segment: Segment) -> str:
    """A name beside that of a segment, for rows that are not published yet."""
    folder, _, name = segment.name.rpartition("/")
    return f"{folder}/.{name}.{os.getpid()}.tmp"


def is_staged(name: str) -> bool:
    """Recognise a `staged_name`, of this process or of another one that was killed."""
    return name.endswith(".tmp") and name.rpartition("/")[2].startswith(".part")


def list_files(storage: ObjectStore, prefix: str) -> dict[int, str]:
    """All files of a log by the number of their first row, in that order, also those that do not count.

    `prefix` is the beginning of their names, up to the last "/".
    """
    found = ((_NAME.fullmatch(name.removeprefix(prefix)), name) for name in storage.list(f"{prefix}part"))
    return dict(sorted((int(match[1] or 0), name) for match, name in found if match))


def find_segments(storage: ObjectStore, prefix: str, numbered_by: str) -> list[Segment]:
    """The segments that make up a log, in the order of their rows. Their footers are read.

    Raises:
        OSError, polars.exceptions.PolarsError: a file cannot be read.
    """
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(FileNotFoundError):  # merged into another one since it was listed
            return _chain(storage, prefix, numbered_by)
    return _chain(storage, prefix, numbered_by)


def reach(segments: Sequence[Segment]) -> int:
    """How many rows of a log are there from its beginning on without a gap."""
    end = 0
    for segment in segments:
        if segment.first == end:
            end = segment.end
    return end


def _chain(storage: ObjectStore, prefix: str, numbered_by: str) -> list[Segment]:
    found: list[Segment] = []
    for first, name in list_files(storage, prefix).items():
        if not found or first >= found[-1].end:
            path = storage.local_path(name)
            told = pl.read_parquet_metadata(path, credential_provider=None)
            end = int(told[END]) if END in told else _end_of(path, numbered_by)
            found.append(Segment(name, first, end, int(told.get(SIZE, 0))))
    return found


def _end_of(path: Path, numbered_by: str) -> int:
    """Where the one file of an earlier version ends, whose footer does not say it."""
    return end_of(pl.read_parquet(path, columns=[numbered_by], hive_partitioning=False), numbered_by)


def end_of(rows: pl.DataFrame, numbered_by: str) -> int:
    """The number that follows the last row's, 0 without rows."""
    last = rows[numbered_by].max()
    return last + 1 if isinstance(last, int) else 0
