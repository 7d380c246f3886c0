"""Old events go to the archive and stay there; what is left still tells the present and every moment since then."""

import datetime
import random
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from kubestats_pipeline.cli.main import app
from kubestats_pipeline.lake.lake import LakeError
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES, SCANS
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store.retention import Part, wanted_boundaries
from kubestats_pipeline.scan.store.retire import Retired, RetireFailed, retire_all
from kubestats_pipeline.setting_sections import RetentionSettings
from kubestats_pipeline.settings import load_settings
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.statistics.ecosystem import backfill_ecosystem_stats, days_to_compute
from kubestats_pipeline_tests.scan.store.test_crash import IMPATIENCE_SECONDS, SPAWN, die_at, digests
from kubestats_pipeline_tests.scan.world import World, assert_ids_are_unique, config

TODAY = datetime.date(2026, 6, 10)
EVENTS, PAYLOADS = RetentionSettings(event_days=60), RetentionSettings(payload_days=60)
BOTH = RetentionSettings(event_days=60, payload_days=30)
APRIL, MAY = (datetime.datetime(2026, month, 1, tzinfo=datetime.UTC) for month in (4, 5))
"""The boundaries of 60 and 30 days before that day, by whole months."""


def write_history(world: World, seed: int = 3) -> None:
    """From January to June: edits, deletions and returns of a few resources."""
    draw = random.Random(seed)
    for number in range(60):
        at = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC) + datetime.timedelta(days=2.5 * number)
        files = {
            f"{place}.yaml": draw.choice([config(f"c{place}", str(number)), None])
            for place in draw.sample("abcdefg", 3)
        }
        world.git.commit({**files, "always.yaml": config("always", str(number))}, at=at)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    write_history(world)
    world.scan()
    return world


def retire(world: World, settings: RetentionSettings, today: datetime.date = TODAY) -> list[Retired | RetireFailed]:
    return list(retire_all(world.lake, settings, today))


def archived(world: World, part: str = "events") -> list[dict[str, Any]]:
    files = sorted(world.lake.layout.archive(part, world.repository.repository_id).glob("before=*/*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files]).to_dicts() if files else []


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {row["event_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def superseded(events: list[dict[str, Any]], before: datetime.datetime) -> set[str]:
    """Worked out anew: what a later event of the same resource follows, both older than a moment."""
    last = {event["resource_id"]: event["event_id"] for event in events if event["event_timestamp"] < before}
    return {event["event_id"] for event in events if event["event_timestamp"] < before} - set(last.values())


def test_boundaries_are_beginnings_of_months_and_nothing_is_retired_by_default() -> None:
    assert wanted_boundaries(RetentionSettings(), TODAY) == {}
    assert wanted_boundaries(BOTH, TODAY) == {Part.EVENTS: APRIL.date(), Part.PAYLOADS: MAY.date()}


def test_superseded_events_go_to_the_archive_and_nothing_else_changes(world: World) -> None:
    before, resources = by_id(world.events), world.resources
    expected = superseded(world.events, APRIL)
    assert retire(world, EVENTS) == [Retired(world.repository.full_name, len(expected))]
    assert len(expected) > 20
    assert by_id(archived(world)) == {each: before[each] for each in expected}
    assert by_id(world.events) == {each: event for each, event in before.items() if each not in expected}
    assert world.resources == resources


def test_payloads_go_to_the_archive_and_their_events_stay(world: World) -> None:
    before, expected = by_id(world.events), superseded(world.events, APRIL)
    retire(world, PAYLOADS)
    after = by_id(world.events)
    assert after.keys() == before.keys()
    for each, event in before.items():
        blank = {"resource_data": None, "field_changes": None} if each in expected else {}
        assert after[each] == event | blank
    kept = by_id(archived(world, "payloads"))
    assert kept == {
        each: before[each] for each in expected if before[each]["resource_data"] or before[each]["field_changes"]
    }
    assert archived(world) == []


def test_a_second_run_changes_nothing_and_later_months_are_added(world: World) -> None:
    before = by_id(world.events)
    retire(world, BOTH)
    files = digests(world.lake)
    assert retire(world, BOTH) == []
    assert digests(world.lake) == files
    assert retire(world, BOTH, TODAY + datetime.timedelta(days=31)) != []
    assert len(known_folders(world)) == 4
    whole = by_id(archived(world))
    assert whole.keys() == superseded(list(before.values()), MAY)
    assert whole.keys() | by_id(world.events).keys() == before.keys()


def known_folders(world: World) -> list[Path]:
    return list(world.lake.layout.data_dir.glob("archive/*/*/before=*"))


def test_looser_settings_bring_nothing_back(world: World) -> None:
    retire(world, EVENTS)
    events = world.events
    assert retire(world, RetentionSettings(event_days=2000)) == []
    assert retire(world, RetentionSettings(payload_days=2000)) != []
    assert world.events == events


def look_back(world: World, months: range) -> dict[int, list[Any]]:
    """What the warehouse says of the fifteenth of some months; building it checks that the fold gives the resources."""
    with duckdb.connect(str(build_warehouse(world.lake).path), read_only=True) as connection:
        query = "FROM resources_as_of($moment) ORDER BY resource_id"
        moments = {month: datetime.datetime(2026, month, 15, tzinfo=datetime.UTC) for month in months}
        return {month: connection.execute(query, {"moment": each}).fetchall() for month, each in moments.items()}


def test_moments_since_the_boundary_are_the_same_in_the_warehouse_and_earlier_ones_are_empty(world: World) -> None:
    before = look_back(world, range(1, 7))
    retire(world, EVENTS)
    after = look_back(world, range(1, 7))
    assert all(before[month] for month in before)
    assert {month: after[month] for month in (4, 5, 6)} == {month: before[month] for month in (4, 5, 6)}
    assert [after[month] for month in (1, 2, 3)] == [[]] * 3


def test_documents_of_moments_since_the_boundary_stay(world: World) -> None:
    before = look_back(world, range(4, 7))
    retire(world, PAYLOADS)
    assert look_back(world, range(4, 7)) == before


def test_statistics_of_archived_days_stay_as_they_were_and_later_days_are_computed_as_before(world: World) -> None:
    days = days_to_compute(world.lake, TODAY)
    backfill_ecosystem_stats(world.lake, days)
    files = digests(world.lake)
    statistics = {name: digest for name, digest in files.items() if name.startswith("ecosystem_stats")}
    retire(world, EVENTS)
    assert len(days_to_compute(world.lake, TODAY)) == 2
    assert len(backfill_ecosystem_stats(world.lake, days)) < len(days) - 60
    assert {name: digest for name, digest in digests(world.lake).items() if name in statistics} == statistics


def rescan(world: World, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "the lake is lost":
        for table in (RESOURCES, RESOURCE_EVENTS, SCANS):
            world.lake.delete(table, world.repository.full_name)
    else:
        monkeypatch.setattr(store, "SCANNER_VERSION", "99")
    world.scan()


@pytest.mark.parametrize("how", ["the lake is lost", "another scanner"])
def test_a_replay_from_the_start_does_not_bring_back_what_was_retired(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    retire(world, BOTH)
    before, scan, kept = world.events, world.rows(SCANS), archived(world)
    rescan(world, how, monkeypatch)
    assert world.events == before
    assert world.rows(SCANS) == scan
    assert scan[0]["complete_from"] > 0
    assert retire(world, BOTH) == []
    assert archived(world) == kept


def test_later_commits_are_appended_and_ids_stay_unique(world: World) -> None:
    retire(world, BOTH)
    complete_from = world.rows(SCANS)[0]["complete_from"]
    before = world.events
    world.git.commit({"always.yaml": config("always", "last"), "new.yaml": config("new")})
    world.scan()
    assert world.events[:-2] == before
    assert world.rows(SCANS)[0]["complete_from"] == complete_from
    assert retire(world, BOTH) == []
    assert_ids_are_unique(world)
    build_warehouse(world.lake)


def test_nothing_counts_as_old_that_follows_a_younger_event(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number, month in enumerate((1, 5, 1, 1)):
        world.git.commit(
            {"a.yaml": config("a", str(number))}, at=datetime.datetime(2026, month, 2, tzinfo=datetime.UTC)
        )
    world.scan()
    assert retire(world, EVENTS) == [Retired(world.repository.full_name, 0)]
    assert len(world.events) == 4


def test_a_repository_that_fails_does_not_stop_the_others(world: World, tmp_path: Path) -> None:
    other = World(tmp_path, "away")
    other.git.commit({"a.yaml": config("a")})
    other.scan()
    other.lake.path(RESOURCE_EVENTS, other.repository.full_name).write_bytes(b"no parquet")
    failed, done = retire(world, EVENTS)
    assert isinstance(failed, RetireFailed)
    assert "resource_events" in failed.reason
    assert isinstance(done, Retired)
    with pytest.raises(LakeError):
        other.lake.read(RESOURCE_EVENTS, other.repository.full_name)


def die_retiring(tmp_path: Path, writes: int) -> None:
    world = World(tmp_path)
    die_at(writes)
    assert retire(world, BOTH)


def die_and_repeat(world: World, writes: int) -> int | None:
    """Let a retention die after so many writes, then one go through; gives how the first ended."""
    world.scan()
    child = SPAWN.Process(target=die_retiring, args=(world.lake.layout.data_dir.parent, writes), daemon=True)
    child.start()
    child.join(IMPATIENCE_SECONDS)
    retire(world, BOTH)
    return child.exitcode


@pytest.mark.parametrize("places", [(0, 3, 7), pytest.param(range(80), marks=pytest.mark.slow)])
def test_retention_that_dies_at_any_of_its_writes_and_is_repeated_ends_in_the_same_bytes(
    world: World, tmp_path: Path, places: Iterable[int]
) -> None:
    retire(world, BOTH)
    expected, expected_archive = digests(world.lake), by_id(archived(world))
    exits: list[int | None] = []
    for writes in places:
        again = World(tmp_path / str(writes), mirror=world.mirror)
        exits.append(die_and_repeat(again, writes))
        assert digests(again.lake) == expected, exits
        assert by_id(archived(again)) == expected_archive
        if exits[-1] == 0:
            break
    killed = exits[:-1] if isinstance(places, range) else exits
    assert killed == [-signal.SIGKILL] * len(killed)
    assert exits[-1] == (0 if isinstance(places, range) else -signal.SIGKILL)


def test_the_command_tells_what_it_archived(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBESTATS_DATA_DIR", str(world.lake.layout.data_dir))
    idle = CliRunner().invoke(app, ["retire"])
    assert (idle.exit_code, "nothing is due" in idle.output) == (0, True)
    monkeypatch.setenv("KUBESTATS_RETENTION__EVENT_DAYS", "1")
    done = CliRunner().invoke(app, ["retire"])
    assert done.exit_code == 0
    assert done.output == f"{world.repository.full_name}: {len(archived(world))} events archived\n"
    assert archived(world)


def test_the_job_fails_after_the_others_where_a_repository_fails(world: World, tmp_path: Path) -> None:
    settings = load_settings(data_dir=world.lake.layout.data_dir, retention={"event_days": 1})
    job = build_definitions(Services(settings), headless=True).resolve_job_def("retire_events")
    assert job.execute_in_process().success
    assert archived(world)
    other = World(tmp_path, "away")
    other.git.commit({"a.yaml": config("a")})
    other.scan()
    other.lake.path(RESOURCE_EVENTS, other.repository.full_name).write_bytes(b"no parquet")
    result = job.execute_in_process(raise_on_error=False)
    assert "resource_events" in str(result.get_step_failure_events())
