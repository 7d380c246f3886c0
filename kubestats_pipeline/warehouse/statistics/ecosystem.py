"""Computes rows of `ecosystem_stats` from the event log, for today or any past day, and writes them to the lake.

The definitions are in the SQL files beside this module: `ecosystem_history.sql` prepares the timelines of all counts,
`ecosystem_stats.sql` gives the rows of any number of days, `ecosystem_days.sql` the days that are due. The rows come
after the scans and before `build.py`, which publishes them like every other table.
"""

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import (
    APPLIED_EVENTS,
    ECOSYSTEM_STATS,
    REPOSITORIES,
    REPOSITORY_METRICS,
    RESOURCE_EVENTS,
    RESOURCES,
    SCANS,
)
from kubestats_pipeline.lake.years import put_days
from kubestats_pipeline.warehouse.connect import open_to_build
from kubestats_pipeline.warehouse.load import keep_columns, load_table
from kubestats_pipeline.warehouse.sources import find_sources

SQL = Path(__file__).parent

_READ_COLUMNS = {
    REPOSITORIES: ("repository_id", "language", "topics", "created_at", "discovered_at", "retired_at"),
    REPOSITORY_METRICS: ("repository_id", "date", "stars_count", "forks_count", "watchers_count", "open_issues_count"),
    RESOURCE_EVENTS: (
        "resource_id",
        "repository_id",
        "sequence",
        "event_type",
        "event_timestamp",
        "commit_sha",
        "resource_kind",
        "resolution",
        "chart_name",
        "context",
    ),
    RESOURCES: ("resource_id", "is_applied"),
    APPLIED_EVENTS: (
        "applied_id",
        "repository_id",
        "sequence",
        "event_type",
        "event_timestamp",
        "kind",
        "resolution",
        "chart_name",
        "context",
    ),
    SCANS: ("repository_id", "complete_from"),
    ECOSYSTEM_STATS: (
        "date",
        "total_resource_events",
        "total_repositories",
        "total_stars",
        "total_joined_repositories",
    ),
}
"""The columns that the statistics need. The documents, nearly all of the lake's bytes, stay unread."""


DAYS_AT_ONCE = 366
"""Days of one query: a year of thousands of charts, topics and kinds stays small in memory."""


def write_ecosystem_stats(lake: Lake, date: datetime.date) -> dict[str, Any] | None:
    """Compute the row of one day (UTC, as of its end), write it into the file of its year and give it.

    None, and nothing written, when no repository was known and no event had happened by then, or when retention has
    archived events of the day: its row, if there is one, stays as it is.

    Raises:
        WarehouseError: a file of the lake is damaged.
        LakeError: the file cannot be written.
        BusyError: another process has been writing statistics for long.
    """
    with _open_history(lake) as connection:
        return next(iter(_write_days(lake, connection, [date])), None)


def backfill_ecosystem_stats(lake: Lake, dates: Sequence[datetime.date]) -> list[datetime.date]:
    """Do for many days what `write_ecosystem_stats` does for one, reading the lake once. Give the days written.

    Raises:
        WarehouseError: a file of the lake is damaged.
        LakeError: a file cannot be written. The years before it are.
        BusyError: another process has been writing statistics for long.
    """
    with _open_history(lake) as connection:
        return _write_all(lake, connection, dates)


def record_due_days(lake: Lake, today: datetime.date) -> list[datetime.date]:
    """Do for the `days_to_compute` what `backfill_ecosystem_stats` does, reading the lake once for both.

    Raises:
        WarehouseError: a file of the lake is damaged.
        LakeError: a file cannot be written. The years before it are.
        BusyError: another process has been writing statistics for long.
    """
    with _open_history(lake) as connection:
        return _write_all(lake, connection, _due_days(connection, today))


def days_to_compute(lake: Lake, today: datetime.date) -> list[datetime.date]:
    """The days up to `today` whose row is missing or no longer agrees with the lake, oldest first.

    They begin with the first event. Today and yesterday are always among them, because they were or may have been
    computed before they ended.

    Raises:
        WarehouseError: a file of the lake is damaged.
    """
    with _open_history(lake) as connection:
        return _due_days(connection, today)


def _due_days(connection: duckdb.DuckDBPyConnection, today: datetime.date) -> list[datetime.date]:
    rows = connection.execute(_read_sql("ecosystem_days"), {"today": today}).fetchall()
    return [day for (day,) in rows]


@contextlib.contextmanager
def _open_history(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with the tables of `ecosystem_history.sql`."""
    sources = find_sources(lake, tuple(_READ_COLUMNS))
    with open_to_build() as connection:
        for table, names in _READ_COLUMNS.items():
            load_table(connection, keep_columns(table, names), list(sources[table.name]))
        connection.execute(_read_sql("ecosystem_history"))
        yield connection


def _read_sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def _write_all(
    lake: Lake, connection: duckdb.DuckDBPyConnection, dates: Sequence[datetime.date]
) -> list[datetime.date]:
    return [
        row["date"]
        for start in range(0, len(dates), DAYS_AT_ONCE)
        for row in _write_days(lake, connection, dates[start : start + DAYS_AT_ONCE])
    ]


def _write_days(
    lake: Lake, connection: duckdb.DuckDBPyConnection, dates: Sequence[datetime.date]
) -> list[dict[str, Any]]:
    result = connection.execute(_read_sql("ecosystem_stats"), {"dates": list(dates)})
    names = [name for name, *_ in result.description]
    rows = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
    put_days(lake, ECOSYSTEM_STATS, rows)
    return rows
