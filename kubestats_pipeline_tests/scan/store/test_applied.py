"""The tables of what clusters run: written with the position, read back at the next scan, whole after a killed run."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import APPLIED_EVENTS, APPLIED_RESOURCES
from kubestats_pipeline.scan.clusters.applied import AppliedKey, AppliedObject
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.files import ContentCache
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store.logs import EventLog
from kubestats_pipeline_tests.scan.replay.test_applied_history import commit, place, thing
from kubestats_pipeline_tests.scan.world import World

Changes = Mapping[AppliedKey, AppliedObject | None]

FIRST: Changes = {place("a"): thing(origin=None), place("b"): thing(origin=None), place("c"): thing(origin=None)}
SECOND: Changes = {place("a"): thing("two", "2.0", origin=None), place("b"): None, place("d"): thing(origin=None)}


class Clusters:
    """A repository whose clusters are told commit by commit, scanned into a real lake."""

    def __init__(self, tmp_path: Path) -> None:
        self.world = World(tmp_path)
        self.tables = RepositoryTables.of(self.world.lake, self.world.repository)

    def position(self) -> store.Position | None:
        return store.read_position(self.tables)

    def scan(self, number: int, changes: Changes) -> None:
        """One scan of one commit that changes what clusters run."""
        known, repository = self.position(), self.world.repository
        replay = Replay(
            repository.repository_id,
            ContentCache(lambda _: None, Bounds()),
            saved_applied=store.read_stored(self.tables, known).applied if known else (),
            next_applied=known.next_applied if known else 0,
        )
        log = EventLog(self.tables, repository, known, None)
        replay.applied.apply(commit(number), changes, lambda _: None)
        log.take_from(replay)
        sha, reached = commit(number).sha, replay.applied.next_sequence
        position = store.Position(repository.repository_id, sha, replay.log.next_sequence, None, next_applied=reached)
        log.publish()
        store.write_tables(self.tables, repository, replay, known, position)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        return self.world.rows(table)

    def digests(self) -> dict[str, str]:
        files = sorted(path for path in self.world.lake.layout.lake.rglob("*.parquet") if path.is_file())
        return {str(path.relative_to(self.world.lake.layout.lake)): _digest(path) for path in files}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def clusters(tmp_path: Path) -> Clusters:
    return Clusters(tmp_path)


def assert_fold_gives_applied(clusters: Clusters) -> None:
    """The invariant of the log: the last event of each object that is not DELETED has what the object's row has."""
    last = {event["applied_id"]: event for event in sorted(clusters.rows(APPLIED_EVENTS), key=_sequence)}
    folded = {key: event for key, event in last.items() if event["event_type"] != "DELETED"}
    rows = {row["applied_id"]: row for row in clusters.rows(APPLIED_RESOURCES)}
    assert rows.keys() == folded.keys()
    renamed = {"version": "version_after", "updated_at": "event_timestamp"}
    for key, row in rows.items():
        for column in row.keys() - {"created_at"}:
            assert row[column] == folded[key][renamed.get(column, column)], column


def _sequence(event: dict[str, Any]) -> int:
    number: int = event["sequence"]
    return number


def test_the_next_scan_makes_events_of_what_has_changed_alone(clusters: Clusters) -> None:
    clusters.scan(1, FIRST)
    clusters.scan(2, SECOND)
    events = sorted(clusters.rows(APPLIED_EVENTS), key=_sequence)
    assert [
        (event["event_type"], event["name"], event["version_before"], event["version_after"]) for event in events
    ] == [
        ("CREATED", "a", None, "1.0"),
        ("CREATED", "b", None, "1.0"),
        ("CREATED", "c", None, "1.0"),
        ("MODIFIED", "a", "1.0", "2.0"),
        ("DELETED", "b", "1.0", None),
        ("CREATED", "d", None, "1.0"),
    ]
    assert [event["sequence"] for event in events] == [*range(6)]
    assert_fold_gives_applied(clusters)


def test_several_scans_and_one_give_the_same_rows(tmp_path: Path) -> None:
    step_by_step, resumed = Clusters(tmp_path / "one"), Clusters(tmp_path / "other")
    for number, changes in enumerate((FIRST, SECOND, {place("b"): thing(origin=None)}), 1):
        step_by_step.scan(number, changes)
        resumed.scan(number, changes)
        resumed.scan(number, {})
    for table in (APPLIED_RESOURCES, APPLIED_EVENTS):
        assert step_by_step.rows(table) == resumed.rows(table)


def test_a_run_that_is_killed_before_the_position_moves_leaves_the_objects_of_the_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, killed = Clusters(tmp_path / "one"), Clusters(tmp_path / "other")
    for clusters in (undisturbed, killed):
        clusters.scan(1, FIRST)
    before = store.read_stored(killed.tables, found(killed)).applied
    with monkeypatch.context() as patched:
        patched.setattr(RepositoryTables, "write_resources", interrupt)
        with pytest.raises(KeyboardInterrupt):
            killed.scan(2, SECOND)
    assert {row["name"] for row in killed.rows(APPLIED_RESOURCES)} == {"a", "c", "d"}
    assert sorted(store.read_stored(killed.tables, found(killed)).applied) == sorted(before)
    for clusters in (undisturbed, killed):
        clusters.scan(3, SECOND)
    assert killed.digests() == undisturbed.digests()


def found(clusters: Clusters) -> store.Position:
    position = clusters.position()
    assert position is not None
    assert not position.is_older
    return position


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_scan_that_changes_no_object_leaves_the_file_of_the_objects_alone(clusters: Clusters) -> None:
    clusters.scan(1, FIRST)
    file = clusters.world.lake.path(APPLIED_RESOURCES, clusters.world.repository.full_name)
    written = file.stat().st_ino
    clusters.scan(2, {})
    assert file.stat().st_ino == written
    clusters.scan(3, SECOND)
    assert_fold_gives_applied(clusters)


@pytest.mark.parametrize("table", [APPLIED_RESOURCES, APPLIED_EVENTS], ids=lambda table: table.name)
def test_a_lake_that_lacks_one_of_the_tables_is_replayed_like_one_of_an_earlier_version(
    table: Table, clusters: Clusters
) -> None:
    clusters.scan(1, FIRST)
    clusters.world.lake.path(table, clusters.world.repository.full_name).unlink()
    position = clusters.position()
    assert position is not None
    assert (position.is_older, position.next_applied, position.applied_mark) == (True, 0, "")


def test_objects_that_belong_to_another_position_are_not_gone_on_from(tmp_path: Path, clusters: Clusters) -> None:
    clusters.scan(1, FIRST)
    other = Clusters(tmp_path / "other")
    other.scan(7, SECOND)
    paths = [each.world.lake.path(APPLIED_RESOURCES, "local/owner/home") for each in (clusters, other)]
    paths[0].write_bytes(paths[1].read_bytes())
    position = clusters.position()
    assert position is not None
    assert position.is_older


def test_a_path_whose_bytes_are_no_text_comes_back_as_it_was(clusters: Clusters) -> None:
    key = place(cluster="clusters/\udce9t\\x")
    clusters.scan(1, {key: thing(origin=None, applied_path="apps/\udce9")})
    (record,) = store.read_stored(clusters.tables, found(clusters)).applied
    assert (record.key, record.state.applied_path) == (key, "apps/\udce9")
