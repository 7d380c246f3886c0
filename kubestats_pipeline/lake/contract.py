"""Data model of a table: its grain, key, columns with type and meaning, and partitioning.

The tables themselves are in `tables.py`. This module knows no other module of the package.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """The column types, named as DuckDB names them."""

    TEXT = "VARCHAR"
    INTEGER = "BIGINT"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    TIME = "TIMESTAMPTZ"
    TEXTS = "VARCHAR[]"
    JSON = "JSON"
    COUNTS = "MAP(VARCHAR, BIGINT)"
    IMAGES = (
        "STRUCT(image VARCHAR, tag VARCHAR, digest VARCHAR, role VARCHAR, registry VARCHAR, repository VARCHAR, "
        "raw VARCHAR)[]"
    )


class Partitioning(Enum):
    """How the files of a table are cut."""

    WHOLE = "whole"
    REPOSITORY = "repository"
    DATE = "date"
    YEAR = "year"


@dataclass(frozen=True)
class Column:
    """One column: its name, type and meaning, and whether it may be null.

    Attributes:
        earlier: an SQL expression over a row's other columns: the value in files that were written before the column
            was there. DuckDB and polars read it alike. Files without a required column cannot be read if it is None.
        may_dangle: true for the id of a row that may be gone, or may never have been there.
    """

    name: str
    type: Type
    meaning: str
    nullable: bool = True
    earlier: str | None = None
    may_dangle: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the lake.

    Attributes:
        name: the table's name, also of its Dagster asset.
        grain: what one row is, as "one row per …".
        key: the columns that identify a row in the whole table.
        stage: the one stage that writes it.
        sort: the order of rows in a partition.
        numbered_by: of a log, the column that numbers the rows of a partition from 0. Such a partition may be several
            files (see `event_log_segments.py`).
    """

    name: str
    grain: str
    stage: str
    partitioning: Partitioning
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    sort: tuple[str, ...] = ()
    numbered_by: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns in their declared order."""
        return tuple(column.name for column in self.columns)


def required(name: str, kind: Type, meaning: str, *, earlier: str | None = None, may_dangle: bool = False) -> Column:
    """A column that is never null. A new one needs an expression for `earlier` rows."""
    return Column(name, kind, meaning, nullable=False, earlier=earlier, may_dangle=may_dangle)


def references(table: Table, tables: Sequence[Table]) -> list[tuple[str, Table]]:
    """The columns of a table that name a row of another one: those that bear its key's name, `…_id`, and do not dangle.

    Of several tables with that key, as of `repository_id`, the first one is meant.
    """
    owners = {other.key[0]: other for other in reversed(tables) if len(other.key) == 1}
    names = (column.name for column in table.columns if not column.may_dangle)
    named = ((name, owners[name]) for name in names if name.endswith("_id") and name in owners)
    return [(name, owner) for name, owner in named if owner is not table]
