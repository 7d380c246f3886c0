"""Describes the marts of a published warehouse, from the file itself: columns with types and comments, and rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.warehouse.connect import open_to_read
from kubestats_pipeline.warehouse.marts import MARTS


@dataclass(frozen=True)
class Description:
    """One mart: its rows, and its columns as name, type and description."""

    name: str
    rows: int
    columns: tuple[tuple[str, str, str], ...]


def describe_marts(path: Path) -> Iterator[Description]:
    """Describe all marts of the file at `path`, in the order in which they were created."""
    with open_to_read(path) as connection:
        for mart in MARTS:
            columns = connection.execute(
                "SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns() "
                "WHERE table_name = ? ORDER BY column_index",
                [mart.name],
            ).fetchall()
            counted = connection.execute(f"SELECT count(*) FROM {mart.name}").fetchone()  # noqa: S608 - our own names
            yield Description(mart.name, counted[0] if counted else 0, tuple(columns))
