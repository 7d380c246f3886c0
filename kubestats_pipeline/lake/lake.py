"""The Parquet lake: read, atomically replace and delete one partition of one table.

A partition is one file, or a few where it is a log (see `event_log_segments.py`). A file is written beside its place,
flushed to disk and renamed, so that a reader sees the old rows or the new ones and a crash leaves one of the two.
Small facts that must move together with the rows (the commit that they stand for) travel in the file's own metadata.
What a row means is declared in `tables.py`; where a file lies in `paths.py`; how a log grows in `event_log.py`.
"""

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.contract import Partitioning, Table
from kubestats_pipeline.lake.event_log_segments import END, Segment, find_segments, list_files
from kubestats_pipeline.lake.frames import completed, frame_of, parquet_schema, unknown_columns
from kubestats_pipeline.lake.paths import Layout, decode_name

METADATA_PREFIX = "kubestats."
_END = END.removeprefix(METADATA_PREFIX)


class LakeError(ExplainedError):
    """A partition cannot be read or written; the text names the file and what to do. Nothing was changed."""


@dataclass(frozen=True)
class Partition:
    """The rows of one partition and the facts that were written together with them."""

    rows: pl.DataFrame
    metadata: Mapping[str, str] = field(default_factory=dict)


Key = str | datetime.date | None
"""Which partition: a repository's full name, a day, or None for a table that is one file."""


@dataclass(frozen=True)
class Lake:
    """All partitions of all tables below one data directory."""

    layout: Layout

    def path(self, table: Table, key: Key = None) -> Path:
        """Where a partition lies, whether it exists or not."""
        if table.partitioning is Partitioning.REPOSITORY and isinstance(key, str):
            return self.layout.repository_partition(table.name, key)
        if table.partitioning is Partitioning.DATE and isinstance(key, datetime.date):
            return self.layout.date_partition(table.name, key)
        if table.partitioning is Partitioning.WHOLE and key is None:
            return self.layout.whole_table(table.name)
        raise ValueError(
            f"{key!r} is no partition key of {table.name}, which is partitioned by {table.partitioning.value}"
        )

    def read(self, table: Table, key: Key = None) -> Partition | None:
        """Read a partition; None where there is none.

        A file of an earlier version of the program is completed: columns that it lacks are null, or what the contract
        says of `earlier` rows.

        Raises:
            LakeError: the file is damaged, is none of the table, or was written by a newer version of the program.
        """
        files = self.files(table, key)
        if not files:
            return None
        rows, metadata = zip(*(self._read_file(table, path) for path in files), strict=True)
        frame = rows[0] if len(rows) == 1 else pl.concat(rows).sort(table.sort, maintain_order=True)
        return Partition(frame, metadata[0])

    def files(self, table: Table, key: Key = None) -> list[Path]:
        """The files whose rows together are a partition: none, one, or several of a log in the order of their rows.

        Raises:
            LakeError: one of several is damaged, or their folder cannot be read.
        """
        path = self.path(table, key)
        with _explained(path):
            if table.numbered_by is None or len(list_files(path.parent)) < 2:
                return [path] if path.exists() else []
        return [each.path for each in self.segments(table, key)]

    def segments(self, table: Table, key: Key) -> list[Segment]:
        """The segments of a log in the order of their rows.

        Raises:
            LakeError: one of them is damaged.
        """
        folder = self.path(table, key).parent
        with _explained(folder):
            return find_segments(folder, table.numbered_by or "")

    def read_segment(self, table: Table, segment: Segment) -> pl.DataFrame:
        """The rows of one segment of a log.

        Raises:
            LakeError: it is damaged or does not have the table's columns.
        """
        return self._read_file(table, segment.path)[0]

    def _read_file(self, table: Table, path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
        with _explained(path), path.open("rb") as file:  # opened once: it may be replaced between rows and metadata
            rows = pl.read_parquet(file, hive_partitioning=False)
            file.seek(0)
            metadata = _own_metadata(file)
        metadata.pop(_END, None)
        rows = completed(rows, table)
        if unknown := unknown_columns(rows.schema, parquet_schema(table)):
            raise LakeError(f"{path} {NEWER} (it has the column {unknown[0]}); {UPGRADE}")
        if rows.schema != parquet_schema(table):
            raise LakeError(f"{path} does not have the columns of {table.name}; {_REMEDY}")
        return rows, metadata

    def read_metadata(self, table: Table, key: Key = None) -> Mapping[str, str] | None:
        """Read only the facts beside a partition's rows, at the cost of the file's footer."""
        path = self.path(table, key)
        with _explained(path):
            return _own_metadata(path) if path.exists() else None

    def write(
        self,
        table: Table,
        key: Key,
        rows: Sequence[Mapping[str, Any]] | pl.DataFrame,
        metadata: Mapping[str, str] | None = None,
    ) -> Path:
        """Replace a partition as a whole, sorted as the table declares.

        Raises:
            LakeError: the rows do not fit the table, or the disk is full or read-only. The old file is untouched.
        """
        path = self.path(table, key)
        frame = to_frame(table, rows)
        told = dict(metadata or {})
        if table.numbered_by is not None:
            last = frame[table.numbered_by].max()
            told[_END] = str(last + 1 if isinstance(last, int) else 0)
        replace_file(path, frame, told)
        with writing(path):
            for other in self._other_segments(table, path):
                other.unlink()
        return path

    def stage_segment(self, path: Path, rows: pl.DataFrame, end: int) -> Path:
        """Write a segment of a log that ends at `end` beside its place, where no reader looks, and give that path.

        Raises:
            LakeError: the disk is full or read-only.
        """
        return _write_beside(path, rows, {_END: str(end)})

    def delete(self, table: Table, key: Key = None) -> bool:
        """Delete a partition; False where there was none."""
        path = self.path(table, key)
        files = [*self._other_segments(table, path), *([path] if path.exists() else [])]
        for each in files:
            each.unlink()
        if files:
            with contextlib.suppress(OSError):  # another file may live beside it; then the folder stays
                path.parent.rmdir()
        return bool(files)

    def _other_segments(self, table: Table, path: Path) -> list[Path]:
        found = list_files(path.parent).values() if table.numbered_by else ()
        return [each for each in found if each != path]

    def repositories(self, table: Table) -> Iterator[str]:
        """The full names that have a partition of a table, sorted."""
        folders = sorted(self.layout.table(table.name).glob("repository=*/part.parquet"))
        return (decode_name(path.parent.name.removeprefix("repository=")) for path in folders)

    def dates(self, table: Table) -> Iterator[datetime.date]:
        """The days that have a partition of a table, sorted."""
        folders = sorted(self.layout.table(table.name).glob("date=*/part.parquet"))
        return (datetime.date.fromisoformat(path.parent.name.removeprefix("date=")) for path in folders)

    def partitions(self, table: Table) -> list[Key]:
        """The keys of all partitions of a table, sorted."""
        if table.partitioning is Partitioning.WHOLE:
            return [None] if self.path(table).exists() else []
        return list(self.repositories(table) if table.partitioning is Partitioning.REPOSITORY else self.dates(table))

    def read_all(self, table: Table) -> pl.DataFrame:
        """Read all rows of a table; an empty frame where there is none.

        Raises:
            LakeError: any of its files is damaged.
        """
        read = (self.read(table, key) for key in self.partitions(table))
        frames = [partition.rows for partition in read if partition is not None]
        return pl.concat(frames) if frames else to_frame(table, [])


def read_file(path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """All rows of one file with the columns that it has, whatever version wrote it, and its metadata.

    Raises:
        LakeError: the file is damaged.
    """
    with _explained(path):
        return pl.read_parquet(path, hive_partitioning=False), _own_metadata(path)


def rewrite_name(path: Path, full_name: str) -> None:
    """Give all rows of a repository's Parquet file another `full_name`; other columns, order and metadata stay.

    Raises:
        LakeError: the file is damaged or cannot be written; it is untouched then.
    """
    rows, metadata = read_file(path)
    replace_file(path, rows.with_columns(pl.lit(full_name, pl.String()).alias("full_name")), metadata)


def to_frame(table: Table, rows: Sequence[Mapping[str, Any]] | pl.DataFrame) -> pl.DataFrame:
    """Make a frame that fits the table exactly, sorted as it declares.

    Raises:
        LakeError: a column is missing, unknown, of another type, or null where it must not be.
    """
    schema = parquet_schema(table)
    try:
        frame = rows if isinstance(rows, pl.DataFrame) else frame_of(rows, schema)
        if set(frame.columns) != set(schema):
            raise LakeError(f"{table.name} has the columns {list(schema)}, not {frame.columns}")
        frame = frame.select(schema.names()).cast(schema, strict=True)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise LakeError(f"rows do not fit {table.name}: {type(error).__name__}") from error
    for column in table.columns:
        if not column.nullable and frame[column.name].null_count():
            raise LakeError(f"{table.name}.{column.name} is null in {frame[column.name].null_count()} rows")
    return frame.sort(table.sort, maintain_order=True) if table.sort else frame


NEWER = "was written by a newer version of Kubestats"
UPGRADE = "install that version or a later one; to go on with this one, move the data directory away and start anew"

_REMEDY = "restore it from a backup, or delete it and run again: the next run rebuilds the partition"


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LakeError(f"{path} cannot be read ({type(error).__name__}); {_REMEDY}") from error


def _own_metadata(file: Path | BinaryIO) -> dict[str, str]:
    entries = pl.read_parquet_metadata(file).items()
    return {name.removeprefix(METADATA_PREFIX): value for name, value in entries if name.startswith(METADATA_PREFIX)}


def _write_beside(path: Path, frame: pl.DataFrame, metadata: Mapping[str, str]) -> Path:
    """Write and flush a file under a temporary name beside its place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    tags = {METADATA_PREFIX + name: value for name, value in metadata.items()}
    with writing(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(temporary, compression="zstd", metadata=tags)
        flush(temporary)
    return temporary


@contextlib.contextmanager
def writing(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Turn the failures of writing a file into one that says what to do, and leave nothing behind.

    Raises:
        LakeError: the disk is full or read-only.
    """
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise LakeError(f"cannot write {path}: {error}; free or unlock the disk and run again") from error


def replace_file(path: Path, frame: pl.DataFrame, metadata: Mapping[str, str]) -> None:
    """Replace one file as a whole; the old one is untouched where that fails.

    Raises:
        LakeError: the disk is full or read-only.
    """
    temporary = _write_beside(path, frame, metadata)
    with writing(path, temporary):
        temporary.replace(path)
        flush(path.parent)


def flush(path: Path) -> None:
    """Force a file or a folder to the disk, so that a rename survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
