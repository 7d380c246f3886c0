"""What earlier versions have stored is redacted in place, as if this version had read it in the first place."""

import contextlib
import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from kubestats_pipeline.cli.main import app
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake, read_file, replace_file
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import (
    HELM_VALUES,
    REPOSITORIES,
    RESOURCE_EVENTS,
    RESOURCES,
    SCAN_PROBLEMS,
    SCANS,
    SNAPSHOTS,
    TABLES,
)
from kubestats_pipeline.scan.store.retire import retire_all
from kubestats_pipeline.setting_sections import RetentionSettings
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.upgrade import redact_lake as module
from kubestats_pipeline.upgrade.redact_lake import is_redacted, redact_lake
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.scan.world import World
from kubestats_pipeline_tests.upgrade.leaky import TOKEN, WORD, commit_history, files_at, leaky_world, redact_nothing
from kubestats_pipeline_tests.warehouse.small_lake import day, repository, scan, snapshot, write_story

TODAY = datetime.date(2026, 6, 10)
BOTH = RetentionSettings(event_days=90, payload_days=30)
RETENTIONS = (RetentionSettings(event_days=60), RetentionSettings(payload_days=60), BOTH)
SCANNED = (RESOURCES, RESOURCE_EVENTS, HELM_VALUES, SCAN_PROBLEMS)


@pytest.fixture
def leaky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return leaky_world(tmp_path / "old", monkeypatch)


def rows_of(world: World, table: Table) -> list[dict[str, Any]]:
    partition = world.lake.read(table, world.repository.full_name)
    return partition.rows.to_dicts() if partition else []


def read(path: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    return read_file(FolderStore(path.parent), path.name)


def leaking(folder: Path) -> list[str]:
    """The Parquet files with a planted word in a row or in their metadata."""
    paths = sorted(folder.rglob("*.parquet"))
    return [str(path.relative_to(folder)) for path in paths if WORD in repr([read(path)[0].to_dicts(), read(path)[1]])]


def test_the_earlier_lake_leaks_everywhere(leaky: World) -> None:
    tables = {Path(path).parts[1] for path in leaking(leaky.lake.layout.data_dir)}
    assert tables == {"resources", "resource_events", "helm_values"}


def test_an_earlier_lake_is_afterwards_what_a_scan_of_today_makes(leaky: World, tmp_path: Path) -> None:
    """Ids, hashes and order included."""
    redacted = redact_lake(leaky.lake)
    fresh = World(tmp_path / "new")
    commit_history(fresh)
    fresh.scan()
    assert leaking(leaky.lake.layout.data_dir) == []
    for table in SCANNED:
        assert rows_of(leaky, table) == rows_of(fresh, table), table.name
    assert set(redacted.values) == {"resources", "resource_events", "helm_values"}
    assert redacted.failures == {}
    assert redacted.text.startswith(
        f"{sum(redacted.values.values())} values that earlier versions had stored were withheld: "
    )


def test_a_second_start_does_nothing_and_other_rules_do_it_again(leaky: World, monkeypatch: pytest.MonkeyPatch) -> None:
    redact_lake(leaky.lake)
    files = {path: path.stat().st_mtime_ns for path in leaky.lake.layout.lake.rglob("*.parquet")}
    assert redact_lake(leaky.lake).values == {}
    monkeypatch.setattr(module, "read_file", lambda *_: pytest.fail("nothing is read"))
    redact_lake(leaky.lake)
    monkeypatch.undo()
    monkeypatch.setattr(module, "rules", lambda: "5 others")
    assert not is_redacted(leaky.lake)
    assert redact_lake(leaky.lake).values == {}
    assert {path: path.stat().st_mtime_ns for path in files} == files, "a file without secrets is not written"


def test_what_a_later_version_has_redacted_is_left_alone(leaky: World) -> None:
    leaky.lake.layout.redacted_by.write_text("99 0123")
    assert redact_lake(leaky.lake).values == {}
    assert leaking(leaky.lake.layout.data_dir)


def test_a_new_lake_is_marked(tmp_path: Path) -> None:
    lake = Lake(Layout(tmp_path / "data"))
    assert redact_lake(lake).values == {}
    assert is_redacted(lake)


@pytest.mark.parametrize("settings", RETENTIONS, ids=["events", "payloads", "both"])
def test_the_archive_is_redacted_and_hashes_stay_in_step(
    leaky: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: RetentionSettings
) -> None:
    """Retired by the earlier version; compared with what this one scans and retires."""
    with monkeypatch.context() as earlier:
        earlier.setattr("kubestats_pipeline.scan.store.position.SCANNER_VERSION", "4")
        assert list(retire_all(leaky.lake, settings, TODAY))
    redact_lake(leaky.lake)
    fresh = World(tmp_path / "new")
    commit_history(fresh)
    fresh.scan()
    list(retire_all(fresh.lake, settings, TODAY))
    assert leaking(leaky.lake.layout.data_dir) == []
    assert rows_of(leaky, RESOURCE_EVENTS) == rows_of(fresh, RESOURCE_EVENTS)
    assert archived(leaky) == archived(fresh)
    build_warehouse(leaky.lake)


class KilledError(Exception):
    """Stands for the end of the process."""


class Killer:
    """Writes one file, and ends the process before the second."""

    def __init__(self) -> None:
        self._written = False

    def __call__(self, *file: Any) -> None:
        if self._written:
            raise KilledError
        self._written = True
        replace_file(*file)


def archived(world: World) -> list[dict[str, Any]]:
    paths = sorted(world.lake.layout.archives.rglob("*.parquet"))
    assert paths
    return [row for path in paths for row in read(path)[0].to_dicts()]


def test_a_start_that_is_killed_anywhere_is_finished_by_the_next_one(
    leaky: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("kubestats_pipeline.scan.store.position.SCANNER_VERSION", "4")
        list(retire_all(leaky.lake, BOTH, TODAY))
    fresh = World(tmp_path / "new")
    commit_history(fresh)
    fresh.scan()
    list(retire_all(fresh.lake, BOTH, TODAY))
    starts = 0
    while not is_redacted(leaky.lake):
        with monkeypatch.context() as killing, contextlib.suppress(KilledError):
            killing.setattr(module, "replace_file", Killer())
            redact_lake(leaky.lake)
        starts += 1
    assert starts > 5
    assert leaking(leaky.lake.layout.data_dir) == []
    assert rows_of(leaky, RESOURCE_EVENTS) == rows_of(fresh, RESOURCE_EVENTS)
    assert archived(leaky) == archived(fresh)


def test_rows_of_discovery_and_sync_lose_known_shapes_and_keep_their_names(tmp_path: Path) -> None:
    lake = Lake(Layout(tmp_path / "data"))
    told = {"description": f"see {TOKEN}", "topics": ["a", TOKEN], "html_url": f"https://a:{WORD}pw@example.org"}
    lake.write(REPOSITORIES, None, [repository(1, "ann/one", **told)], {"journal": "{}"})
    lake.write(SNAPSHOTS, "ann/one", [snapshot(1, "ann/one", sync_status="error", sync_error=f"no {TOKEN}")])
    lake.write(SCANS, "ann/one", [scan(1, "ann/one", scan_error=f"no {TOKEN}")])
    redacted = redact_lake(lake)
    assert redacted.values == {"repositories": 3, "snapshots": 1, "scans": 1}
    assert leaking(tmp_path) == []
    partition = lake.read(REPOSITORIES)
    assert partition is not None
    assert partition.rows["topics"].to_list() == [["a", "<redacted>"]]
    assert partition.metadata == {"journal": "{}"}


def test_the_published_file_is_built_anew(leaky: World) -> None:
    with pytest.MonkeyPatch.context() as careless:
        careless.setattr("kubestats_pipeline.warehouse.build.withhold_secrets", lambda _: [])
        path = build_warehouse(leaky.lake).path
    assert WORD in published(path)
    redact_lake(leaky.lake)
    assert WORD not in published(path)


def test_what_no_version_writes_is_named_without_quoting_it_and_the_rest_is_redacted(tmp_path: Path) -> None:
    lake = Lake(Layout(tmp_path / "data"))
    lake.write(SNAPSHOTS, "ann/two", [snapshot(2, "ann/two", sync_error=f"no {TOKEN}")])
    story = {"app": ([("CREATED", day(3, 9), "1")], {"data": f"no JSON {WORD}"})}
    write_story(lake, 1, "ann/one", story)
    redacted = redact_lake(lake)
    assert redacted.values == {"snapshots": 1}
    assert list(redacted.failures) == ["ann/one"]
    assert WORD not in repr(redacted)


def test_a_published_file_that_cannot_be_built_anew_is_removed(leaky: World) -> None:
    path = build_warehouse(leaky.lake).path
    damaged = leaky.lake.path(SNAPSHOTS, "local/home/other")
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no Parquet")
    redacted = redact_lake(leaky.lake)
    assert list(redacted.failures) == ["local/home/other"]
    assert not path.exists()
    assert not is_redacted(leaky.lake), "the next start tries again"


def published(path: Path) -> str:
    with duckdb.connect(str(path), read_only=True) as connection:
        return repr([connection.table(name).fetchall() for name in TABLES])


@pytest.mark.slow  # three whole cycles
def test_the_first_run_of_the_new_version_says_what_it_took_out_and_the_second_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"DATA_DIR": str(tmp_path / "data"), "REPOSITORIES": str(tmp_path / "ann"), "SCAN__WORKERS": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"KUBESTATS_{name}", value)
    remote = GitRepository(tmp_path / "ann/home.git")
    for number in range(2):
        remote.commit(files_at(number), at=datetime.datetime.now(datetime.UTC))
    with monkeypatch.context() as earlier:
        redact_nothing(earlier)
        CliRunner().invoke(app, ["run"])
    layout = Layout(tmp_path / "data")
    layout.redacted_by.unlink()
    assert leaking(tmp_path / "data")
    finished = CliRunner().invoke(app, ["run"])
    assert "values that earlier versions had stored were withheld: " in finished.output
    assert finished.exit_code == 0
    assert leaking(tmp_path / "data") == []
    assert "earlier versions" not in CliRunner().invoke(app, ["run"]).output
