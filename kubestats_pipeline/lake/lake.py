"""The Parquet lake: read, atomically replace and delete one partition of one table.

A partition is one file, or a few where it is a log (see `event_log_segments.py`). The storage replaces a file as a
whole, so that a reader sees the old rows or the new ones and a crash leaves one of the two. Small facts that must move
together with the rows (the commit that they belong to) travel in the file's own metadata. The columns are declared in
`tables.py`, places of files in `paths.py`. How a log grows is in `event_log.py`.
"""

import contextlib
import datetime
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake import event_log_segments as log
from kubestats_pipeline.lake.contract import Partitioning, Table
from kubestats_pipeline.lake.event_log_segments import Segment
from kubestats_pipeline.lake.frames import completed, frame_of, parquet_schema, to_parquet, unknown_columns
from kubestats_pipeline.lake.leases import Leases
from kubestats_pipeline.lake.paths import Layout, decode_name
from kubestats_pipeline.storage.objects import ObjectStore, StaleError
from kubestats_pipeline.storage.opened import open_store

METADATA_PREFIX = "kubestats."
_END, _SIZE = log.END.removeprefix(METADATA_PREFIX), log.SIZE.removeprefix(METADATA_PREFIX)


class LakeError(ExplainedError):
    """A partition cannot be read or written. The text names the file and what to do. Nothing was changed."""


class ConflictError(LakeError):
    """Another machine has written the same file since this one looked. Look again and repeat the whole step."""


@dataclass(frozen=True)
class Partition:
    """The rows of one partition and the facts that were written together with them."""

    rows: pl.DataFrame
    metadata: Mapping[str, str] = field(default_factory=dict)


Key = str | datetime.date | int | None
"""The key of a partition: a repository's full name, a day, a year, or None for a table that is one file.

A table of years also takes a day: of a file that an earlier version wrote, see `years.py`."""


@dataclass(frozen=True)
class Lake:
    """All partitions of all tables below one data directory."""

    layout: Layout

    @functools.cached_property
    def storage(self) -> ObjectStore:
        """Where all that is known is kept."""
        return open_store(self.layout.data_dir, self.layout.lake_url)

    def pulled(self) -> "Lake":
        """The same tables as they are now, where other machines write to them too. A stage begins with it.

        Raises:
            StoreError: the bucket does not work.
        """
        self.storage.pull()
        return self

    def leases(self, since: float = math.inf) -> Leases:
        """The leases of its repositories, for a caller who has looked at the tables at `since`, seconds since 1970."""
        return Leases(self.storage if self.layout.lake_url else None, since)

    def name(self, table: Table, key: Key = None) -> str:
        """The name of a partition in the storage, of its first file where it is a log."""
        if table.partitioning is Partitioning.REPOSITORY and isinstance(key, str):
            return self.layout.repository_name(table.name, key)
        return self.layout.name_of(self.path(table, key))

    def exists(self, table: Table, key: Key = None) -> bool:
        """Look for a partition without reading it."""
        return self.storage.exists(self.name(table, key))

    def path(self, table: Table, key: Key = None) -> Path:
        """Where a partition lies, whether it exists or not."""
        if table.partitioning is Partitioning.REPOSITORY and isinstance(key, str):
            return self.layout.repository_partition(table.name, key)
        if table.partitioning in (Partitioning.DATE, Partitioning.YEAR) and isinstance(key, datetime.date):
            return self.layout.date_partition(table.name, key)
        if table.partitioning is Partitioning.YEAR and isinstance(key, int):
            return self.layout.year_partition(table.name, key)
        if table.partitioning is Partitioning.WHOLE and key is None:
            return self.layout.whole_table(table.name)
        raise ValueError(
            f"{key!r} is not a partition key of {table.name}, which is partitioned by {table.partitioning.value}"
        )

    def read(self, table: Table, key: Key = None) -> Partition | None:
        """Read a partition, None where nothing was written.

        A file of an earlier version of the program is completed: columns that it lacks are null, or what the contract
        says of `earlier` rows.

        Raises:
            LakeError: the file is damaged, belongs to another table, or was written by a newer version of the program.
        """
        names = self._names(table, key)
        if not names:
            return None
        rows, metadata = zip(*(self._read_file(table, name) for name in names), strict=True)
        frame = rows[0] if len(rows) == 1 else pl.concat(rows).sort(table.sort, maintain_order=True)
        return Partition(frame, metadata[0])

    def files(self, table: Table, key: Key = None) -> list[Path]:
        """The files whose rows together are a partition: none, one, or several of a log in the order of their rows.

        Raises:
            LakeError: one of several is damaged, or their folder cannot be read.
        """
        return [self.storage.local_path(name) for name in self._names(table, key)]

    def _names(self, table: Table, key: Key) -> list[str]:
        with _explained(self.path(table, key)):
            if table.numbered_by is None or len(log.list_files(self.storage, self.prefix(table, key))) < 2:
                name = self.name(table, key)
                return [name] if self.storage.exists(name) else []
        return [segment.name for segment in self.segments(table, key)]

    def prefix(self, table: Table, key: Key) -> str:
        """How the names of all files of a partition begin."""
        return f"{self.name(table, key).rpartition('/')[0]}/"

    def segments(self, table: Table, key: Key) -> list[Segment]:
        """The segments of a log in the order of their rows.

        Raises:
            LakeError: one of them is damaged.
        """
        with _explained(self.path(table, key).parent):
            return log.find_segments(self.storage, self.prefix(table, key), table.numbered_by or "")

    def read_segment(self, table: Table, segment: Segment) -> pl.DataFrame:
        """The rows of one segment of a log.

        Raises:
            LakeError: it is damaged or does not have the table's columns.
        """
        return self._read_file(table, segment.name)[0]

    def _read_file(self, table: Table, name: str) -> tuple[pl.DataFrame, dict[str, str]]:
        path = self.storage.local_path(name)
        rows, metadata = read_file(self.storage, name)
        metadata = {key: value for key, value in metadata.items() if key not in (_END, _SIZE)}
        rows = completed(rows, table)
        if unknown := unknown_columns(rows.schema, parquet_schema(table)):
            raise LakeError(f"{path} {NEWER} (it has the column {unknown[0]}); {UPGRADE}")
        if rows.schema != parquet_schema(table):
            raise LakeError(f"{path} does not have the columns of {table.name}; {_REMEDY}")
        return rows, metadata

    def read_metadata(self, table: Table, key: Key = None) -> Mapping[str, str] | None:
        """Read only the facts beside a partition's rows, at the cost of the file's footer."""
        with _explained(path := self.path(table, key)):
            return _own_metadata(path) if self.exists(table, key) else None

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
        name = self.name(table, key)
        frame = to_frame(table, rows)
        end = {_END: str(log.end_of(frame, table.numbered_by))} if table.numbered_by is not None else {}
        replace_file(self.storage, name, frame, {**(metadata or {}), **end})
        with writing(self.storage.local_path(name)):
            for other in self._other_segments(table, name):
                self.storage.delete(other)
        return self.storage.local_path(name)

    def stage_segment(self, segment: Segment, rows: pl.DataFrame) -> str:
        """Write a segment of a log under a name where no reader looks, and give that name.

        Raises:
            LakeError: the disk is full or read-only.
        """
        told = {_END: str(segment.end)} | ({_SIZE: str(segment.size)} if segment.size else {})
        replace_file(self.storage, log.staged_name(segment), rows, told)
        return log.staged_name(segment)

    def delete(self, table: Table, key: Key = None) -> bool:
        """Delete a partition. False where nothing was there."""
        name = self.name(table, key)
        names = [*self._other_segments(table, name), *([name] if self.storage.exists(name) else [])]
        for found in names:
            self.storage.delete(found)
        return bool(names)

    def _other_segments(self, table: Table, name: str) -> list[str]:
        if not table.numbered_by:
            return []
        found = log.list_files(self.storage, f"{name.rpartition('/')[0]}/")
        return [segment for segment in found.values() if segment != name]

    def repositories(self, table: Table) -> Iterator[str]:
        """The full names that have a partition of a table, sorted by their folders."""
        return map(decode_name, self._cuts(table, "repository="))

    def dates(self, table: Table) -> Iterator[datetime.date]:
        """The days that have a partition of a table, sorted."""
        return map(datetime.date.fromisoformat, self._cuts(table, "date="))

    def years(self, table: Table) -> list[int]:
        """The years that have a partition of a table, sorted."""
        return [*map(int, self._cuts(table, "year="))]

    def _cuts(self, table: Table, column: str) -> list[str]:
        """The values by which a table is cut into folders, as their names spell them."""
        prefix, suffix = f"{self.layout.name_of(self.layout.table(table.name))}/{column}", "/part.parquet"
        names = self.storage.list(prefix)
        return sorted(name[len(prefix) : -len(suffix)] for name in names if name.endswith(suffix))

    def partitions(self, table: Table) -> list[Key]:
        """The keys of all partitions of a table, sorted. Daily files of a year that has a file do not count."""
        if table.partitioning is Partitioning.WHOLE:
            return [None] if self.exists(table) else []
        if table.partitioning is Partitioning.REPOSITORY:
            return list(self.repositories(table))
        dates = list(self.dates(table))  # listed first: their year's file may just be taking their place
        years = self.years(table) if table.partitioning is Partitioning.YEAR else []
        return [*years, *(day for day in dates if day.year not in years)]

    def read_all(self, table: Table) -> pl.DataFrame:
        """Read all rows of a table, an empty frame before the first one is written.

        Raises:
            LakeError: any of its files is damaged.
        """
        read = (self.read(table, key) for key in self.partitions(table))
        frames = [partition.rows for partition in read if partition is not None]
        return pl.concat(frames) if frames else to_frame(table, [])


def read_file(storage: ObjectStore, name: str) -> tuple[pl.DataFrame, dict[str, str]]:
    """All rows of one file with the columns that it has, whatever version wrote it, and its metadata.

    Raises:
        LakeError: the file is damaged.
    """
    # Opened once, because it may be replaced between rows and metadata.
    with _explained(storage.local_path(name)), storage.read(name) as file:
        rows = pl.read_parquet(file, hive_partitioning=False)
        file.seek(0)
        return rows, _own_metadata(file)


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
        if list(frame.schema.items()) != list(schema.items()):
            frame = frame.select(schema.names()).cast(schema, strict=True)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise LakeError(f"rows do not fit {table.name}: {type(error).__name__}") from error
    nulls = frame.null_count().row(0)
    for column, count in zip(table.columns, nulls, strict=True):
        if count and not column.nullable:
            raise LakeError(f"{table.name}.{column.name} is null in {count} rows")
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
    entries = pl.read_parquet_metadata(file, credential_provider=None).items()
    return {name.removeprefix(METADATA_PREFIX): value for name, value in entries if name.startswith(METADATA_PREFIX)}


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the failures of writing a file into one that says what to do.

    Raises:
        ConflictError: another machine has written the file meanwhile.
        LakeError: the disk is full or read-only, or the bucket does not work.
    """
    try:
        yield
    except StaleError as error:
        raise ConflictError(f"{error}. Its rows stay, and the next run goes on from there") from error
    except ExplainedError as error:  # a bucket's own words
        raise LakeError(str(error)) from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LakeError(f"cannot write {path}: {error}; free or unlock the disk and run again") from error


def replace_file(storage: ObjectStore, name: str, frame: pl.DataFrame, metadata: Mapping[str, str]) -> None:
    """Replace one file as a whole. The old one is untouched where that fails.

    Raises:
        LakeError: the disk is full or read-only.
    """
    tags = {METADATA_PREFIX + key: value for key, value in metadata.items()}
    with writing(storage.local_path(name)):
        storage.put(name, to_parquet(frame, tags))
