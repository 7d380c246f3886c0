"""Describes tables and marts of a published warehouse, from the file itself: columns, counts, and the first rows.

A value that is withheld from the file cannot be in its description.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from kubestats_pipeline.lake.health import FAILED
from kubestats_pipeline.plain_text import plain
from kubestats_pipeline.warehouse.connect import open_to_read

FIRST_ROWS = 5
LONGEST_CELL = 60
"""Characters of a cell. Documents are cut, because every publication keeps the first rows for weeks."""

REPOSITORY_ID = "repository_id"

Column = tuple[str, str, str]
"""Name, type and description."""

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Description:
    """One table or mart.

    Attributes:
        name: its name.
        rows: how many it has.
        repositories: of how many repositories, or None where its rows name none.
        columns: as name, type and description.
        first: its first rows by column, those of ids last. Texts are cut, on one line, and without control characters.
    """

    name: str
    rows: int
    repositories: int | None
    columns: tuple[Column, ...]
    first: tuple[Mapping[str, Cell], ...]


def describe(path: Path, names: Sequence[str]) -> Iterator[Description]:
    """Describe tables and marts of the file at `path`, in the given order."""
    with open_to_read(path) as connection:
        columns = _columns(connection)
        for name in names:
            yield _describe(connection, name, columns[name])


def count_syncs(path: Path) -> Mapping[str, int]:
    """How many repositories are active, and of how many of those the last sync succeeded or failed."""
    with open_to_read(path) as connection:
        active, synced, failed = _one(
            connection,
            "SELECT count(*), count(*) FILTER (NOT list_contains(?, sync_status)), "
            "count(*) FILTER (list_contains(?, sync_status)) "
            "FROM repositories LEFT JOIN snapshots USING (repository_id) WHERE status = 'active'",
            [[*FAILED], [*FAILED]],
        )
    return {"active": active, "synced": synced, "failed": failed}


def _columns(connection: duckdb.DuckDBPyConnection) -> Mapping[str, list[Column]]:
    """The columns of every table and view, in their order."""
    found: dict[str, list[Column]] = {}
    for relation, *column in connection.execute(
        "SELECT table_name, column_name, data_type, coalesce(comment, '') FROM duckdb_columns() ORDER BY column_index"
    ).fetchall():
        name, kind, comment = column
        found.setdefault(relation, []).append((name, kind, comment))
    return found


def _describe(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[Column]) -> Description:
    named = any(column == REPOSITORY_ID for column, *_ in columns)
    counted = f"count(DISTINCT {REPOSITORY_ID})" if named else "NULL"
    rows, repositories = _one(connection, f"SELECT count(*), {counted} FROM {name}")  # noqa: S608 - our own names
    return Description(name, rows, repositories, tuple(columns), tuple(_first_rows(connection, name, columns)))


def _one(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None  # noqa: S101 - a count without GROUP BY has one row
    return row


def _first_rows(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[Column]
) -> Iterator[Mapping[str, Cell]]:
    columns = sorted(columns, key=lambda column: column[0].endswith("_id"))
    cells = ", ".join(_shown(*column) for column in columns)
    names = [column for column, *_ in columns]
    query = f"SELECT {cells} FROM {name} LIMIT {FIRST_ROWS}"  # noqa: S608 - our own names
    for row in connection.execute(query).fetchall():
        yield {column: _cell(value) for column, value in zip(names, row, strict=True)}


def _shown(name: str, kind: str, _: str) -> str:
    """SQL for a cell: numbers as they are, and the beginning of any other text."""
    is_number = kind.startswith(("BOOLEAN", "BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "DECIMAL"))
    return f'"{name}"' if is_number else f'left(CAST("{name}" AS VARCHAR), {LONGEST_CELL + 1})'


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return plain(value if len(value) <= LONGEST_CELL else f"{value[:LONGEST_CELL]}…")
    if isinstance(value, float | Decimal):
        return round(float(value), 4) if math.isfinite(value) else str(value)  # JSON has no other numbers
    return value  # type: ignore[no-any-return]
