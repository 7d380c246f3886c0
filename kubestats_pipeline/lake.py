"""The Parquet lake: read, atomically replace and delete one partition of one table.

A partition is one file. It is written beside its place, flushed to disk and renamed, so that a reader sees the old
rows or the new ones and a crash leaves one of the two. Small facts that must move together with the rows (the commit
that they stand for) travel in the file's own metadata. What a row means is declared in `tables.py`; where a file lies
in `layout.py`.
"""

import contextlib
import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from kubestats_pipeline.contract import Partitioning, Table, Type
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.layout import Layout, decode_name

METADATA_PREFIX = "kubestats."

PARQUET_TYPES: dict[Type, pl.DataType] = {
    Type.TEXT: pl.String(),
    Type.INTEGER: pl.Int64(),
    Type.BOOLEAN: pl.Boolean(),
    Type.DATE: pl.Date(),
    Type.TIME: pl.Datetime("us", "UTC"),
    Type.TEXTS: pl.List(pl.String()),
    Type.JSON: pl.String(),
    Type.COUNTS: pl.List(pl.Struct({"key": pl.String(), "value": pl.Int64()})),
    Type.IMAGES: pl.List(
        pl.Struct(dict.fromkeys(("image", "tag", "digest", "role", "registry", "repository", "raw"), pl.String()))
    ),
}
"""How each declared type stands in Parquet. JSON is text there; a map is a list of key and value, which any engine
reads.
"""


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
        path = self.path(table, key)
        with _explained(path):
            if not path.exists():
                return None
            with path.open("rb") as file:  # opened once: it may be replaced between rows and metadata
                rows = pl.read_parquet(file, hive_partitioning=False)
                file.seek(0)
                metadata = _own_metadata(file)
        rows = _completed(rows, table)
        unknown = _unknown_columns(rows.schema, parquet_schema(table))
        if unknown:
            raise LakeError(f"{path} {NEWER} (it has the column {unknown[0]}); {UPGRADE}")
        if rows.schema != parquet_schema(table):
            raise LakeError(f"{path} does not have the columns of {table.name}; {_REMEDY}")
        return Partition(rows, metadata)

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
        _replace(path, to_frame(table, rows), metadata or {})
        return path

    def delete(self, table: Table, key: Key = None) -> bool:
        """Delete a partition; False where there was none."""
        path = self.path(table, key)
        if not path.exists():
            return False
        path.unlink()
        with contextlib.suppress(OSError):  # another file may live beside it; then the folder stays
            path.parent.rmdir()
        return True

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


def rewrite_name(path: Path, full_name: str) -> None:
    """Give all rows of a repository's Parquet file another `full_name`; other columns, order and metadata stay.

    Raises:
        LakeError: the file is damaged or cannot be written; it is untouched then.
    """
    with _explained(path):
        rows, metadata = pl.read_parquet(path, hive_partitioning=False), _own_metadata(path)
    _replace(path, rows.with_columns(pl.lit(full_name, pl.String()).alias("full_name")), metadata)


def parquet_schema(table: Table) -> pl.Schema:
    """The Parquet schema of a table."""
    return pl.Schema({column.name: PARQUET_TYPES[column.type] for column in table.columns})


def to_frame(table: Table, rows: Sequence[Mapping[str, Any]] | pl.DataFrame) -> pl.DataFrame:
    """Make a frame that fits the table exactly, sorted as it declares.

    Raises:
        LakeError: a column is missing, unknown, of another type, or null where it must not be.
    """
    schema = parquet_schema(table)
    try:
        frame = rows if isinstance(rows, pl.DataFrame) else _frame_of(rows, schema)
        if set(frame.columns) != set(schema):
            raise LakeError(f"{table.name} has the columns {list(schema)}, not {frame.columns}")
        frame = frame.select(schema.names()).cast(schema, strict=True)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise LakeError(f"rows do not fit {table.name}: {type(error).__name__}") from error
    for column in table.columns:
        if not column.nullable and frame[column.name].null_count():
            raise LakeError(f"{table.name}.{column.name} is null in {frame[column.name].null_count()} rows")
    return frame.sort(table.sort, maintain_order=True) if table.sort else frame


def _frame_of(rows: Sequence[Mapping[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    """Build it by columns: from rows, polars takes the number 1.10 as the text `1.1` and drops unknown names."""
    names: set[str] = set(schema).union(*rows)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pl.DataFrame(columns, schema_overrides=schema, strict=True)


def _completed(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows with the columns of the table before those that it does not know; new fields of structures are null."""
    schema = parquet_schema(table)
    missing = [column for column in table.columns if column.name not in rows.columns]
    new = [column for column in missing if column.nullable or column.earlier is not None]
    rows = rows.with_columns(pl.lit(column.earlier, schema[column.name]).alias(column.name) for column in new)
    known = rows.schema
    grown = [name for name, kind in schema.items() if _fields(kind) > _fields(known.get(name, kind))]
    rows = rows.with_columns(pl.Series(name, rows[name].to_list(), dtype=schema[name]) for name in grown)
    names = [name for name in schema.names() if name in rows.columns]
    return rows.select(*names, *(name for name in rows.columns if name not in schema))


def _unknown_columns(found: pl.Schema, schema: pl.Schema) -> list[str]:
    """Columns, and columns with fields, that no table of this version has; none where it lacks some of the table's.

    No column ever goes, so a file that has all of today's and more was written by a later version.
    """
    if not {*schema} <= {*found}:
        return []
    return [name for name, kind in found.items() if name not in schema or _fields(kind) > _fields(schema[name])]


def _fields(kind: pl.DataType) -> set[str]:
    """The names of a list's structures; none for any other type."""
    inner = kind.inner if isinstance(kind, pl.List) else None
    return {field.name for field in inner.fields} if isinstance(inner, pl.Struct) else set()


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


def _replace(path: Path, frame: pl.DataFrame, metadata: Mapping[str, str]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    tags = {METADATA_PREFIX + name: value for name, value in metadata.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(temporary, compression="zstd", metadata=tags)
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    except (OSError, pl.exceptions.PolarsError) as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise LakeError(f"cannot write {path}: {error}; free or unlock the disk and run again") from error


def flush(path: Path) -> None:
    """Force a file or a folder to the disk, so that a rename survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
