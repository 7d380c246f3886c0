"""The published DuckDB file as the pages read it: opened read-only, checked, and its rows as plain values.

The file is the only thing that this stage knows of the pipeline. Times come as text in ISO 8601 and UTC, because
Python takes longer to make its own objects of a million of them than everything else here takes.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from kubestats_pipeline.errors import ExplainedError

Row = tuple[Any, ...]

_TEXT_OF = {
    "TIMESTAMP WITH TIME ZONE": "replace(left(CAST({name} AS VARCHAR), 19), ' ', 'T') || 'Z'",
    "DATE": "CAST({name} AS VARCHAR)",
    "HUGEINT": "CAST({name} AS BIGINT)",
}
"""SQL that makes a plain value of a column, by its type. Sums are HUGEINT, and those of counts fit."""

IDENTITY = """SELECT schema_version, built_at, reference_at
    FROM warehouse_info LEFT JOIN reference_moment ON TRUE"""
"""Before the first event there is no moment from which days could be counted back."""

REBUILD = "Publish it again with `kubestats run`"


class ReportError(ExplainedError):
    """The pages cannot be made. The last ones stay."""


@dataclass(frozen=True)
class Rows:
    """Rows of a query, with their columns' names and types."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Publication:
    """A publication of the file: its schema, when its build began, and the moment from which it counts days back."""

    schema_version: str
    built_at: str
    reference_at: str | None


@contextlib.contextmanager
def open_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, read-only. Its replacement by a publication at the same time does not disturb.

    Raises:
        ReportError: it is missing or damaged.
    """
    if not path.is_file():
        raise ReportError(f"no published file at {path}. Run `kubestats demo` or `kubestats run` first")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise ReportError(f"{path} cannot be opened ({type(error).__name__}). {REBUILD}") from error
    with connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def identify(connection: duckdb.DuckDBPyConnection, schema_version: str) -> Publication:
    """The publication that a file is.

    Args:
        connection: the open file.
        schema_version: the one that these pages are written for.

    Raises:
        ReportError: the file has another schema, because another version of Kubestats has published it.
    """
    try:
        found = read(connection, IDENTITY)
    except duckdb.CatalogException as error:
        raise ReportError(f"the published file is not of Kubestats. {REBUILD}") from error
    publication = Publication(*found.rows[0])
    if publication.schema_version != schema_version:
        which = f"schema {publication.schema_version}, and these pages are written for {schema_version}"
        raise ReportError(f"the published file has {which}. {REBUILD}")
    return publication


def read(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    """The rows of a query, times as text."""
    relation = connection.sql(query)
    types = tuple(str(kind) for kind in relation.types)
    columns = tuple(relation.columns)
    plain = [
        f'{_TEXT_OF[kind].format(name=f"#{place}")} AS "{name}"' if kind in _TEXT_OF else f"#{place}"
        for place, (name, kind) in enumerate(zip(columns, types, strict=True), 1)
    ]
    if any(kind in _TEXT_OF for kind in types):
        query = f"SELECT {', '.join(plain)} FROM ({query})"  # noqa: S608 - of constants and a quoted key
    return Rows(columns, types, connection.execute(query).fetchall())
