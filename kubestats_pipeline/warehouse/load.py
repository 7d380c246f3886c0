"""Reads all partitions of one table of the lake into one DuckDB table, typed as the contract says.

`build.py` builds and publishes the file, `verify.py` checks it. Nothing here knows a view or writes
to the lake.
"""

import contextlib
import dataclasses
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from types import MappingProxyType

import duckdb

from kubestats_pipeline.lake.contract import Column, Table, Type
from kubestats_pipeline.lake.lake import NEWER, UPGRADE
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.connect import SESSION, open_to_build
from kubestats_pipeline.warehouse.sources import WarehouseError

REMEDY = "Restore it from a backup, or delete it and run again: the next run rebuilds the partition"


DOCUMENTS = "USING COMPRESSION zstd"
"""How documents are stored. DuckDB leaves them uncompressed by itself. Of neighbours that are versions of one document,
zstd makes a twentieth, at no cost to a build, which writes less, and next to none to a query."""


def load_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    files: Sequence[str],
    published: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Create a table and fill it from its Parquet files, in the order of the files and of their rows.

    Without files the table is empty. `published` has SQL expressions over a row for the columns that are loaded in
    another form.

    Raises:
        WarehouseError: a file is damaged or does not fit the contract, or memory or disk do not suffice. The text never
            quotes a value, because DuckDB's own messages do and documents may hold what nobody should read.
    """
    try:
        _fill(connection, table, table.name, files, published)
    except duckdb.Error as error:
        raise WarehouseError(_explain(table, files, error)) from None


@contextlib.contextmanager
def some_columns(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[str], names: Collection[str]
) -> Iterator[None]:
    """Have a temporary table of some columns in the place of one that is loaded later.

    Raises:
        WarehouseError: as in `load_table`.
    """
    try:
        _fill(connection, keep_columns(table, names), table.name, files, kind="TEMP TABLE")
    except duckdb.Error as error:
        raise WarehouseError(_explain(table, files, error)) from None
    yield
    connection.execute(f"DROP TABLE temp.{table.name}")


def keep_columns(table: Table, names: Collection[str]) -> Table:
    """A table with some of its columns."""
    return dataclasses.replace(table, columns=tuple(column for column in table.columns if column.name in names))


def select_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[str], *, older: bool = False
) -> str:
    """The SELECT that reads the Parquet files `$files` as rows of a table, in their order, `older` as in `_insert`."""
    # hive_partitioning off: the folder's `repository=` is not a column. Rows keep their order, so that a repository's
    # events and a resource's history lie together, as in the files.
    source = f"read_parquet($files, hive_partitioning = false, union_by_name = {older})"
    known = _columns_of(connection, files) if older else None
    values = ", ".join(f'{_read_column(column, known)} AS "{column.name}"' for column in table.columns)
    return f"SELECT {values} FROM {source}"  # noqa: S608 - the contract's


def _fill(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    name: str,
    files: Sequence[str],
    published: Mapping[str, str] = MappingProxyType({}),
    *,
    kind: str = "TABLE",
) -> None:
    columns = ", ".join(f'"{column.name}" {_declare(column.type)}' for column in table.columns)
    connection.execute(f"CREATE OR REPLACE {kind} {name} ({columns})")
    if not files:
        return
    _refuse_newer(connection, table, files)
    try:
        _insert(connection, table, name, files, published)
    except duckdb.Error:
        if _lacks_required(connection, table, files):
            raise
        _insert(connection, table, name, files, published, older=True)


def _columns_of(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> set[str]:
    """The names of all columns that some file has."""
    source = "read_parquet($files, hive_partitioning = false, union_by_name = true)"
    return {name for name, *_ in connection.execute(f"DESCRIBE FROM {source}", {"files": list(files)}).fetchall()}


def _refuse_newer(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[str]) -> None:
    """No column ever goes, so files that have all of the contract's and more were written by a later version."""
    known = {*TABLES[table.name].column_names}
    unknown = sorted(_columns_of(connection, files) - known)
    if unknown and not _lacks_required(connection, table, files):
        file = next((file for file in files if unknown[0] in _columns_of(connection, [file])), files[0])
        raise WarehouseError(f"{file} {NEWER} (it has the column {unknown[0]}); {UPGRADE}")


def _declare(kind: Type) -> str:
    return f"{kind.value} {DOCUMENTS}" if kind is Type.JSON else kind.value


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    name: str,
    files: Sequence[str],
    published: Mapping[str, str],
    *,
    older: bool = False,
) -> None:
    """Insert the rows of all files. With `older`, columns that some or all of them lack are what the contract says.

    Until a repository has been scanned again, or where that fails, its files are those of an earlier version.
    """
    rows = select_rows(connection, table, files, older=older)
    if published:
        replaced = ", ".join(f'{expression} AS "{column}"' for column, expression in published.items())
        rows = f"SELECT * REPLACE ({replaced}) FROM ({rows})"  # noqa: S608 - the contract's
    connection.execute(f"INSERT INTO {name} {rows}", {"files": list(files)})


def _read_column(column: Column, known: Container[str] | None) -> str:
    earlier = column.earlier or "NULL"
    if known is not None and column.name not in known:
        return earlier
    name = f'"{column.name}"'
    value = f"map_from_entries({name})" if column.type is Type.COUNTS else f"CAST({name} AS {column.type.value})"
    return value if known is None or column.earlier is None else f"coalesce({value}, {earlier})"


def _lacks_required(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[str]) -> bool:
    """True if a file lacks a column of the contract without a value for earlier rows: it is not of this table."""
    required = [column.name for column in table.columns if not column.nullable and column.earlier is None]
    found = "count(DISTINCT name) FILTER (list_contains($required, name))"
    query = f"SELECT {found} FROM parquet_schema($files) GROUP BY file_name"  # noqa: S608 - a constant
    rows = connection.execute(query, {"files": list(files), "required": required}).fetchall()
    return any(present < len(required) for (present,) in rows)


def _explain(table: Table, files: Sequence[str], error: duckdb.Error) -> str:
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"{table.name} does not fit into {SESSION['memory_limit']} of memory and the free disk. Free some"
    for file in files:
        problem = _problem_of(table, file)
        if problem:
            return f"{file} cannot be read as {table.name} ({problem}). {REMEDY}"
    if isinstance(error, duckdb.InvalidInputException):  # a function of `withhold.py`, whose own error quotes values
        return f"{table.name} cannot be loaded, because its settings cannot be withheld. Scan its repositories again"
    return f"{table.name} cannot be loaded ({type(error).__name__}). See that the disk is neither full nor read-only"


def _problem_of(table: Table, file: str) -> str | None:
    """The failure of one file alone: only DuckDB's class of error, whose text may quote a document."""
    with open_to_build() as connection:
        try:
            _fill(connection, table, "probe", [file])
        except duckdb.Error as error:
            return type(error).__name__
    return None
