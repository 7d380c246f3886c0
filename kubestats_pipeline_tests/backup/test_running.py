"""A backup of an installation that is at work, restored and worked on, gives what an uninterrupted one has."""

import functools
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.backup import backup, copying
from kubestats_pipeline.backup import kept as kept_files
from kubestats_pipeline.backup.copying import GrowingCopy
from kubestats_pipeline.backup.inventory import BackupError
from kubestats_pipeline.backup.kept import Look
from kubestats_pipeline.lake import relocation
from kubestats_pipeline.lake.contract import Partitioning
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import RESOURCES, TABLES
from kubestats_pipeline.locks import BusyError, locked
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline_tests.backup.installations import TIMES, back_up, everything, kept, restore
from kubestats_pipeline_tests.discover.world import World as Hosts
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.scan.store import test_retention as retention
from kubestats_pipeline_tests.scan.store.test_crash import digests, scan_to, write_history
from kubestats_pipeline_tests.scan.world import World
from kubestats_pipeline_tests.sync.git_server import serve

COMMITS = 24
HALF = COMMITS // 2


def rows_of(world: World) -> dict[str, list[dict[str, Any]]]:
    """Every row of a repository, without the columns of the run."""
    own = ("sync_run_id", "last_scan_at")
    tables = [table for table in TABLES.values() if table.partitioning is Partitioning.REPOSITORY]
    return {
        table.name: [{name: row[name] for name in row if name not in own} for row in world.rows(table)]
        for table in tables
    }


def restored(source: Path, folder: Path, like: World) -> World:
    """A new installation from a backup, with the same repository in the place of its mirror."""
    restore(source, folder)
    return World(folder, mirror=like.mirror)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "running")


@pytest.fixture
def at_each_write(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Have something done before each call by which anybody flushes, renames or removes a file."""
    is_inside = False

    def begin(act: Callable[[], None]) -> None:
        def wrapped(call: Callable[..., None]) -> Callable[..., None]:
            def wrapper(*arguments: object, **options: object) -> None:
                nonlocal is_inside
                if not is_inside:
                    is_inside = True
                    act()
                    is_inside = False
                call(*arguments, **options)

            return wrapper

        for name in ("fsync", "replace", "rename", "unlink"):
            monkeypatch.setattr(os, name, wrapped(getattr(os, name)))

    yield begin
    monkeypatch.undo()


def test_a_backup_before_any_write_of_a_scan_goes_on_to_the_same_bytes(
    tmp_path: Path, world: World, at_each_write: Callable[[Callable[[], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = write_history(world, COMMITS)
    scan_to(world, commits[HALF])
    made = []
    at_each_write(lambda: made.append(back_up(world.lake.layout, tmp_path / str(len(made))).folder))
    scan_to(world, commits[-1])
    monkeypatch.undo()
    assert len(made) > 10
    expected = digests(world.lake)
    for number, folder in enumerate(made):
        again = restored(folder, tmp_path / f"restored{number}", world)
        assert number or digests(again.lake) != expected
        scan_to(again, commits[-1])
        assert digests(again.lake) == expected, number


@pytest.mark.parametrize("every", [1, 2, 3, 5])
def test_scans_between_the_files_that_a_backup_copies_leave_one_moment_of_a_repository(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """Many scans end while one repository is copied, each between two files of it."""
    commits = write_history(world, COMMITS)
    scan_to(world, commits[2])
    coming = iter(commits[3:])
    calls = 0

    def copy_and_scan(self: GrowingCopy, source: Path, place: str) -> copying.Copied:
        nonlocal calls
        copied = copy_file(self, source, place)
        calls += 1
        if calls % every == 0 and (commit := next(coming, None)):
            scan_to(world, commit)
        return copied

    copy_file = GrowingCopy._copy_file
    monkeypatch.setattr(GrowingCopy, "_copy_file", copy_and_scan)
    monkeypatch.setattr(copying, "PAUSE_SECONDS", 0)
    made = back_up(world.lake.layout, tmp_path / "target")
    assert calls > COMMITS
    for commit in coming:
        scan_to(world, commit)
    again = restored(made.folder, tmp_path / "new", world)
    scan_to(again, commits[-1])
    assert rows_of(again) == rows_of(world)


def test_a_repository_that_is_written_to_all_the_time_is_told_and_leaves_nothing(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_history(world, 2)
    scan_to(world, world.git.head)
    resources = world.lake.path(RESOURCES, world.repository.full_name)

    def copy_and_touch(self: GrowingCopy, source: Path, place: str) -> copying.Copied:
        copied = copy_file(self, source, place)
        os.utime(resources, ns=(0, copied.stamp.modified_ns + 1))
        return copied

    copy_file = GrowingCopy._copy_file
    monkeypatch.setattr(GrowingCopy, "_copy_file", copy_and_touch)
    monkeypatch.setattr(copying, "PAUSE_SECONDS", 0)
    with pytest.raises(BusyError, match="was written to all the time"):
        back_up(world.lake.layout, tmp_path / "target")
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["backup.lock"]


def back_up_while(
    layout: Layout, target: Path, monkeypatch: pytest.MonkeyPatch, looks: int, act: Callable[[], object]
) -> Path | None:
    """A backup that is met by something after it has looked so often at files. None where it never looks so often."""
    left = looks

    def look_and_act(*arguments: Any) -> Look:
        nonlocal left
        seen, left = look(*arguments), left - 1
        if left == 0:
            act()
        return seen

    look = kept_files.look_at
    with monkeypatch.context() as patch:
        patch.setattr(copying, "look_at", look_and_act)
        made = back_up(layout, target)
    return made.folder if left <= 0 else None


def test_events_that_retention_archives_during_a_backup_are_in_its_log_or_in_its_archive(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention.write_history(world)
    world.scan()
    before = {event["event_id"] for event in world.events}
    shutil.copytree(world.lake.layout.lake, tmp_path / "lake")
    for looks in itertools.count(1):
        for place in (world.lake.layout.lake, world.lake.layout.archives):
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(tmp_path / "lake", world.lake.layout.lake)
        retire = functools.partial(retention.retire, world, retention.BOTH)
        folder = back_up_while(world.lake.layout, tmp_path / f"{looks}", monkeypatch, looks, retire)
        if folder is None:
            break
        again = restored(folder, tmp_path / f"restored{looks}", world)
        retention.retire(again, retention.BOTH)
        assert before == {event["event_id"] for event in (*again.events, *retention.archived(again))}, looks
        assert rows_of(again) == rows_of(world)
        assert retention.archived(again, "payloads") == retention.archived(world, "payloads")
    assert looks > 10


def test_no_repository_gets_another_name_while_a_backup_looks_a_last_time(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.git.commit({"a.yaml": "kind: A\n"})
    world.scan()
    monkeypatch.setattr(backup, "LOCK_SECONDS", 0)
    with locked(world.lake.layout.register_lock, 0), pytest.raises(BusyError):
        back_up(world.lake.layout, tmp_path / "target")
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["backup.lock"]


def test_a_swap_of_names_that_was_killed_is_finished_in_the_restored_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GitHubServer() as github, serve(tmp_path / "remotes") as git:
        hosts = Hosts(tmp_path / "running", github, git)
        hosts.create("ada/ops", 1)
        hosts.create("bob/cluster", 2)
        hosts.cycle()
        expected = [[event for event, *_ in hosts.events(name)] for name in ("bob/cluster", "ada/ops")]
        for number, name in ((1, "ada/temporary"), (2, "ada/ops"), (1, "bob/cluster")):
            hosts.rename(number, name)
        put_in_place = relocation.put_in_place
        monkeypatch.setattr(relocation, "put_in_place", killed)
        with pytest.raises(BackupError):
            hosts.discover()
        monkeypatch.setattr(relocation, "put_in_place", put_in_place)
        assert list(hosts.lake.layout.all_moving.iterdir())
        made = back_up(hosts.lake.layout, tmp_path / "target")
        assert not [place for place in made.inventory.files if relocation.MIRROR in place]
        restored_hosts = Hosts(tmp_path / "new", github, git)
        restore(made.folder, tmp_path / "new")
        assert restored_hosts.discover().failures == ()
        found = [[event for event, *_ in restored_hosts.events(name)] for name in ("ada/ops", "bob/cluster")]
        assert found == expected
        assert not relocation.read_journal(restored_hosts.lake.read_metadata(TABLES["repositories"]) or {}).moves


def killed(*_: object) -> None:
    raise BackupError("stands for a kill")


def test_a_mark_of_redaction_is_never_younger_than_the_files_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade withholds secrets and writes its mark while the backup is under way."""
    found = []
    for looks in itertools.count(1):
        layout = Layout(tmp_path / f"running{looks}" / "data")
        rows = layout.lake / "resources" / "repository=x" / "part.parquet"
        put(rows, "a secret")
        put(layout.redacted_by, "older rules")

        def redact(rows: Path = rows, layout: Layout = layout) -> None:
            put(rows, "withheld")
            put(layout.redacted_by, "newer rules")

        folder = back_up_while(layout, tmp_path / f"{looks}", monkeypatch, looks, redact)
        if folder is None:
            break
        lake = folder / "data" / "lake"
        found.append((lake / "redacted_by", lake / "resources" / "repository=x" / "part.parquet"))
    told = [(mark.read_text(), rows.read_text()) for mark, rows in found]
    assert ("newer rules", "a secret") not in told
    assert len(set(told)) > 1


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    FolderStore(path.parent).put(path.name, text.encode())


def test_what_has_gone_since_the_first_look_is_not_in_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path / "running" / "data")
    lost, stays = layout.lake / "a" / "repository=lost" / "part.parquet", layout.lake / "b" / "part.parquet"
    for path in (lost, stays):
        path.parent.mkdir(parents=True)
        path.write_text("text")
    copy_roughly = GrowingCopy.copy_roughly

    def copy_and_lose(self: GrowingCopy) -> None:
        copy_roughly(self)
        shutil.rmtree(lost.parent)

    monkeypatch.setattr(GrowingCopy, "copy_roughly", copy_and_lose)
    made = back_up(layout, tmp_path / "target", at=TIMES[0])
    assert kept(restore(made.folder, tmp_path / "new")) == kept(layout)
    assert not [name for name in everything(made.folder) if "lost" in name]
