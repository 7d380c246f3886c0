"""Whole cycles over the sample: what the first records, that a second changes nothing, that lost files come back."""

import dataclasses
import datetime
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import (
    ECOSYSTEM_STATS,
    REPOSITORIES,
    RESOURCE_EVENTS,
    RESOURCES,
    SCAN_PROBLEMS,
    SCANS,
    SNAPSHOTS,
    TABLES,
)
from kubestats_pipeline.orchestration.automation import build_automation
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.base.partitions import REPOSITORY_PARTITIONS
from kubestats_pipeline.orchestration.checks import CHECKS
from kubestats_pipeline.orchestration.cycle import Cycle, run_cycle
from kubestats_pipeline.orchestration.standing import NOTHING_NEW, find_standing
from kubestats_pipeline.sample.build import SAMPLE_REPOSITORIES
from kubestats_pipeline.settings import load_settings
from kubestats_pipeline_tests.builders import GitRepository, settings_for

SUCCEEDED = AssetCheckExecutionRecordStatus.SUCCEEDED
NOW = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(hours=1)
NAMES = sorted(f"local/{name}" for name in SAMPLE_REPOSITORIES)
TOKEN = "ghp_0123456789abcdef"
PURE = (RESOURCES, RESOURCE_EVENTS, SCAN_PROBLEMS, SCANS)
"""Tables that are a function of git's objects and the settings."""

MATERIALIZED = (
    "snapshots",
    "resource_events",
    "scan_problems",
    "applied_resources",
    "applied_events",
    "resources",
    "scans",
)
"""Assets with a partition for each repository."""

WALL_CLOCK = ("last_sync_at", "sync_run_id", "sync_status", "last_scan_at")
"""The only columns that a replay may change."""


@dataclass
class World:
    """An installation: its services and its Dagster instance."""

    services: Services
    instance: dg.DagsterInstance

    @property
    def lake(self) -> Lake:
        return self.services.lake

    def cycle(self, now: datetime.datetime) -> Cycle:
        return run_cycle(dataclasses.replace(self.services, now=lambda: now), self.instance)

    def runs(self) -> int:
        return self.instance.get_runs_count()

    def materialized(self, key: str, partition: str | None = None) -> list[dg.AssetMaterialization]:
        """All materializations of an asset or one of its partitions, the newest first."""
        partitions = [partition] if partition else None
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(key), asset_partitions=partitions), limit=1000
        ).records
        return [record.asset_materialization for record in records if record.asset_materialization]


def open_world(folder: Path, sample: Path) -> World:
    settings = settings_for(folder, repositories=[str(sample)], scan={"workers": 1}, github={"token": TOKEN})
    return World(Services(settings, now=lambda: NOW), open_instance(Layout(settings.data_dir)))


def numbers(materialization: dg.AssetMaterialization) -> dict[str, object]:
    return {name: value.value for name, value in materialization.metadata.items()}


def all_rows(lake: Lake) -> dict[str, pl.DataFrame]:
    return {table.name: lake.read_all(table) for table in TABLES.values()}


def differing(before: dict[str, pl.DataFrame], after: dict[str, pl.DataFrame]) -> dict[str, set[str]]:
    """The columns of each table that are not equal, row by row."""
    found = {}
    for name, old in before.items():
        new, key = after[name], list(TABLES[name].key)
        assert old.height == new.height, name
        old, new = old.sort(key), new.sort(key)
        columns = {column for column in old.columns if not old[column].equals(new[column])}
        found |= {name: columns} if columns else {}
    return found


def damaged_copy(world: World, folder: Path) -> Layout:
    """A copy of the data without Dagster's home, as a backup of the lake would be."""
    shutil.copytree(world.services.settings.data_dir, folder / "data", ignore=shutil.ignore_patterns("dagster"))
    return Layout(folder / "data")


@pytest.fixture(scope="module")
def sample(sample_repositories: Path) -> Path:
    return sample_repositories


@pytest.fixture(scope="module")
def empty_world(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("cycle"), sample)
    with world.instance:
        yield world


@pytest.fixture(scope="module")
def first(empty_world: World) -> Cycle:
    return empty_world.cycle(NOW)


@pytest.fixture(scope="module")
def world(empty_world: World, first: Cycle) -> World:
    """After one cycle or more; nothing in the sample moves."""
    assert first.failures == {}
    return empty_world


@pytest.fixture(scope="module")
def rows_of_first(world: World) -> dict[str, pl.DataFrame]:
    return all_rows(world.lake)


@pytest.fixture(scope="module")
def second(world: World, rows_of_first: dict[str, pl.DataFrame]) -> Cycle:
    return world.cycle(LATER)


def test_a_first_cycle_brings_every_repository_forward(first: Cycle):
    assert first == Cycle(repositories=len(NAMES), changed=len(NAMES), failures={})
    assert first.succeeded


def test_every_repository_is_a_partition(world: World):
    assert sorted(world.instance.get_dynamic_partitions(REPOSITORY_PARTITIONS)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_repository_has_its_own_history_in_dagster(world: World, name: str):
    snapshot = world.lake.read(SNAPSHOTS, name)
    scan = world.lake.read(SCANS, name)
    assert snapshot is not None
    assert scan is not None
    head = snapshot.rows["head_commit"].item()
    for key in MATERIALIZED:
        (materialization,) = world.materialized(key, name)
        assert numbers(materialization)["commit"] == head
        assert (materialization.tags or {})["dagster/data_version"] == head
    told = numbers(world.materialized("scans", name)[0])
    row = scan.rows.row(0, named=True)
    assert (told["resources"], told["events"], told["problems"]) == (
        row["resources_count"],
        row["events_count"],
        row["problems_count"],
    )


@pytest.mark.parametrize("key", ["sync_runs", "scan_runs"])
def test_each_batch_is_summed_up(world: World, key: str):
    told = numbers(world.materialized(key)[-1])
    assert (told["requested"], told["changed"], told["failed"]) == (len(NAMES), len(NAMES), 0)
    assert "seconds" in told


def test_discovery_and_publication_tell_their_rows(world: World, first: Cycle):
    assert numbers(world.materialized("repositories")[-1])["dagster/row_count"] == len(NAMES)
    told = numbers(world.materialized("warehouse")[-1])
    with duckdb.connect(str(world.lake.layout.warehouse), read_only=True) as connection:
        for table in TABLES:
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (None,)
            assert told[f"rows_{table}"] == rows, table
    assert numbers(world.materialized("releases")[-1])["dagster/row_count"] > 0


def test_statistics_are_materialized_for_each_day_since_the_first_event(world: World):
    partitions = world.instance.get_materialized_partitions(dg.AssetKey("ecosystem_stats"))
    assert partitions == {day.isoformat() for day in world.lake.read_all(ECOSYSTEM_STATS)["date"]}
    assert NOW.date().isoformat() in partitions


def test_every_check_is_evaluated_and_passes(world: World):
    keys = [key for checks in CHECKS for key in checks.check_keys]
    records = {key: world.instance.get_latest_asset_check_evaluation_record(key) for key in keys}
    assert {
        key.to_user_string() for key, record in records.items() if record is None or record.status is not SUCCEEDED
    } == set()


def test_a_second_cycle_materializes_no_repository_again(world: World, second: Cycle):
    assert second == Cycle(repositories=len(NAMES), changed=0, failures={}, notes=(NOTHING_NEW,))
    for key in MATERIALIZED:
        assert len(world.materialized(key)) == len(NAMES), key
    assert numbers(world.materialized("sync_runs")[0])["changed"] == 0


def test_a_second_cycle_changes_no_row_but_the_times_of_the_sync(world: World, second: Cycle, rows_of_first):
    assert differing(rows_of_first, all_rows(world.lake)) == {
        "repositories": {"last_seen_at"},
        "snapshots": {"sync_status", "last_sync_at", "sync_run_id"},
    }


def test_a_second_cycle_writes_no_file_of_the_scan_and_publishes_nothing(world: World, rows_of_first, second: Cycle):
    files = [world.lake.path(table, name) for table in PURE for name in NAMES]
    layout = world.lake.layout
    published, confirmed = layout.warehouse.stat().st_mtime_ns, layout.basis.stat().st_mtime_ns
    second_sync = min(world.lake.path(SNAPSHOTS, name).stat().st_mtime_ns for name in NAMES)
    assert max(file.stat().st_mtime_ns for file in files) < published < second_sync < confirmed
    assert len(world.materialized("warehouse")) == len(world.materialized("report")) == 1


def test_while_the_file_stands_schedule_and_sensor_start_no_publication(world: World, second: Cycle):
    resources = {"services": world.services}
    schedules, sensors = build_automation(world.services.settings)
    schedule = next(each for each in schedules if each.job_name == "publish_warehouse")
    sensor = next(each for each in sensors if each.name == "publish_after_scan")
    assert schedule(dg.build_schedule_context(world.instance, resources=resources)) == dg.SkipReason(NOTHING_NEW)
    looked = sensor(dg.build_sensor_context(world.instance, resources=resources))
    assert isinstance(looked, dg.SensorResult)
    assert (looked.run_requests or [], looked.skip_reason) == ([], dg.SkipReason(NOTHING_NEW))
    later = sensor(dg.build_sensor_context(world.instance, cursor=looked.cursor, resources=resources))
    assert later == dg.SkipReason("nothing new since the last publish_warehouse")


@pytest.mark.parametrize(
    ("changes", "lost"),
    [({"report": {"url": "https://pages.example.org/"}}, None), ({"publish_values": "strict"}, None), ({}, "report")],
)
def test_a_setting_that_shapes_the_publication_or_lost_pages_make_a_new_one(
    world: World, second: Cycle, changes: dict[str, Any], lost: str | None
):
    settings = load_settings(**world.services.settings.model_dump(exclude={*changes}), **changes)
    services = dataclasses.replace(world.services, settings=settings)
    assert find_standing(world.services, world.instance) is not None
    pages, away = world.lake.layout.report, world.lake.layout.data_dir / "away"
    if lost:
        pages.rename(away)
    try:
        assert find_standing(services, world.instance) is None
    finally:
        if lost:
            away.rename(pages)


def test_no_token_is_kept_anywhere(world: World, second: Cycle):
    files = [path for path in world.services.settings.data_dir.rglob("*") if path.is_file()]
    assert any(path.name == "runs.db" for path in files)
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


@pytest.mark.slow
def test_after_the_loss_of_warehouse_mirrors_and_dagsters_home_a_cycle_ends_where_it_was(
    world: World, rows_of_first, sample: Path, tmp_path: Path
):
    layout = damaged_copy(world, tmp_path)
    layout.warehouse.unlink()
    shutil.rmtree(layout.mirrors)
    anew = open_world(tmp_path, sample)
    with anew.instance:
        assert anew.instance.get_dynamic_partitions(REPOSITORY_PARTITIONS) == []
        assert anew.cycle(LATER).failures == {}
        assert sorted(anew.instance.get_dynamic_partitions(REPOSITORY_PARTITIONS)) == NAMES
    changed = differing(rows_of_first, all_rows(anew.lake))
    assert changed.keys() <= {"repositories", "snapshots"}
    assert changed["snapshots"] <= set(WALL_CLOCK)
    assert layout.warehouse.exists()


@pytest.mark.slow
def test_after_the_loss_of_the_whole_scan_its_rows_come_back_ids_included(
    world: World, rows_of_first, sample: Path, tmp_path: Path
):
    layout = damaged_copy(world, tmp_path)
    for table in PURE:
        shutil.rmtree(layout.table(table.name))
    anew = open_world(tmp_path, sample)
    with anew.instance:
        assert anew.cycle(LATER).failures == {}
    changed = differing(rows_of_first, all_rows(anew.lake))
    assert {name: columns - set(WALL_CLOCK) for name, columns in changed.items()} == {
        "repositories": {"last_seen_at"},
        **{name: set() for name in changed if name != "repositories"},
    }


CYCLE = """
import sys
from kubestats_pipeline.orchestration.cycle import run_cycle
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.settings import load_settings

settings = load_settings(data_dir=sys.argv[1], repositories=[sys.argv[2]], scan={"workers": 1})
with open_instance(Layout(settings.data_dir)) as instance:
    cycle = run_cycle(Services(settings), instance)
print(cycle.repositories, dict(cycle.failures))
"""


@pytest.mark.slow
def test_two_cycles_at_once_in_two_processes_both_end_well(tmp_path: Path):
    for name in ("one", "two"):
        manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"
        GitRepository(tmp_path / "ann" / f"{name}.git").commit(
            {"a.yaml": manifest}, at=datetime.datetime.now(datetime.UTC)
        )
    command = [sys.executable, "-c", CYCLE, str(tmp_path / "data"), str(tmp_path / "ann")]
    cycles = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    outputs = [cycle.communicate(timeout=300) for cycle in cycles]
    assert [output for output, _ in outputs] == [b"2 {}\n"] * 2, outputs
    lake = Lake(Layout(tmp_path / "data"))
    assert sorted(lake.read_all(RESOURCES)["name"]) == ["one", "two"]
    assert lake.read_all(RESOURCE_EVENTS)["event_type"].to_list() == ["CREATED"] * 2
    assert lake.read_all(REPOSITORIES).height == 2
