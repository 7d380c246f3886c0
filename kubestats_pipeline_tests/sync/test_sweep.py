"""Many repositories at once: each for itself, none in the way of the others, and nothing that fails goes unsaid."""

import dataclasses
import datetime
from pathlib import Path

import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.sync.outcomes import Result, Unrecorded
from kubestats_pipeline.sync.retries import due
from kubestats_pipeline.sync.sync import sync_all
from kubestats_pipeline_tests.builders import GitRepository, repository_for, settings_for
from kubestats_pipeline_tests.sync.world import NOW

CLOSED = "http://127.0.0.1:9/owner/name.git"
"""Port 9 is for discarding; nothing listens there."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, sync={"workers": 3})


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(Layout(settings.data_dir))


@pytest.fixture
def repositories(tmp_path: Path) -> list[Repository]:
    """Ten repositories with a commit each."""
    built = [GitRepository(tmp_path / "owner" / f"repo{number}.git") for number in range(10)]
    for number, repository in enumerate(built):
        repository.commit({"a.yaml": str(number)})
    return [repository_for(repository.path) for repository in built]


def sweep(repositories: list[Repository], settings: Settings, lake: Lake) -> dict[str, Result]:
    results = sync_all(repositories, settings, lake, "run", lambda: NOW)
    return {result.repository.name: result for result in results}


def statuses(lake: Lake) -> dict[str, str]:
    rows = lake.read_all(SNAPSHOTS)
    return dict(zip(rows["full_name"], rows["sync_status"], strict=True))


def test_one_unreachable_repository_of_ten_does_not_stop_the_nine(
    repositories: list[Repository], settings: Settings, lake: Lake
):
    repositories[4] = dataclasses.replace(repositories[4], clone_url=CLOSED)
    results = sweep(repositories, settings, lake)
    assert sorted(result.outcome.status for result in results.values()) == ["error"] + ["synced"] * 9
    assert statuses(lake)["local/owner/repo4"] == "error"
    assert all(result.row and result.seconds > 0 for result in results.values())


def test_a_second_sweep_finds_everything_unchanged(repositories: list[Repository], settings: Settings, lake: Lake):
    sweep(repositories, settings, lake)
    again = sweep(repositories, settings, lake)
    assert {result.outcome.status for result in again.values()} == {"unchanged"}


def test_a_damaged_snapshot_is_reported_left_alone_and_stops_nobody(
    repositories: list[Repository], settings: Settings, lake: Lake
):
    sweep(repositories, settings, lake)
    path = lake.path(SNAPSHOTS, repositories[0].full_name)
    path.write_bytes(b"no parquet")
    results = sweep(repositories, settings, lake)
    broken = results.pop("repo0")
    assert isinstance(broken.outcome, Unrecorded)
    assert str(path) in broken.outcome.reason
    assert broken.row is None
    assert path.read_bytes() == b"no parquet"
    assert {result.outcome.status for result in results.values()} == {"unchanged"}


def test_a_snapshot_that_cannot_be_written_is_a_failed_result_and_heals_later(
    repositories: list[Repository], settings: Settings, lake: Lake
):
    folder = lake.path(SNAPSHOTS, repositories[0].full_name).parent
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    results = sweep(repositories, settings, lake)
    broken = results.pop("repo0")
    assert isinstance(broken.outcome, Unrecorded)
    assert "cannot write" in broken.outcome.reason
    assert {result.outcome.status for result in results.values()} == {"synced"}
    folder.unlink()
    assert sweep(repositories[:1], settings, lake)["repo0"].outcome.status == "synced"


def test_no_new_repository_is_started_once_the_caller_stops(
    repositories: list[Repository], settings: Settings, lake: Lake
):
    results = sync_all(repositories, settings, lake, "run", lambda: NOW)
    next(results)
    results.close()
    assert settings.sync.workers <= len(statuses(lake)) <= 2 * settings.sync.workers


def test_a_failing_repository_is_due_again_only_after_its_pause(
    repositories: list[Repository], settings: Settings, lake: Lake
):
    repositories[2] = dataclasses.replace(repositories[2], clone_url=CLOSED)
    assert due(repositories, lake, NOW) == repositories
    sweep(repositories, settings, lake)
    pause = datetime.timedelta(minutes=settings.sync.retry_minutes)
    just_before = NOW + pause - datetime.timedelta(seconds=1)
    assert due(repositories, lake, just_before) == repositories[:2] + repositories[3:]
    assert due(repositories, lake, NOW + pause) == repositories


def test_a_repository_with_a_damaged_snapshot_is_due_so_that_it_is_reported(
    repositories: list[Repository], settings: Settings, lake: Lake
):
    sweep(repositories[:1], settings, lake)
    lake.path(SNAPSHOTS, repositories[0].full_name).write_bytes(b"no parquet")
    assert due(repositories[:1], lake, NOW) == repositories[:1]


def test_a_name_that_another_repository_took_over_starts_afresh(
    repositories: list[Repository], settings: Settings, lake: Lake
):
    sweep(repositories[:1], settings, lake)
    successor = dataclasses.replace(repositories[0], repository_id="git:another", clone_url=CLOSED)
    row = sweep([successor], settings, lake)["repo0"].row
    assert row is not None
    assert (row["repository_id"], row["head_commit"], row["consecutive_failures"]) == ("git:another", None, 1)


def test_after_the_clock_was_set_back_nothing_waits_for_the_old_time(
    repositories: list[Repository], settings: Settings, lake: Lake
):
    repositories[2] = dataclasses.replace(repositories[2], clone_url=CLOSED)
    sweep(repositories, settings, lake)
    assert due(repositories, lake, NOW - datetime.timedelta(days=3)) == repositories
