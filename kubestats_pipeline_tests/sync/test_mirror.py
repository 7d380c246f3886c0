"""The mirror as a cache on disk: what it leaves behind, and how it survives damage, kills and company."""

import dataclasses
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kubestats_pipeline.git import command as git
from kubestats_pipeline.git.mirror_folder import CONFIG, Mirror
from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.sync import mirror as mirrors
from kubestats_pipeline_tests.builders import EXECUTABLE
from kubestats_pipeline_tests.sync.git_server import serve
from kubestats_pipeline_tests.sync.world import World

Damage = Callable[[Path], None]

BIG = os.urandom(1_500_000)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def batch_check(world: World, *names: str) -> list[str]:
    """Ask git for objects in the mirror, with no environment that would forbid it the network."""
    command = ["git", f"--git-dir={world.mirror}", "cat-file", "--batch-check"]
    answer = subprocess.run(command, input="\n".join(names).encode(), check=True, stdout=subprocess.PIPE, timeout=20)
    return answer.stdout.decode().splitlines()


def siblings(world: World) -> list[str]:
    return sorted(path.name for path in world.mirror.parent.iterdir())


def test_files_over_a_megabyte_stay_behind_and_are_never_fetched_later(world: World):
    world.remote.commit({"big.bin": BIG, "a.yaml": "kind: A"})
    big = world.remote.git("rev-parse", "HEAD:big.bin")
    world.sync()
    assert world.git("show", "HEAD:a.yaml") == "kind: A"
    assert batch_check(world, big) == [f"{big} missing"]
    world.remote.commit({"a.yaml": "kind: B"})
    assert world.sync() == "synced"
    assert batch_check(world, big) == [f"{big} missing"]


def test_files_over_a_megabyte_stay_behind_on_a_remote_that_allows_no_filter(world: World):
    world.remote.git("config", "uploadpack.allowFilter", "false")
    world.remote.commit({"big.bin": BIG})
    big = world.remote.git("rev-parse", "HEAD:big.bin")
    assert world.sync() == "synced"
    assert batch_check(world, big) == [f"{big} missing"]


def test_a_mirrors_configuration_is_fixed_and_restored_by_the_next_sync(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    assert (world.mirror / "config").read_text() == CONFIG
    world.git("config", "remote.somewhere.promisor", "true")
    assert world.sync() == "unchanged"
    assert (world.mirror / "config").read_text() == CONFIG


def test_sealing_a_sealed_mirror_writes_nothing(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    before = (world.mirror / "config").stat()
    Mirror(world.mirror).seal()
    assert (world.mirror / "config").stat() == before


def test_tags_and_other_branches_stay_behind(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.remote.git("tag", "v1", "HEAD")
    world.remote.branch("other")
    world.sync()
    assert world.git("for-each-ref", "--format=%(refname)") == "refs/heads/head"


def break_head(mirror: Path) -> None:
    (mirror / "HEAD").write_bytes(b"\xff\0garbage")


def empty_ref(mirror: Path) -> None:
    (mirror / "refs/heads/head").write_text("")


def point_to_nowhere(mirror: Path) -> None:
    (mirror / "refs/heads/head").write_text("1" * 40)


def lose_packs(mirror: Path) -> None:
    for path in mirror.glob("objects/pack/*.pack"):
        path.unlink()


def break_packs(mirror: Path) -> None:
    for path in mirror.glob("objects/pack/*.pack"):
        path.chmod(0o600)
        path.write_bytes(b"PACK" + bytes(60))


def leave_a_shallow_lock(mirror: Path) -> None:
    (mirror / "shallow.lock").touch()


def leave_a_ref_lock(mirror: Path) -> None:
    (mirror / "refs/heads/head.lock").touch()


def lose_the_configuration(mirror: Path) -> None:
    (mirror / "config").unlink()


def lose_the_reach(mirror: Path) -> None:
    (mirror / "kubestats-history").unlink()


SEEN_AT_ONCE = [break_head, empty_ref, point_to_nowhere, lose_packs, leave_a_shallow_lock, leave_a_ref_lock]
HARMLESS = [lose_the_configuration, lose_the_reach]
SEEN_BY_GIT = [break_packs]


def named(value: object) -> str:
    return getattr(value, "__name__", "").replace("_", " ")


@pytest.mark.parametrize("damage", SEEN_AT_ONCE + HARMLESS, ids=named)
def test_a_damaged_mirror_is_healed_although_the_remote_did_not_change(world: World, damage: Damage):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    damage(world.mirror)
    assert_healed(world)


@pytest.mark.parametrize("damage", SEEN_AT_ONCE + HARMLESS + SEEN_BY_GIT, ids=named)
def test_a_damaged_mirror_is_healed_when_the_remote_has_changed(world: World, damage: Damage):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    damage(world.mirror)
    world.remote.commit({"a.yaml": "kind: B"})
    assert_healed(world)


def assert_healed(world: World) -> None:
    assert world.sync() in ("synced", "unchanged")
    assert world.mirrored()[0] == world.remote.head == world.row["head_commit"]
    world.git("rev-list", "--objects", "HEAD")
    assert world.sync() == "unchanged"


def test_a_discarded_mirror_is_fetched_anew_although_nothing_changed(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    break_packs(world.mirror)
    assert world.sync() == "unchanged"
    Mirror(world.mirror).discard()
    assert world.sync() == "synced"
    assert world.git("show", "HEAD:a.yaml") == "kind: A"


def test_a_failed_fetch_keeps_the_mirror_and_its_history(world: World, tmp_path: Path):
    first = world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    world.remote.commit({"b.yaml": "kind: B"})
    with serve(world.remote.path.parent) as server:
        address = f"{server.url}/{world.remote.path.name.replace(' ', '%20')}"
        remote = mirrors.Remote(address, git.environment(), timeout=5)
        server.status = 500
        with pytest.raises(git.GitError):
            mirrors.update_mirror(Mirror(world.mirror), remote, mirrors.MirrorBounds(90, 200))
    assert world.mirrored() == [first]
    assert siblings(world) == [world.mirror.name, f"{world.mirror.name}.lock"]


CHILD = """
import sys
from pathlib import Path
from kubestats_pipeline.git import command as git
from kubestats_pipeline.git.mirror_folder import Mirror
from kubestats_pipeline.sync.mirror import MirrorBounds, Remote, update_mirror
update_mirror(Mirror(Path(sys.argv[1])), Remote(sys.argv[2], git.environment(), 30), MirrorBounds(90, 200))
"""


@pytest.mark.parametrize("first", [True, False], ids=["first sync", "later sync"])
def test_a_sync_that_is_killed_half_way_is_finished_by_the_next(world: World, first: bool):
    world.remote.commit({"a.yaml": "kind: A"})
    if not first:
        world.sync()
    second = world.remote.commit({"a.yaml": "kind: B"})
    with serve(world.remote.path.parent) as server:
        address = f"{server.url}/{world.remote.path.name.replace(' ', '%20')}"
        server.hold("/git-upload-pack")
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(world.mirror), address])
        assert server.asked.wait(15)
        child.send_signal(signal.SIGKILL)
        child.wait()
        left = [name for name in siblings(world) if name.startswith(".")]
        assert bool(left) == first
        world.repository = dataclasses.replace(world.repository, clone_url=address)
        server.open_gate.set()
        assert world.sync() == "synced", world.row["sync_error"]
    assert world.mirrored()[0] == second
    assert siblings(world) == [world.mirror.name, f"{world.mirror.name}.lock"]


def test_two_syncs_of_one_repository_at_a_time_end_with_one_whole_mirror(world: World):
    world.remote.commit({f"{number}.yaml": str(number) for number in range(50)})
    command = [sys.executable, "-c", CHILD, str(world.mirror), world.remote.url]
    children = [subprocess.Popen(command) for _ in range(3)]
    assert [child.wait(20) for child in children] == [0, 0, 0]
    world.git("rev-list", "--objects", "HEAD")
    assert siblings(world) == [world.mirror.name, f"{world.mirror.name}.lock"]


def test_a_mirror_that_another_process_holds_is_waited_for_only_so_long(tmp_path: Path):
    world = World(tmp_path, sync={"timeout_seconds": 0.3})
    world.remote.commit({"a.yaml": "kind: A"})
    world.mirror.parent.mkdir(parents=True)
    with world.mirror.with_name(f"{world.mirror.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        began = time.monotonic()
        assert world.sync() == "error"
        assert "another process" in world.row["sync_error"]
        assert time.monotonic() - began < 3
        with pytest.raises(BusyError):
            Mirror(world.mirror).discard(wait=0)
    assert world.sync() == "synced"


def test_no_hook_ever_runs(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    marker = world.tmp_path / "hook-ran"
    for repository in (world.mirror, world.remote.path):
        hook = repository / "hooks" / "reference-transaction"
        hook.parent.mkdir()
        hook.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
        hook.chmod(0o755)
    world.git("update-ref", "refs/heads/other", "HEAD")
    assert marker.exists(), "without our environment the hook runs, so the test means something"
    world.git("update-ref", "-d", "refs/heads/other")
    world.remote.set_mode("a.yaml", EXECUTABLE)
    marker.unlink()
    assert world.sync() == "synced"
    assert not marker.exists()


def test_the_packs_of_many_fetches_are_joined_and_big_files_still_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mirrors, "MANY_PACKS", 3)
    world.remote.commit({"big.bin": BIG, "a.yaml": "0"})
    big = world.remote.git("rev-parse", "HEAD:big.bin")
    for number in range(6):
        world.remote.commit({"a.yaml": str(number)})
        assert world.sync() == "synced"
        assert len(list(world.mirror.glob("objects/pack/*.pack"))) <= 4
    assert batch_check(world, big) == [f"{big} missing"]
    assert (world.mirror / "config").read_text() == CONFIG
    assert world.sync() == "unchanged"


def test_a_data_directory_that_cannot_be_written_is_an_error_and_not_an_exception(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.settings.data_dir.mkdir()
    (world.settings.data_dir / "git").write_text("in the way")
    assert world.sync() == "error"
    assert str(world.settings.data_dir / "git") in world.row["sync_error"]
