"""Time of a publication, and of a query of each mart and macro, on a lake that is as large as the real one.

The lake is made by `ecosystem.py` from what the scan found in real repositories. The floor only loads the two large
tables into a DuckDB file: no checks, no comments, no other table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.ecosystem import NOW, Size, learn, push_to_one, write_ecosystem
from benchmarks.inputs import mirror, name_of
from benchmarks.measure import Cost, Measured, Runs, measure, timed
from benchmarks.report import Goal, Line, at_most, ratio_of
from benchmarks.scan import scan
from benchmarks.statements import profile_build
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.marts import MACROS, MARTS, Mart
from kubestats_pipeline.warehouse.statistics.ecosystem import record_due_days

GROUP = "warehouse"
LARGE = (RESOURCES, RESOURCE_EVENTS)
QUIET = "SET enable_progress_bar = false"  # a bar would spoil the table, and `connect` has no option for it
HISTORY_DAYS = 90
FIRST_ROWS = 100

ARGUMENTS = {
    "moment": "SELECT max(event_timestamp) - INTERVAL 30 DAY FROM resource_events",
    "chart": "SELECT chart_name FROM chart_popularity WHERE is_resolved ORDER BY releases DESC, chart_name LIMIT 1",
    "days": "SELECT 30",
    "part": "SELECT image FROM image_usage ORDER BY repositories DESC, image LIMIT 1",
    "text": "SELECT 'replicas'",
    "wanted": "SELECT chart_name FROM chart_popularity WHERE is_resolved ORDER BY releases DESC, chart_name LIMIT 1",
    "words": "SELECT name FROM repositories ORDER BY repository_id LIMIT 1",
}
"""Queries for the arguments of macros, by parameter without a default. Each finds a value with many rows."""

BUILD_GOAL_SECONDS = 60
BUILD_GOAL_MB = 4000
QUERY_GOAL_SECONDS = 1
REFRESH_GOAL = 0.2
"""Share of the CPU of a whole build."""
LEAST_SECONDS = 0.1
"""CPU seconds of the smallest part of a build that has a line."""


def warehouse_lines(remotes: Sequence[Path], folder: Path, size: Size, repeats: int) -> Iterator[Line]:
    """The statistics of all days, the build with its parts, and every mart and macro, the slowest first."""
    lake = Lake(Layout(folder / "ecosystem"))
    events = write_ecosystem(learn([scan_remote(remote, folder) for remote in remotes]), lake, size)
    what = f"{size.repositories:,} repositories, {size.resources:,} resources, {events:,} events"
    days = measure(compute_statistics, lake)
    yield Line(GROUP, f"statistics of {days.value:,} days", Runs((days.cost,)))
    whole = _build_line(lake, what)
    yield whole
    yield _refresh_line(lake, whole.runs, repeats)
    for part, cost in measure(profile_build, lake).value.items():
        if cost.cpu >= LEAST_SECONDS:
            yield Line(GROUP, f"of a build: {part}", Runs((cost,)))
    queries = measure(query_marts, lake.layout.warehouse, repeats).value
    for query, found in sorted(queries.items(), key=lambda each: -each[1].wall):
        yield Line(GROUP, query, found, goals=(_wall_goal(found, QUERY_GOAL_SECONDS),))


def scan_remote(remote: Path, folder: Path) -> Lake:
    """The lake of one repository with the default depth of history."""
    mirrored = mirror(remote, folder / "learned" / name_of(remote), HISTORY_DAYS)
    measure(scan, mirrored, mirrored.span.head)
    return mirrored.lake


def compute_statistics(lake: Lake) -> int:
    """Write the statistics of every day, and return the number of days."""
    return len(record_due_days(lake, NOW.date()))


def load_large_tables(files: dict[str, list[str]], target: Path) -> None:
    """Load Parquet files into tables of a DuckDB file."""
    target.unlink(missing_ok=True)
    with duckdb.connect(str(target)) as connection:
        connection.execute(QUIET)
        for table, paths in files.items():
            query = f"CREATE TABLE {table} AS SELECT * FROM read_parquet($files, hive_partitioning = false)"
            connection.execute(query, {"files": paths})


def query_marts(warehouse: Path, repeats: int) -> dict[str, Runs]:
    """Query every mart and macro several times in two ways, and return the costs by description.

    The first way computes all columns of all rows without sending them anywhere, so that no query of the mart alone
    takes more work. The second way is a query for the first rows, with the mart's own order.
    """
    found = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(QUIET)
        for mart in (*MARTS, *MACROS):
            source, values = call_of(connection, mart)
            whole = f"SELECT count(*), bit_xor(hash(each)) FROM {source} AS each"
            runs = [timed(_fetch, connection, whole, values) for _ in range(repeats)]
            found[f"{mart.name}: all of {runs[0].value[0][0]:,} rows"] = _runs(runs)
            first = f"FROM {source} LIMIT {FIRST_ROWS}"
            found[f"{mart.name}: first rows"] = _runs(
                [timed(_fetch, connection, first, values) for _ in range(repeats)]
            )
    return found


def call_of(connection: duckdb.DuckDBPyConnection, mart: Mart) -> tuple[str, list[object]]:
    """The source of a query and the values of its placeholders: a mart's name, or the call of a macro."""
    if mart not in MACROS:
        return mart.name, []
    queries = [ARGUMENTS[each.name] for each in mart.parameters if each.default is None]
    values = [_fetch(connection, query)[0][0] for query in queries]
    return f"{mart.name}({', '.join('?' * len(values))})", values


def _files(lake: Lake, table: Table) -> list[str]:
    return [str(path) for key in lake.partitions(table) for path in lake.files(table, key)]


def _build_line(lake: Lake, what: str) -> Line:
    files = {table.name: _files(lake, table) for table in LARGE}
    floor = measure(load_large_tables, files, lake.layout.data_dir / "floor.duckdb")
    built = measure(build_warehouse, lake)
    runs = Runs((built.cost,))
    memory = replace(at_most(runs.peak_mb, BUILD_GOAL_MB, "MB"), text=f"≤ {BUILD_GOAL_MB:,} MB of memory")
    size = f"{built.value.size_bytes / 1e6:,.0f} MB file"
    return Line(
        GROUP,
        f"build of {what}, {size}",
        runs,
        Runs((floor.cost,)),
        (_wall_goal(runs, BUILD_GOAL_SECONDS), memory),
    )


def _refresh_line(lake: Lake, whole: Runs, repeats: int) -> Line:
    """Publications each after a commit in one repository. The floor is the whole build."""
    costs = []
    for number in range(repeats):
        push_to_one(lake, number)
        costs.append(measure(build_warehouse, lake).cost)
    runs = Runs(tuple(costs))
    return Line(
        GROUP,
        "publication after one repository changed",
        runs,
        whole,
        (at_most(ratio_of(runs, whole), REFRESH_GOAL, "× of a whole build"),),
    )


def _fetch(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    return connection.execute(query, list(values)).fetchall()


def _runs(found: Sequence[Measured[list[tuple[Any, ...]]]]) -> Runs:
    return Runs(tuple(Cost(each.cost.cpu, each.cost.wall, each.cost.peak_mb) for each in found))


def _wall_goal(runs: Runs, limit: float) -> Goal:
    """A goal for the clock, because these are times that people wait, and a query uses all cores."""
    return replace(at_most(runs.wall, limit, "s"), text=f"≤ {limit:g} s wall")
