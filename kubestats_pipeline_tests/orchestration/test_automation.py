"""Schedules and sensors: they start what is needed, never what runs already, and nothing for nothing."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import REPOSITORIES, SNAPSHOTS
from kubestats_pipeline.orchestration import automation
from kubestats_pipeline.orchestration.automation import build_automation, build_schedules, cron_of
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.setting_sections import AutomationSettings
from kubestats_pipeline_tests.builders import settings_for
from kubestats_pipeline_tests.lake.test_lake import any_row

NOW = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
SCHEDULES = {schedule.job_name: schedule for schedule in build_schedules(AutomationSettings())}


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance on disk: Dagster gives schedules no other."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


@pytest.fixture
def instance(storage: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """The same, without runs."""
    yield storage
    forget_runs(storage)


def forget_runs(instance: dg.DagsterInstance) -> None:
    for run in instance.get_runs():
        instance.delete_run(run.run_id)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(settings_for(tmp_path), now=lambda: NOW)


def add_run(instance: dg.DagsterInstance, job_name: str, status: dg.DagsterRunStatus) -> None:
    """Record a run; Dagster takes a queued one only with the code location that it comes from."""
    origin = RemoteJobOrigin(
        RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("kubestats"), "__repository__"), job_name
    )
    instance.add_run(dg.DagsterRun(job_name=job_name, status=status, remote_job_origin=origin))


# Schedules


def tick_of(job_name: str, instance: dg.DagsterInstance, services: Services) -> Any:
    """What a schedule decides now."""
    return SCHEDULES[job_name](dg.build_schedule_context(instance, resources={"services": services}))


def test_each_job_has_its_cadence_by_default():
    assert {name: schedule.cron_schedule for name, schedule in SCHEDULES.items()} == {
        "discover_repositories": "*/5 * * * *",
        "sync_repositories": "*/15 * * * *",
        "scan_repositories": "*/30 * * * *",
        "publish_warehouse": "0 */1 * * *",
        "record_statistics": "10 0 * * *",
        "clean_up": "40 3 * * *",
        "retire_events": "10 1 * * *",
    }


def test_schedules_and_sensors_run_without_being_switched_on(tmp_path: Path):
    schedules, sensors = build_automation(settings_for(tmp_path))
    assert {each.default_status for each in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    assert {each.default_status for each in sensors} == {dg.DefaultSensorStatus.RUNNING}
    assert {each.execution_timezone for each in schedules} == {"UTC"}
    names = ["sync_after_push", "scan_after_sync", "publish_after_scan", "wake_waiting_runs"]
    assert [each.name for each in sensors] == names
    assert {each.minimum_interval_seconds for each in sensors} == {60}


@pytest.mark.parametrize(
    ("minutes", "cron"),
    [(1, "*/1 * * * *"), (30, "*/30 * * * *"), (60, "0 */1 * * *"), (720, "0 */12 * * *"), (1440, "0 0 * * *")],
)
def test_a_cadence_becomes_a_cron_line(minutes: int, cron: str):
    assert cron_of(minutes) == cron
    assert dg.ScheduleDefinition(job_name="any", cron_schedule=cron).cron_schedule == cron


def test_a_cadence_of_zero_leaves_only_its_own_schedule_out():
    names = {each.job_name for each in build_schedules(AutomationSettings(sync_minutes=0, publish_minutes=0))}
    assert names == {
        "discover_repositories",
        "scan_repositories",
        "record_statistics",
        "retire_events",
        "clean_up",
    }


@pytest.mark.parametrize("status", ["QUEUED", "STARTING", "STARTED", "CANCELING"])
@pytest.mark.parametrize("job_name", SCHEDULES)
def test_a_schedule_is_skipped_while_its_job_is_under_way(instance, services, job_name: str, status: str):
    add_run(instance, job_name, dg.DagsterRunStatus[status])
    skipped = tick_of(job_name, instance, services)
    assert skipped == dg.SkipReason(f"{job_name} is queued or running")


@pytest.mark.parametrize("job_name", SCHEDULES)
def test_a_schedule_ticks_when_its_job_has_ended_or_only_others_run(instance, services, job_name: str):
    for status in ("SUCCESS", "FAILURE", "CANCELED", "NOT_STARTED"):
        add_run(instance, job_name, dg.DagsterRunStatus[status])
    for other in SCHEDULES.keys() - {job_name}:
        add_run(instance, other, dg.DagsterRunStatus.STARTED)
    assert isinstance(tick_of(job_name, instance, services), dg.RunRequest)


# The push sensor


def discover(lake: Lake, pushes: dict[str, datetime.datetime | None]) -> None:
    """What a discovery leaves: active repositories with their last pushes."""
    rows = [
        any_row(REPOSITORIES, repository_id=f"git:{name}", full_name=f"ann/{name}", status="active", pushed_at=pushed)
        for name, pushed in pushes.items()
    ]
    lake.write(REPOSITORIES, None, rows)


def sync(lake: Lake, name: str, at: datetime.datetime, next_attempt_at: datetime.datetime | None = None) -> None:
    """What a sync leaves."""
    known = {"repository_id": f"git:{name}", "full_name": f"ann/{name}"}
    row = any_row(SNAPSHOTS, **known, last_sync_at=at, next_attempt_at=next_attempt_at)
    lake.write(SNAPSHOTS, f"ann/{name}", [row])


def tick(services: Services, instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    sensor = build_automation(services.settings)[1][0]
    return sensor(dg.build_sensor_context(instance, cursor=cursor, resources={"services": services}))


def requested(result: dg.SensorResult) -> list[list[str]]:
    configs = [request.run_config for request in result.run_requests or ()]
    return [config["ops"]["sync"]["config"]["repositories"] for config in configs]


def test_before_the_first_discovery_the_push_sensor_has_nothing_to_do(services: Services, instance: dg.DagsterInstance):
    assert tick(services, instance) == dg.SkipReason("no discovery since the last look")


def test_new_and_pushed_repositories_are_synced_and_no_others(services: Services, instance: dg.DagsterInstance):
    pushes = {
        "new": None,
        "pushed": NOW,
        "quiet": NOW - 3 * HOUR,
        "silent": None,
        "failing": NOW,
        "doubtful": NOW - 3 * HOUR,
    }
    discover(services.lake, pushes)
    for name in ("pushed", "quiet", "silent"):
        sync(services.lake, name, NOW - HOUR)
    sync(services.lake, "doubtful", NOW - 3 * HOUR + datetime.timedelta(minutes=1))
    sync(services.lake, "failing", NOW - HOUR, next_attempt_at=NOW + HOUR)
    assert requested(tick(services, instance)) == [["ann/doubtful", "ann/new", "ann/pushed"]]


def test_the_sensor_looks_again_only_after_a_discovery(services: Services, instance: dg.DagsterInstance):
    discover(services.lake, {"new": None})
    first = tick(services, instance)
    assert tick(services, instance, first.cursor) == dg.SkipReason("no discovery since the last look")
    sync(services.lake, "new", NOW - HOUR)
    discover(services.lake, {"new": NOW})
    second = tick(services, instance, first.cursor)
    assert requested(second) == [["ann/new"]]
    assert second.run_requests[0].run_key != first.run_requests[0].run_key


def test_a_discovery_without_news_moves_the_cursor_and_requests_nothing(
    services: Services, instance: dg.DagsterInstance
):
    discover(services.lake, {"quiet": NOW - 3 * HOUR})
    sync(services.lake, "quiet", NOW - HOUR)
    result = tick(services, instance)
    assert requested(result) == []
    assert result.cursor


def test_many_repositories_become_several_runs(services: Services, instance: dg.DagsterInstance, monkeypatch):
    monkeypatch.setattr(automation, "BATCH_SIZE", 2)
    discover(services.lake, dict.fromkeys("abcde"))
    result = tick(services, instance)
    assert requested(result) == [["ann/a", "ann/b"], ["ann/c", "ann/d"], ["ann/e"]]
    assert len({request.run_key for request in result.run_requests}) == 3


def test_a_push_seen_while_a_sync_is_under_way_is_not_forgotten(services: Services, instance: dg.DagsterInstance):
    discover(services.lake, {"new": None})
    add_run(instance, "sync_repositories", dg.DagsterRunStatus.STARTED)
    context = dg.build_sensor_context(instance, resources={"services": services})
    skipped = build_automation(services.settings)[1][0](context)
    assert skipped == dg.SkipReason("sync_repositories is queued or running")
    assert not context.cursor
    forget_runs(instance)
    assert requested(tick(services, instance)) == [["ann/new"]]


def test_a_damaged_table_makes_the_sensor_wait_and_say_why(services: Services, instance: dg.DagsterInstance):
    discover(services.lake, {"new": None})
    services.lake.path(REPOSITORIES).write_bytes(b"garbage")
    skipped = tick(services, instance)
    assert isinstance(skipped, dg.SkipReason)
    assert "cannot be read" in (skipped.skip_message or "")


# The chains: what changed is scanned, and published


CHAINS = pytest.mark.parametrize(
    ("place", "asset", "after", "started"),
    [
        (1, "snapshots", "sync_repositories", "scan_repositories"),
        (2, "scans", "scan_repositories", "publish_warehouse"),
        (2, "ecosystem_stats", "scan_repositories", "publish_warehouse"),
    ],
)


def change(instance: dg.DagsterInstance, asset: str, partition: str = "ann/one") -> None:
    """What any run that changed something leaves: a job's, a backfill's, one of the command line."""
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition))


def look(instance: dg.DagsterInstance, services: Services, place: int, cursor: str | None = None) -> Any:
    sensor = build_automation(services.settings)[1][place]
    return sensor(dg.build_sensor_context(instance, cursor=cursor, resources={"services": services}))


@pytest.fixture
def unused() -> Iterator[dg.DagsterInstance]:
    """An instance of its own, in memory: materializations cannot be taken back."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@CHAINS
def test_a_change_starts_the_next_job_once_whichever_run_brought_it(unused, services, place, asset, after, started):
    nothing = dg.SkipReason(f"nothing new since the last {started}")
    assert look(unused, services, place) == nothing
    change(unused, asset)
    first = look(unused, services, place)
    assert len(first.run_requests) == 1
    assert look(unused, services, place, first.cursor) == nothing
    change(unused, asset, "ann/two")
    second = look(unused, services, place, first.cursor)
    assert second.run_requests[0].run_key != first.run_requests[0].run_key


@CHAINS
@pytest.mark.parametrize("status", ["QUEUED", "STARTED"])
def test_a_change_that_comes_while_either_job_is_under_way_waits_and_is_not_forgotten(
    unused, services, place, asset, after, started, status
):
    change(unused, asset)
    for busy in (after, started):
        add_run(unused, busy, dg.DagsterRunStatus[status])
        assert look(unused, services, place) == dg.SkipReason(f"{busy} is queued or running")
        forget_runs(unused)
    assert len(look(unused, services, place).run_requests) == 1


@CHAINS
def test_a_run_that_broke_off_may_have_changed_something_before_it_told(unused, services, place, asset, after, started):
    add_run(unused, after, dg.DagsterRunStatus.FAILURE)
    first = look(unused, services, place)
    assert len(first.run_requests) == 1
    add_run(unused, after, dg.DagsterRunStatus.SUCCESS)
    assert isinstance(look(unused, services, place, first.cursor), dg.SkipReason)


@pytest.mark.parametrize("verb", ["approve", "block", "unblock", "delete"])
def test_a_decision_is_published_soon(unused, services, verb):
    add_run(unused, f"{verb}_repository", dg.DagsterRunStatus.SUCCESS)
    first = look(unused, services, place=2)
    assert len(first.run_requests) == 1
    assert isinstance(look(unused, services, place=2, cursor=first.cursor), dg.SkipReason)
    assert isinstance(look(unused, services, place=1), dg.SkipReason), "there is nothing to scan"


def test_a_daemon_killed_between_request_and_cursor_asks_again_under_the_same_key(unused, services):
    change(unused, "snapshots")
    requests = [look(unused, services, place=1).run_requests[0] for _ in range(2)]
    assert requests[0].run_key == requests[1].run_key, "Dagster starts no second run for a key"


def test_news_that_the_clean_up_took_away_hide_no_later_ones(unused, services):
    """SQLite gives the number of a deleted row again, so a mark must not be a number alone."""
    result = materialize_once(unused)
    cursor = look(unused, services, place=1).cursor
    unused.delete_run(result.run_id)
    materialize_once(unused)
    assert look(unused, services, place=1, cursor=cursor).cursor != cursor


def materialize_once(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    @dg.asset
    def snapshots() -> None: ...

    return dg.materialize([snapshots], instance=instance)


def test_a_backfill_of_an_asset_counts_as_its_job(instance, services):
    """Dagster runs backfills in a job of its own, `__ASSET_JOB`."""
    run = dg.DagsterRun(
        job_name="__ASSET_JOB", status=dg.DagsterRunStatus.STARTED, asset_selection=frozenset({dg.AssetKey("scans")})
    )
    instance.add_run(run)
    skipped = tick_of("scan_repositories", instance, services)
    assert skipped == dg.SkipReason("scan_repositories is queued or running")
    assert isinstance(tick_of("sync_repositories", instance, services), dg.RunRequest)
