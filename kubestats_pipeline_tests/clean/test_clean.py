"""Cleaning up: what nothing needs goes, what somebody may need stays, and nobody misses anything afterwards."""

import dataclasses
import datetime
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from kubestats_pipeline.clean.leftovers import remove_leftovers
from kubestats_pipeline.clean.mirrors import find_mirrors, remove_unused_mirrors
from kubestats_pipeline.git.mirror_folder import Mirror
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import REPOSITORIES, SNAPSHOTS
from kubestats_pipeline.locks import locked
from kubestats_pipeline.orchestration.base.context import Services, utc_now
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.cycle import Cycle, run_clean_up, run_cycle
from kubestats_pipeline.orchestration.repairs.run_history import FIRST_RECORDED, pack_databases
from kubestats_pipeline_tests.builders import GitRepository, settings_for
from kubestats_pipeline_tests.lake.test_lake import any_row

NOW = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Layout(tmp_path))


def put(path: Path, at: datetime.datetime, content: str = "x" * 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


# Leftovers


LEFT_BEHIND = (
    "lake/scans/repository=ann%2Fone/.part.parquet.123.tmp",
    "lake/repositories/.part.parquet.123.tmp",
    "kubestats.duckdb.123.tmp",
    "kubestats.duckdb.123.tmp.wal",
    "kubestats.built_from.duckdb.123.tmp",
    "kubestats.built_from.duckdb.123.tmp.wal",
    "git/github.com/ann/one.git/objects/pack/tmp_pack_Ab12",
)
NEEDED = (
    "lake/scans/repository=ann%2Fone/part.parquet",
    "kubestats.duckdb",
    "kubestats.duckdb.bak",
    "kubestats.built_from.duckdb",
    "git/github.com/ann/one.git/objects/pack/pack-1.pack",
    "git/github.com/ann/one.git.lock",
    "decisions.yaml",
)


def test_old_leftovers_go_and_everything_else_stays(lake: Lake):
    for name in (*LEFT_BEHIND, *NEEDED):
        put(lake.layout.data_dir / name, NOW - 2 * DAY)
    spilled = put(lake.layout.data_dir / "kubestats.duckdb.123.tmp.tmp" / "spill", NOW - 2 * DAY)
    building = lake.layout.mirrors / "github.com/ann/.one.git.0a1b2c3d"
    half_built = put(building / "objects/pack/pack-1.pack", NOW - 2 * DAY)
    for path in (spilled.parent, *half_built.parents):
        if path.is_relative_to(lake.layout.data_dir):
            os.utime(path, ((NOW - 2 * DAY).timestamp(),) * 2)
    removed = remove_leftovers(lake.layout, NOW)
    assert removed.count == len(LEFT_BEHIND) + 2
    assert removed.megabytes == pytest.approx(removed.count / 1000)
    left = {str(path.relative_to(lake.layout.data_dir)) for path in lake.layout.data_dir.rglob("*") if path.is_file()}
    assert left == set(NEEDED)
    assert remove_leftovers(lake.layout, NOW).count == 0


def test_what_somebody_may_be_writing_stays(lake: Lake):
    for name in LEFT_BEHIND:
        put(lake.layout.data_dir / name, NOW - DAY / 2)
    growing = lake.layout.mirrors / "github.com/ann/.one.git.0a1b2c3d"
    put(growing / "config", NOW - 9 * DAY)
    put(growing / "objects/pack/pack-1.pack", NOW - DAY / 2)
    assert remove_leftovers(lake.layout, NOW).count == 0


# Mirrors


def watch(lake: Lake, **statuses: str) -> None:
    """Repositories of these statuses, each with a mirror and a row of its last sync, ten days ago."""
    rows = []
    for name, status in statuses.items():
        known = {"repository_id": f"github:{name}", "full_name": f"ann/{name}"}
        rows.append(any_row(REPOSITORIES, **known, host="github.com", owner="ann", name=name, status=status))
        lake.write(SNAPSHOTS, f"ann/{name}", [any_row(SNAPSHOTS, **known, last_sync_at=NOW - 10 * DAY)])
        make_mirror(lake, name)
    lake.write(REPOSITORIES, None, rows)


def make_mirror(lake: Lake, name: str) -> Path:
    mirror = lake.layout.mirror("github.com", "ann", name)
    Mirror(mirror).create()
    put(mirror / "objects/pack/pack-1.pack", NOW - 10 * DAY)
    for path in (mirror, mirror / "refs/heads"):
        os.utime(path, ((NOW - 10 * DAY).timestamp(),) * 2)
    return mirror


def mirrors(lake: Lake) -> set[str]:
    return {path.name for path in find_mirrors(lake.layout.mirrors)}


def test_mirrors_of_repositories_that_are_no_longer_watched_go(lake: Lake):
    watch(lake, active="active", blocked="blocked", retired="retired", large="pending_approval")
    (make_mirror(lake, "unknown") / "refs/heads").rmdir()
    os.utime(lake.layout.mirror("github.com", "ann", "unknown"), ((NOW - 10 * DAY).timestamp(),) * 2)
    assert remove_unused_mirrors(lake, NOW - 30 * DAY).count == 0, "their time has not come"
    removed = remove_unused_mirrors(lake, NOW - 5 * DAY)
    assert removed.count == 4
    assert removed.megabytes > 0.004
    assert mirrors(lake) == {"active.git"}


def test_a_name_that_changed_hands_keeps_its_mirror(lake: Lake):
    watch(lake, one="active")
    rows = lake.read_all(REPOSITORIES).to_dicts()
    lake.write(REPOSITORIES, None, [*rows, {**rows[0], "repository_id": "github:0", "status": "retired"}])
    assert remove_unused_mirrors(lake, NOW).count == 0


def test_without_a_readable_table_of_repositories_no_mirror_goes(lake: Lake):
    make_mirror(lake, "one")
    assert remove_unused_mirrors(lake, NOW).count == 0
    put(lake.path(REPOSITORIES), NOW, "garbage")
    with pytest.raises(LakeError):
        remove_unused_mirrors(lake, NOW)
    assert mirrors(lake) == {"one.git"}


def test_a_mirror_that_somebody_works_on_stays(lake: Lake):
    watch(lake, one="retired", two="active")
    with locked(lake.layout.mirror("github.com", "ann", "one"), wait=0):
        assert remove_unused_mirrors(lake, NOW).count == 0
    assert remove_unused_mirrors(lake, NOW).count == 1


# Dagster's storage


NAMES = ("local/ann/one", "local/ann/two")


class Installation:
    """Two tiny repositories and the pipeline over them."""

    def __init__(self, folder: Path) -> None:
        self.repositories = {name: GitRepository(folder / "ann" / f"{Path(name).name}.git") for name in NAMES}
        for name in NAMES:
            self.push(name, "one")
        settings = settings_for(folder, repositories=[str(folder / "ann")], scan={"workers": 1})
        self.services = Services(settings)
        self.instance = open_instance(Layout(settings.data_dir))

    def push(self, name: str, value: str) -> None:
        manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{a: {value}}}\n"
        self.repositories[name].commit({"a.yaml": manifest}, at=utc_now() - DAY)

    def cycle(self) -> Cycle:
        return run_cycle(self.services, self.instance)

    def clean(self, later: datetime.timedelta) -> dict[str, str]:
        return run_clean_up(dataclasses.replace(self.services, now=lambda: utc_now() + later), self.instance)

    def newest(self, key: str, partition: str) -> dg.AssetMaterialization:
        wanted = dg.AssetRecordsFilter(dg.AssetKey(key), asset_partitions=[partition])
        found = self.instance.fetch_materializations(wanted, limit=1).records[0].asset_materialization
        assert found is not None
        return found

    @property
    def run_files(self) -> set[str]:
        folder = self.services.lake.layout.dagster_home / "history" / "runs"
        return {path.stem for path in folder.glob("*.db") if path.stem != "index"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("clean"))
    with installation.instance:
        yield installation


@pytest.mark.slow
def test_old_runs_go_and_no_partition_forgets_its_newest_materialization(installation: Installation):
    instance = installation.instance
    assert installation.cycle().changed == len(NAMES)
    assert installation.cycle().changed == 0
    before = {key: installation.newest(key, NAMES[0]) for key in ("snapshots", "scans", "resource_events")}
    partitions = {key: instance.get_materialized_partitions(key) for key in instance.get_asset_keys()}
    runs = installation.run_files
    told = installation.clean(later=datetime.timedelta(0))
    assert told["old runs of Dagster"] == "0, 0.0 MB"
    told = installation.clean(later=20 * DAY)
    kept = {run.run_id for run in instance.get_runs()}
    assert kept == installation.run_files
    assert len(runs & kept) == 4, "the newest discovery, sync, scan and publication stay"
    assert told["old runs of Dagster"].split(",")[0] == str(len(runs) + 1 - 4)
    assert {key: instance.get_materialized_partitions(key) for key in instance.get_asset_keys()} == partitions
    for key, old in before.items():
        now = installation.newest(key, NAMES[0])
        assert {name: now.metadata[name] for name in old.metadata} == dict(old.metadata)
        assert FIRST_RECORDED in now.metadata
        assert (now.tags or {})["dagster/data_version"] == (old.tags or {})["dagster/data_version"]


@pytest.mark.slow
def test_after_a_clean_up_the_pipeline_goes_on_as_if_nothing_had_happened(installation: Installation):
    installation.push(NAMES[1], "two")
    assert installation.cycle() == Cycle(repositories=len(NAMES), changed=1, failures={})
    assert FIRST_RECORDED not in installation.newest("scans", NAMES[1]).metadata
    assert FIRST_RECORDED in installation.newest("scans", NAMES[0]).metadata


@pytest.mark.slow
def test_what_was_recorded_again_keeps_the_time_of_its_first_record(installation: Installation):
    first = installation.newest("scans", NAMES[0]).metadata[FIRST_RECORDED]
    installation.clean(later=40 * DAY)
    assert installation.newest("scans", NAMES[0]).metadata[FIRST_RECORDED] == first


def test_a_database_gives_its_unused_space_back(tmp_path: Path):
    path = tmp_path / "index.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events (text)")
        connection.executemany("INSERT INTO events VALUES (?)", [("x" * 1000,)] * 1000)
    assert pack_databases([path]).megabytes == 0
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM events WHERE rowid % 2")
        connection.execute("DELETE FROM events WHERE rowid > 200")
    assert pack_databases([path, tmp_path / "missing.db"]).megabytes > 0.5
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM events")
        connection.commit()
        connection.execute("BEGIN IMMEDIATE")
        assert pack_databases([path]).count == 0, "somebody writes"
