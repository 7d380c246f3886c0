"""Runs over many repositories: one that fails is named, stops nobody, and can be seen, repeated and healed alone."""

import contextlib
import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import (
    ECOSYSTEM_STATS,
    REPOSITORY_METRICS,
    RESOURCE_EVENTS,
    RESOURCES,
    SCANS,
    SNAPSHOTS,
)
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.base.batches import CHANGED_TAG
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.base.partitions import (
    metrics_days,
    register_days,
    repository_partitions,
    statistics_days,
)
from kubestats_pipeline.orchestration.cycle import Cycle, run_cycle
from kubestats_pipeline.plain_text import plain
from kubestats_pipeline_tests.builders import GitRepository, settings_for

NOW = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)
NAMES = [f"local/ann/repo{number}" for number in range(10)]
LOST = NAMES[4]
FAILED, MATERIALIZED = "FAILED", "MATERIALIZED"


class Installation:
    """Ten tiny repositories, the pipeline over them, and Dagster's storage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "ann"
        self.repositories = {name: GitRepository(self.folder / f"{Path(name).name}.git") for name in NAMES}
        for name in NAMES:
            self.commit(name, "one")
        settings = settings_for(folder, repositories=[str(self.folder)], scan={"workers": 1})
        self.services = Services(settings, now=lambda: NOW)
        self.definitions = build_definitions(self.services)
        self.instance = open_instance(Layout(settings.data_dir))

    @property
    def lake(self) -> Lake:
        return self.services.lake

    def commit(self, name: str, value: str) -> str:
        manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {Path(name).name}}}\ndata: {{a: {value}}}\n"
        return self.repositories[name].commit({"a.yaml": manifest})

    @contextlib.contextmanager
    def without(self, place: Path) -> Iterator[None]:
        """Take a repository, or the folder of all, away for a while."""
        away = place.rename(self.services.settings.data_dir.with_name("away"))
        try:
            yield
        finally:
            away.rename(place)

    @contextlib.contextmanager
    def damaged(self, path: Path) -> Iterator[None]:
        """Damage a file for a while; nobody may replace it in the meantime."""
        content = path.read_bytes()
        path.write_bytes(b"garbage")
        try:
            yield
            assert path.read_bytes() == b"garbage", "what is damaged is left to a person"
        finally:
            path.write_bytes(content)

    def cycle(self) -> Cycle:
        return run_cycle(self.services, self.instance)

    def run(
        self, stage: str, names: Sequence[str] = (), *, partition: str | None = None, tags: dict[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Run the job of a stage over the named repositories or a partition."""
        config = {"ops": {stage: {"config": {"repositories": list(names)}}}}
        job = self.definitions.resolve_job_def(f"{stage}_repositories")
        return job.execute_in_process(
            config, instance=self.instance, partition_key=partition, tags=tags, raise_on_error=False
        )

    def run_range(self, stage: str, first: str, last: str) -> dg.ExecuteInProcessResult:
        start, end = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
        return self.run(stage, tags={start: first, end: last})

    def rescan(self, partition: str) -> dg.ExecuteInProcessResult:
        """Choose a partition of the job and launch it as it is."""
        job = self.definitions.resolve_job_def("rescan_repositories")
        return job.execute_in_process(instance=self.instance, partition_key=partition, raise_on_error=False)

    def run_days(self, job_name: str, asset: str, first: str, last: str) -> dg.ExecuteInProcessResult:
        """What a backfill of an asset over some days runs; test_live.py has a real one."""
        start, end = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
        job = self.definitions.resolve_job_def(job_name)
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(asset)],
            tags={start: first, end: last},
            raise_on_error=False,
        )

    def counts(self, key: str) -> Counter[str | None]:
        """How many materializations each partition has."""
        records = self.instance.fetch_materializations(dg.AssetKey(key), limit=5000).records
        return Counter(record.partition_key for record in records)

    def color(self, key: str, partition: str) -> str | None:
        """What the UI shows for a partition."""
        found = self.instance.get_status_by_partition(dg.AssetKey(key), [partition], repository_partitions) or {}
        status = found.get(partition)
        return status.value if status else None

    def observed(self, key: str, partition: str) -> list[str]:
        """Why a partition failed, the newest first."""
        chosen = dg.AssetRecordsFilter(dg.AssetKey(key), asset_partitions=[partition])
        records = self.instance.fetch_observations(chosen, limit=100).records
        return [str(record.event_log_entry.asset_observation.description) for record in records]

    def shown(self, key: str, partition: str) -> dict[str, Any]:
        """The metadata on the page of a partition: those of its last materialization, and of an observation since."""
        chosen = dg.AssetRecordsFilter(dg.AssetKey(key), asset_partitions=[partition])
        (made,) = self.instance.fetch_materializations(chosen, limit=1).records
        shown = dict(made.asset_materialization.metadata)
        for seen in self.instance.fetch_observations(chosen, limit=1).records:
            if seen.storage_id > made.storage_id:
                shown |= seen.asset_observation.metadata
        return {name: value.value for name, value in shown.items()}

    def summary(self, key: str) -> dict[str, Any]:
        """What the last batch told of itself."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey(key))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def reason_of(result: dg.ExecuteInProcessResult) -> str:
    """Why the run's only step failed."""
    (event,) = result.get_step_failure_events()
    data = event.step_failure_data.user_failure_data
    return str(data.description) if data else ""


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """After a first cycle; each test below leaves all ten reachable, undamaged and scanned."""
    installation = Installation(tmp_path_factory.mktemp("ten"))
    with installation.instance:
        assert installation.cycle() == Cycle(10, 10, {})
        yield installation


def test_one_unreachable_repository_of_ten_is_named_and_the_nine_finish(ten: Installation):
    moved = NAMES[7]
    before = ten.counts("scans")
    head = ten.commit(moved, "two")
    with ten.without(ten.repositories[LOST].path):
        cycle = ten.cycle()
    assert list(cycle.failures) == [LOST]
    assert "correct its name in `repositories`" in cycle.failures[LOST]
    assert (cycle.repositories, cycle.changed, cycle.succeeded) == (10, 1, False)
    assert ten.observed("snapshots", LOST) == [cycle.failures[LOST]]
    assert ten.counts("scans") - before == {moved: 1}
    assert (ten.lake.read_metadata(RESOURCES, moved) or {})["commit"] == head
    summary = ten.summary("sync_runs")
    assert (summary["requested"], summary["changed"], summary["failed"]) == (10, 1, 1)
    (row,) = summary["failures"].records
    assert row.data == {"what": LOST, "why": cycle.failures[LOST]}
    assert_warned(ten)
    assert ten.run("sync", NAMES).success


def assert_warned(ten: Installation) -> None:
    """The check of the last syncs failed, and no worse: one of ten is what is tolerated."""
    key = dg.AssetCheckKey(dg.AssetKey("snapshots"), "repositories_synced")
    record = ten.instance.get_latest_asset_check_evaluation_record(key)
    assert record is not None
    assert record.event is not None
    assert record.event.dagster_event is not None
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert evaluation.passed is False
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    assert LOST in str(evaluation.metadata["failures"])


def test_a_run_of_one_unreachable_repository_is_red_until_a_batch_reaches_it_again(ten: Installation):
    with ten.without(ten.repositories[LOST].path):
        result = ten.run("sync", partition=LOST)
    assert not result.success
    assert reason_of(result).startswith(f"1 of 1 repositories failed: {LOST}: git could not read")
    assert ten.color("snapshots", LOST) == FAILED
    assert ten.run("sync", NAMES).success
    assert ten.color("snapshots", LOST) == MATERIALIZED


def test_the_page_of_a_failed_repository_shows_the_reason_and_the_next_attempt_until_it_succeeds(ten: Installation):
    with ten.without(ten.repositories[LOST].path):
        assert ten.run("sync", [NAMES[0], LOST]).success
    row = ten.lake.read(SNAPSHOTS, LOST).rows.row(0, named=True)
    shown = ten.shown("snapshots", LOST)
    assert shown["reason"] == plain(row["sync_error"])
    assert shown["next_attempt"] == pytest.approx(row["next_attempt_at"].timestamp())
    before = ten.counts("snapshots")
    assert ten.run("sync", NAMES).success
    assert ten.counts("snapshots") - before == {LOST: 1}, "nothing changed, and its page must not go on to complain"
    assert "reason" not in ten.shown("snapshots", LOST)


def test_a_partition_that_is_asked_for_is_materialized_although_nothing_changed(ten: Installation):
    before = ten.counts("snapshots")
    result = ten.run("sync", partition=LOST)
    assert result.success
    assert ten.counts("snapshots") - before == {LOST: 1}
    run = ten.instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags[CHANGED_TAG] == "0"


def test_a_range_of_partitions_is_one_run_over_those_and_no_others(ten: Installation):
    before = ten.counts("scans")
    assert ten.run_range("scan", NAMES[2], NAMES[5]).success
    assert ten.counts("scans") - before == Counter(NAMES[2:6])


@pytest.mark.parametrize("stage", ["sync", "scan"])
def test_a_repository_that_nobody_knows_is_refused_by_its_name(ten: Installation, stage: str):
    result = ten.run(stage, [NAMES[0], "else/where"])
    assert not result.success
    assert reason_of(result) == (
        "not an active repository: else/where. Run discover_repositories first, or correct the name"
    )
    near = reason_of(ten.run(stage, ["local/ann/rep1"]))
    assert near.startswith("not an active repository: local/ann/rep1. Did you mean local/ann/repo1")


@pytest.mark.slow
def test_a_cycle_in_which_everything_fails_names_each_repository_and_the_source(ten: Installation):
    with ten.without(ten.folder):
        failures = ten.cycle().failures
    assert set(failures) == {*NAMES, str(ten.folder)}
    assert ten.summary("sync_runs")["failed"] == 10
    assert ten.run("sync", NAMES).success


def test_a_sweep_leaves_alone_what_waits_for_its_next_attempt(ten: Installation):
    with ten.without(ten.repositories[LOST].path):
        assert not ten.run("sync", [LOST]).success
    assert ten.run("sync").success
    assert ten.summary("sync_runs")["requested"] == 9
    assert ten.run("sync", [LOST]).success
    assert ten.run("sync").success
    assert ten.summary("sync_runs")["requested"] == 10


@pytest.mark.parametrize(
    ("stage", "table", "key"), [("sync", SNAPSHOTS, "snapshots"), ("scan", RESOURCES, "resource_events")]
)
def test_a_damaged_file_of_one_repository_is_named_and_the_others_go_on(ten: Installation, stage: str, table, key: str):
    path = ten.lake.path(table, LOST)
    for name in NAMES:
        ten.commit(name, f"before damage of {stage}")
    assert ten.run("sync", NAMES).success
    with ten.damaged(path):
        result = ten.run(stage, NAMES)
        assert result.success, "nine of ten are no failure of the run"
        assert str(path) in ten.observed(key, LOST)[0]
        assert ten.summary(f"{stage}_runs")["failed"] == 1
    assert ten.run("sync", NAMES).success
    assert ten.run("scan", NAMES).success
    assert ten.lake.read_all(SCANS)["scan_status"].to_list() == ["scanned"] * 10


def test_a_damaged_table_of_repositories_fails_the_run_with_its_path(ten: Installation):
    path = ten.lake.layout.whole_table("repositories")
    with ten.damaged(path):
        for stage in ("sync", "scan"):
            result = ten.run(stage)
            assert not result.success
            assert str(path) in reason_of(result)
    assert ten.run("sync").success


def test_a_repository_is_replayed_from_the_start_and_no_other(ten: Installation):
    before = ten.counts("scans")
    known = ten.lake.read(RESOURCE_EVENTS, NAMES[1])
    assert ten.rescan(NAMES[1]).success
    assert ten.counts("scans") - before == {NAMES[1]: 1}
    newest = dg.AssetRecordsFilter(dg.AssetKey("scans"), asset_partitions=[NAMES[1]])
    told = ten.instance.fetch_materializations(newest, limit=1).records[0].asset_materialization
    assert told is not None
    assert told.metadata["new_events"] == told.metadata["events"], "all of them are from this replay"
    anew = ten.lake.read(RESOURCE_EVENTS, NAMES[1])
    assert known is not None
    assert anew is not None
    assert anew.rows.drop("sync_run_id").equals(known.rows.drop("sync_run_id"))


@pytest.mark.parametrize(
    ("job", "asset", "table", "partitions"),
    [
        ("record_statistics", "ecosystem_stats", ECOSYSTEM_STATS, statistics_days),
        ("discover_repositories", "repository_metrics", REPOSITORY_METRICS, metrics_days),
    ],
)
def test_days_are_all_green_after_a_backfill_whether_anything_is_known_of_them(
    ten: Installation, job, asset, table, partitions
):
    days = [f"2025-12-{day:02}" for day in range(20, 32)] + ["2026-01-01", "2026-01-02"]
    register_days(ten.instance, partitions, asset, map(datetime.date.fromisoformat, days))
    assert ten.run_days(job, asset, days[0], days[-1]).success
    assert ten.instance.get_materialized_partitions(dg.AssetKey(asset)) >= set(days)
    told = {record.partition_key: record for record in records_of(ten.instance, asset)}
    rows = {day: told[day].asset_materialization.metadata["dagster/partition_row_count"].value for day in days}
    known = {day.isoformat() for day in ten.lake.read_all(table)["date"]}
    assert {day for day in days if rows[day]} == known & set(days)
    assert told[days[0]].asset_materialization.metadata["note"].value, "it says why the day is empty"


def records_of(instance: dg.DagsterInstance, asset: str) -> list[dg.EventLogRecord]:
    """All materializations of an asset, the oldest first."""
    return list(instance.fetch_materializations(dg.AssetKey(asset), limit=5000, ascending=True).records)
