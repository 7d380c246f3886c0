"""A publication is left out only where it would show what is published already, but for when somebody last looked."""

import datetime
import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.contract import Table, Type
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import (
    ECOSYSTEM_STATS,
    HELM_VALUES,
    REPOSITORIES,
    REPOSITORY_METRICS,
    SCANS,
    SNAPSHOTS,
    TABLES,
)
from kubestats_pipeline.warehouse import basis, build
from kubestats_pipeline.warehouse.basis import LAST_LOOKS, LEFT_FOR, is_current
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.statistics.ecosystem import write_ecosystem_stats
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

MINUTE = datetime.timedelta(minutes=1)
DAYS = [datetime.date(2026, 3, 8), datetime.date(2026, 3, 9)]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A small lake with statistics and its published file. Nobody changes it."""
    lake = write_small_lake(tmp_path_factory.mktemp("published"))
    for date in DAYS:
        write_ecosystem_stats(lake, date)
    build_warehouse(lake)
    return lake


@pytest.fixture
def lake(published: Lake, tmp_path: Path) -> Lake:
    """The same, to be changed: hard links keep every stamp."""
    shutil.copytree(published.layout.data_dir, tmp_path / "data", copy_function=lambda a, b: Path(b).hardlink_to(a))
    return Lake(Layout(tmp_path / "data"))


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def stands(lake: Lake) -> bool:
    return is_current(lake, "looks", now())


def newest(lake: Lake, table: Table) -> Any:
    return lake.partitions(table)[-1]


def rewrite(lake: Lake, table: Table, change: pl.Expr | None = None, key: Any = ...) -> None:
    """Write a partition of a table anew, the newest unless told otherwise, with or without a change."""
    key = newest(lake, table) if key is ... else key
    found = lake.read(table, key)
    assert found is not None
    lake.write(table, key, found.rows.with_columns(change) if change is not None else found.rows)


def other(table: Table, name: str) -> pl.Expr:
    """Another value of a column, of its type."""
    kind = next(column.type for column in table.columns if column.name == name)
    values: dict[Type, Any] = {
        Type.TEXT: pl.lit("another"),
        Type.INTEGER: pl.lit(4711),
        Type.BOOLEAN: pl.lit(True),
        Type.TIME: pl.lit(datetime.datetime(2026, 3, 11, tzinfo=datetime.UTC)),
        Type.DATE: pl.lit(datetime.date(2026, 3, 11)),
        Type.TEXTS: pl.lit(["another"]),
    }
    return values[kind].alias(name)


def test_what_was_just_published_stands_and_a_look_changes_nothing(lake: Lake) -> None:
    assert stands(lake)
    assert stands(lake)


@pytest.mark.parametrize("table", [TABLES[name] for name in LAST_LOOKS], ids=lambda table: table.name)
def test_files_that_every_look_writes_anew_may_be_written_with_the_same_rows(lake: Lake, table: Table) -> None:
    for key in lake.partitions(table) if table is SNAPSHOTS else [newest(lake, table)]:
        rewrite(lake, table, key=key)
    assert stands(lake)


COLUMNS = [
    (TABLES[table], column.name)
    for table in LAST_LOOKS
    for column in TABLES[table].columns
    if column.type is not Type.COUNTS and column.name not in TABLES[table].key
]


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda each: getattr(each, "name", each))
def test_every_column_counts_but_those_that_say_when_somebody_last_looked(
    lake: Lake, table: Table, column: str
) -> None:
    rewrite(lake, table, other(table, column))
    assert stands(lake) == (LAST_LOOKS[table.name].get(column, "counts") is None)


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ({"sync_status": "synced"}, {"sync_status": "unchanged"}, False),
        ({"sync_status": "unchanged"}, {"sync_status": "unreachable"}, True),
        ({"consecutive_failures": 3}, {"consecutive_failures": 4}, False),
        ({"consecutive_failures": 0}, {"consecutive_failures": 1}, True),
        ({"consecutive_failures": 1}, {"consecutive_failures": 0}, True),
    ],
)
def test_a_sync_that_ends_as_the_last_one_did_does_not_count(
    lake: Lake, before: dict[str, Any], after: dict[str, Any], counts: bool
) -> None:
    rewrite(lake, SNAPSHOTS, pl.lit(*before.values()).alias(*before))
    build_warehouse(lake)
    rewrite(lake, SNAPSHOTS, pl.lit(*after.values()).alias(*after))
    assert stands(lake) != counts


def remove_statistics(lake: Lake) -> None:
    lake.delete(ECOSYSTEM_STATS, newest(lake, ECOSYSTEM_STATS))


CHANGES: dict[str, Callable[[Lake], object]] = {
    "a scan": lambda lake: rewrite(lake, SCANS),
    "settings": lambda lake: rewrite(lake, HELM_VALUES),
    "an earlier day": lambda lake: rewrite(lake, REPOSITORY_METRICS, key=lake.partitions(REPOSITORY_METRICS)[0]),
    "a repository less": lambda lake: lake.delete(SNAPSHOTS, newest(lake, SNAPSHOTS)),
    "a table less": remove_statistics,
    "a damaged table": lambda lake: lake.storage.put(lake.name(REPOSITORIES), b"no Parquet"),
    "no file": lambda lake: lake.layout.warehouse.unlink(),
    "another file": lambda lake: shutil.copy2(lake.layout.warehouse, lake.layout.warehouse.with_name("kept")).replace(
        lake.layout.warehouse
    ),
    "no note": lambda lake: lake.layout.basis.unlink(),
    "a damaged note": lambda lake: lake.storage.put("kubestats.basis.json", b"{"),
    "a note of something else": lambda lake: lake.storage.put("kubestats.basis.json", b"[]"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_everything_else_makes_a_publication(lake: Lake, change: str) -> None:
    CHANGES[change](lake)
    assert not stands(lake)


def test_another_rule_or_another_code_makes_a_publication(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_current(lake, "strict", now())
    monkeypatch.setattr(basis, "_digest_code", lambda: "another")
    assert not stands(lake)


def test_the_digest_of_the_code_is_that_of_every_file_of_the_package(tmp_path: Path, monkeypatch: Any) -> None:
    shutil.copytree(basis.PACKAGE / "warehouse", tmp_path / "warehouse")
    monkeypatch.setattr(basis, "PACKAGE", tmp_path)
    read = basis._digest_code.__wrapped__
    before = read()
    assert read() == before
    (tmp_path / "warehouse/views/chart_popularity.sql").write_text("SELECT 1")
    assert read() != before


def test_a_file_is_left_for_some_hours_only_and_not_from_the_future(lake: Lake) -> None:
    built_at = datetime.datetime.fromisoformat(json.loads(lake.layout.basis.read_bytes())["built_at"])
    assert is_current(lake, "looks", built_at + LEFT_FOR - MINUTE)
    assert not is_current(lake, "looks", built_at + LEFT_FOR + MINUTE)
    assert not is_current(lake, "looks", built_at - MINUTE), "the clock was set back"


def test_a_sync_during_a_build_leaves_no_note(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build may have read the rows of a failure that was over at both ends."""
    described = build.create_marts

    def sync_meanwhile(connection: duckdb.DuckDBPyConnection) -> None:
        rewrite(lake, SNAPSHOTS)
        described(connection)

    monkeypatch.setattr(build, "create_marts", sync_meanwhile)
    build_warehouse(lake, whole=True)
    assert not stands(lake)
    assert not lake.layout.basis.exists()


def test_a_file_that_an_earlier_build_put_in_its_place_meanwhile_does_not_stand(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes publish at once, and the one that read the lake first ends last."""
    of_earlier_build = shutil.copyfile(lake.layout.warehouse, tmp_path / "earlier")
    noted = build.note_basis

    def overtaken(*arguments: Any) -> None:
        of_earlier_build.replace(lake.layout.warehouse)
        noted(*arguments)

    monkeypatch.setattr(build, "note_basis", overtaken)
    rewrite(lake, REPOSITORIES, other(REPOSITORIES, "description"))
    build_warehouse(lake)
    assert not stands(lake)


# Statistics


STATISTICS = {
    "nothing": (lambda lake: None, True),
    "a look": (lambda lake: rewrite(lake, REPOSITORIES, other(REPOSITORIES, "last_seen_at")), True),
    "stars": (lambda lake: rewrite(lake, REPOSITORY_METRICS, other(REPOSITORY_METRICS, "stars_count")), False),
    "a scan": (lambda lake: rewrite(lake, SCANS), False),
    "lost rows": (remove_statistics, False),
}


@pytest.mark.parametrize("change", STATISTICS)
def test_statistics_are_computed_again_where_anything_else_has_changed(lake: Lake, change: str) -> None:
    basis.note_statistics(lake, basis.read_basis(lake, ""), DAYS[1])
    alter, stand = STATISTICS[change]
    alter(lake)
    assert basis.has_statistics(lake, DAYS[1]) == stand
    assert not basis.has_statistics(lake, DAYS[1] + datetime.timedelta(days=1)), "a new day has its own row"


def test_statistics_during_which_a_table_changed_are_not_noted(lake: Lake) -> None:
    before = basis.read_basis(lake, "")
    rewrite(lake, REPOSITORIES)
    basis.note_statistics(lake, before, DAYS[1])
    assert not basis.has_statistics(lake, DAYS[1])


# Any sequence of changes, runs and killed runs


class Killed(BaseException):
    """The process died here."""


def kill_before_the_rename(patch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise Killed

    patch.setattr(build, "_publish", die)


def kill_before_the_note(patch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise Killed

    patch.setattr(build, "note_basis", die)


KILLS = (kill_before_the_rename, kill_before_the_note)


KILLED = """
import os, signal, sys
from pathlib import Path
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.warehouse import build

setattr(build, sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
build.build_warehouse(Lake(Layout(Path(sys.argv[1]))))
"""
"""A publication that is killed before a step."""


def publish(lake: Lake, kill: Callable[[pytest.MonkeyPatch], None] | None = None) -> None:
    """What a run does at its end, perhaps not to its own end."""
    if stands(lake):
        return
    with pytest.MonkeyPatch.context() as patch:
        if kill is not None:
            kill(patch)
        try:
            build_warehouse(lake)
        except Killed:
            assert kill is not None


def content(lake: Lake) -> dict[str, list[tuple[Any, ...]]]:
    """Every stored row of the published file, without the columns of last looks and the moment of the build."""
    looks = {table: ", ".join(columns) for table, columns in LAST_LOOKS.items() if columns} | {
        "warehouse_info": "built_at"
    }
    with duckdb.connect(str(lake.layout.warehouse), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        columns = {name: f"* EXCLUDE ({looks[name]})" if name in looks else "*" for name in names}
        return {
            name: connection.execute(f"SELECT {columns[name]} FROM {name} ORDER BY ALL").fetchall() for name in names
        }


STEPS: tuple[Callable[[Lake], object], ...] = (
    lambda lake: rewrite(lake, REPOSITORIES, other(REPOSITORIES, "last_seen_at")),
    lambda lake: rewrite(lake, SNAPSHOTS, other(SNAPSHOTS, "last_sync_at")),
    lambda lake: rewrite(lake, SNAPSHOTS, pl.lit("unchanged").alias("sync_status")),
    lambda lake: rewrite(lake, SNAPSHOTS, pl.lit("no route to host").alias("sync_error")),
    lambda lake: rewrite(lake, REPOSITORY_METRICS, other(REPOSITORY_METRICS, "recorded_at")),
    lambda lake: rewrite(lake, REPOSITORY_METRICS, (pl.col("stars_count") + 1).alias("stars_count")),
    lambda lake: rewrite(lake, REPOSITORIES, other(REPOSITORIES, "description")),
    lambda lake: lake.delete(HELM_VALUES, "bob/cluster"),
    lambda lake: write_ecosystem_stats(lake, DAYS[1]),
)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_after_any_changes_runs_and_killed_runs_the_file_equals_a_whole_build(
    lake: Lake, seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        for step in chance.sample(STEPS, 2):
            step(lake)
        publish(lake, chance.choice((None, *KILLS)))
    publish(lake)
    whole = Lake(Layout(tmp_path / "whole"))
    shutil.copytree(lake.layout.lake, whole.layout.lake)
    build_warehouse(whole)
    assert content(lake) == content(whole)


@pytest.mark.parametrize("last_step", ["_publish", "note_basis"])
def test_a_publication_that_was_killed_is_made_by_the_next_run(lake: Lake, last_step: str) -> None:
    rewrite(lake, REPOSITORIES, other(REPOSITORIES, "description"))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(lake.layout.data_dir), last_step], timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert not stands(lake)
    publish(lake)
    assert stands(lake)
    with duckdb.connect(str(lake.layout.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT description FROM repositories").fetchall() == [("another",)]
