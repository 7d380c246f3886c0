"""CPU time of the pages: all of them, none after the same publication, and those that change with one repository.

The lake is made by `ecosystem.py`, as for `warehouse.py`. The floor reads the columns of the two large tables that
pages show, and makes nothing of them.
"""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.ecosystem import Size, learn, write_ecosystem
from benchmarks.measure import Runs, measure
from benchmarks.report import Goal, Line, at_most
from benchmarks.search import search_lines
from benchmarks.warehouse import QUIET, compute_statistics, scan_remote
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.report.build import SiteReport, build_site
from kubestats_pipeline.warehouse.build import build_warehouse, schema_version

GROUP = "pages"
WHOLE_GOAL_SECONDS = 90
CHANGED_GOAL_SECONDS = 4
COMMIT = "f" * 40
"""A commit that no repository has."""


def pages_lines(remotes: Sequence[Path], folder: Path, size: Size) -> Iterator[Line]:
    """A first build, one of the same publication, and one after a change of one repository."""
    lake = Lake(Layout(folder / "ecosystem"))
    write_ecosystem(learn([scan_remote(remote, folder) for remote in remotes]), lake, size)
    measure(compute_statistics, lake)
    measure(build_warehouse, lake)
    floor = Runs((measure(read_shown, lake.layout.warehouse).cost,))
    what = f"{size.repositories:,} repositories, {size.resources:,} resources"
    first = measure(build_pages, lake)
    cost = Runs((first.cost,))
    yield Line(GROUP, f"{first.value.pages:,} pages of {what}", cost, floor, (_goal(cost, WHOLE_GOAL_SECONDS),))
    yield from search_lines(lake.layout.report)
    same = Runs((measure(build_pages, lake).cost,))
    yield Line(GROUP, "the same publication", same, floor)
    change_one(lake)
    measure(build_warehouse, lake)
    changed = measure(build_pages, lake)
    cost = Runs((changed.cost,))
    what = f"{changed.value.written:,} files after one repository changed"
    yield Line(GROUP, what, cost, floor, (_goal(cost, CHANGED_GOAL_SECONDS),))


def build_pages(lake: Lake) -> SiteReport:
    """Make the pages of what is published."""
    return build_site(lake.layout.warehouse, lake.layout.report, schema_version())


def read_shown(warehouse: Path) -> int:
    """Read everything that pages show of resources and events, as Python's own objects. Give how many rows."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(QUIET)
        resources = connection.execute("SELECT name, file_path, data FROM resources").fetchall()
        events = connection.execute("SELECT event_type, commit_sha, field_changes FROM resource_events").fetchall()
    return len(resources) + len(events)


def change_one(lake: Lake) -> None:
    """Let the first repository change one resource in a commit of its own."""
    name = str(min(lake.partitions(RESOURCES), key=str))
    events = _rows(lake, RESOURCE_EVENTS, name)
    living = events.sort("sequence").unique("resource_id", keep="last").filter(pl.col("event_type") != "DELETED")
    at = events.select(pl.col("event_timestamp").max()).item() + datetime.timedelta(hours=1)
    new = (
        living.sort("sequence")
        .tail(1)
        .with_columns(
            sequence=pl.lit(events.select(pl.col("sequence").max()).item() + 1, dtype=pl.Int64),
            event_timestamp=pl.lit(at).cast(events["event_timestamp"].dtype),
            event_id=pl.lit("f" * 32),
            event_type=pl.lit("MODIFIED"),
            commit_sha=pl.lit(COMMIT),
        )
    )
    lake.write(RESOURCE_EVENTS, name, pl.concat([events, new]))
    is_changed = pl.col("resource_id") == new["resource_id"][0]
    changes = {"updated_at": pl.lit(at), "updated_commit": pl.lit(COMMIT)}
    rows = _rows(lake, RESOURCES, name)
    for column, value in changes.items():
        chosen = pl.when(is_changed).then(value).otherwise(pl.col(column))
        rows = rows.with_columns(chosen.cast(rows[column].dtype).alias(column))
    lake.write(RESOURCES, name, rows)


def _rows(lake: Lake, table: Table, name: str) -> pl.DataFrame:
    partition = lake.read(table, name)
    assert partition is not None
    return partition.rows


def _goal(runs: Runs, limit: float) -> Goal:
    return replace(at_most(runs.cpu, limit, "s"), text=f"≤ {limit:g} s CPU")
