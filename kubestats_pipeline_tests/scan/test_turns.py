"""Machines that share a lake: what one works on is left out by the others, and mirrors are only a cache."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.leases import Leases
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import HELM_VALUES, RESOURCE_EVENTS, RESOURCES, SCAN_PROBLEMS, SCANS, SNAPSHOTS
from kubestats_pipeline.scan.outcomes import ScanFailed, Scanned, ScannedElsewhere, UpToDate
from kubestats_pipeline.scan.scan import Turns, scan_all
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.sync.outcomes import Elsewhere, Unchanged
from kubestats_pipeline.sync.sync import fetch_again, sync_and_record, sync_repository
from kubestats_pipeline_tests.builders import GitRepository, repository_for, settings_for
from kubestats_pipeline_tests.scan.world import NOW, config

TABLES = (RESOURCES, HELM_VALUES, RESOURCE_EVENTS, SCAN_PROBLEMS, SCANS)


class Machine:
    """A data directory of its own over repositories that all machines know."""

    def __init__(self, folder: Path, repositories: list[Repository], leases: Leases, workers: int = 1) -> None:
        self.settings = settings_for(folder, scan={"workers": workers})
        self.lake = Lake(Layout(self.settings.data_dir))
        self.repositories, self.leases = repositories, leases

    def sync(self) -> list[Any]:
        return [
            sync_and_record(each, self.settings, self.lake, lambda: NOW, "run", None, self.leases)[0]
            for each in self.repositories
        ]

    def scan(self, turns: Turns) -> list[Any]:
        found = scan_all(self.repositories, self.lake, self.settings, "run", lambda: NOW, turns=turns)
        outcomes = {repository.full_name: outcome for repository, outcome in found}
        return [outcomes[each.full_name] for each in self.repositories]

    @property
    def turns(self) -> Turns:
        return Turns(self.leases, lambda repository: fetch_again(repository, self.settings, self.lake.layout))

    def lose_mirrors(self) -> None:
        shutil.rmtree(self.lake.layout.mirrors)

    def rows(self) -> dict[str, Any]:
        return {table.name: self.lake.read_all(table).to_dicts() for table in TABLES}


@pytest.fixture
def remotes(tmp_path: Path) -> list[GitRepository]:
    remotes = [GitRepository(tmp_path / "owner" / f"repo{number}.git") for number in range(3)]
    for number, remote in enumerate(remotes):
        for value in ("one", "two", "three"):
            remote.commit({"a.yaml": config("a", value), f"{value}.yaml": config(f"{value}{number}")})
    return remotes


@pytest.fixture
def repositories(remotes: list[GitRepository]) -> list[Repository]:
    return [repository_for(remote.path) for remote in remotes]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_machine_without_mirrors_fetches_them_and_goes_on_from_the_positions(
    tmp_path: Path, remotes, repositories, store: FolderStore, workers: int
):
    losing, keeping = (Machine(tmp_path / name, repositories, Leases(store), workers) for name in ("losing", "keeping"))
    for machine in (losing, keeping):
        machine.sync()
        machine.scan(machine.turns)
    for remote in remotes:
        remote.commit({"a.yaml": config("a", "four")})
    for machine in (losing, keeping):
        machine.sync()
    losing.lose_mirrors()
    for machine in (losing, keeping):
        assert [outcome.new_events for outcome in machine.scan(machine.turns)] == [1, 1, 1]
    assert losing.rows() == keeping.rows()
    assert len(losing.rows()["resource_events"]) == 3 * 7


def test_a_mirror_that_cannot_be_fetched_again_is_the_scans_failure(tmp_path: Path, remotes, repositories, store):
    machine = Machine(tmp_path / "machine", repositories[:1], Leases(store))
    machine.sync()
    machine.lose_mirrors()
    (away := remotes[0].path).rename(tmp_path / "away")
    (outcome,) = machine.scan(machine.turns)
    assert isinstance(outcome, ScanFailed)
    assert f"git could not read {away.as_uri().replace(' ', '%20')}" in outcome.reason


def test_one_machine_alone_fetches_nothing_by_itself(tmp_path: Path, repositories, store):
    machine = Machine(tmp_path / "machine", repositories[:1], Leases(None))
    machine.sync()
    machine.lose_mirrors()
    (outcome,) = machine.scan(Turns())
    assert isinstance(outcome, ScanFailed)
    assert "Sync the repository again" in outcome.reason


@pytest.mark.parametrize("workers", [1, 2])
def test_a_repository_that_another_machine_works_on_is_left_out_of_the_scan(
    tmp_path: Path, repositories, store: FolderStore, workers: int
):
    machine = Machine(tmp_path / "machine", repositories, Leases(store), workers)
    machine.sync()
    with Leases(store).hold(repositories[1].repository_id):
        first, busy, third = machine.scan(machine.turns)
    assert isinstance(busy, ScannedElsewhere)
    assert isinstance(first, Scanned)
    assert isinstance(third, Scanned)
    assert not machine.lake.exists(SCANS, repositories[1].full_name), "it is no failure"
    assert [type(outcome) for outcome in machine.scan(machine.turns)] == [UpToDate, Scanned, UpToDate]


def test_what_another_machine_has_scanned_since_is_left_to_the_next_sweep(tmp_path: Path, repositories, store):
    """Its tables are ahead of the head that this one knows: going back to that would be made of false events."""
    machine = Machine(tmp_path / "machine", repositories[:1], Leases(store))
    machine.sync()
    looked = time.time()
    with Leases(store).hold(repositories[0].repository_id):
        pass
    (outcome,) = machine.scan(Turns(Leases(store, since=looked)))
    assert isinstance(outcome, ScannedElsewhere)
    assert not machine.lake.exists(RESOURCES, repositories[0].full_name)


def test_a_repository_that_another_machine_works_on_is_left_out_of_the_sync(
    tmp_path: Path, remotes, repositories, store
):
    machine = Machine(tmp_path / "machine", repositories, Leases(store))
    machine.sync()
    remotes[0].commit({"a.yaml": config("a", "four")})
    before = machine.lake.read(SNAPSHOTS, repositories[0].full_name)
    with Leases(store).hold(repositories[0].repository_id), Leases(store).hold(repositories[1].repository_id):
        moved, unchanged, free = machine.sync()
    assert isinstance(moved, Elsewhere)
    assert machine.lake.read(SNAPSHOTS, repositories[0].full_name).rows.equals(before.rows)
    assert isinstance(unchanged, Unchanged), "to look takes no lease: a sweep without news asks the store for none"
    assert isinstance(free, Unchanged)
    assert machine.sync()[0].status == "synced"


def test_a_sweep_without_news_writes_no_lease(tmp_path: Path, repositories, store: FolderStore):
    machine = Machine(tmp_path / "machine", repositories, Leases(store))
    machine.sync()
    machine.scan(machine.turns)
    before = {name: store.version(name) for name in store.list("leases/")}
    machine.sync()
    machine.scan(machine.turns)
    assert {name: store.version(name) for name in store.list("leases/")} == before
    assert len(before) == 3


def test_what_another_machine_has_fetched_is_not_fetched_by_a_sync_without_its_mirror(tmp_path: Path, repositories):
    """Each machine would else keep all mirrors. The scan fetches those that it has to read."""
    settings, repository = settings_for(tmp_path), repositories[0]
    fetching, other = Layout(tmp_path / "one", "s3://bucket"), Layout(tmp_path / "other", "s3://bucket")
    synced = sync_repository(repository, None, settings, fetching)
    row = {"head_commit": synced.head, "unsupported_head": None}
    assert sync_repository(repository, row, settings, other) == Unchanged(synced.head, "main")
    assert not other.mirrors.exists()
    assert sync_repository(repository, row, settings, Layout(tmp_path / "alone")).status == "synced"
