"""How much history a mirror holds: bounded by days counted from the repository's own last commit."""

import shutil
import subprocess
from pathlib import Path

import pytest

from kubestats_pipeline_tests.builders import GitRepository, repository_for
from kubestats_pipeline_tests.sync.world import World, day


def commit_on(remote: GitRepository, *days: int) -> list[str]:
    """One commit a day; gives their ids, newest first."""
    return [remote.commit({"a.yaml": f"day: {number}"}, at=day(number)) for number in days][::-1]


def test_zero_days_of_history_mean_the_tip_alone(tmp_path: Path):
    world = World(tmp_path, history_days=0)
    commits = commit_on(world.remote, 1, 2, 3)
    assert world.sync() == "synced"
    assert world.mirrored() == commits[:1]
    assert world.row["history_since"] == day(3)


def test_days_are_counted_back_from_the_last_commit_and_not_from_today(tmp_path: Path):
    world = World(tmp_path, history_days=90)
    commits = commit_on(world.remote, 1, 9, 10, 50, 100)
    assert world.sync() == "synced"
    assert world.mirrored() == commits[:3]
    assert world.row["history_since"] == day(10)
    assert world.row["head_committed_at"] == day(100)


def test_all_history_is_everything(tmp_path: Path):
    world = World(tmp_path, history_days="all")
    commits = commit_on(world.remote, -3000, 1, 200)
    assert world.sync() == "synced"
    assert world.mirrored() == commits
    assert not (world.mirror / "shallow").exists()


def test_a_repository_frozen_after_a_long_pause_yields_its_tip(tmp_path: Path):
    world = World(tmp_path, history_days=90)
    commits = commit_on(world.remote, -4000, -2000)
    assert world.sync() == "synced"
    assert world.mirrored() == commits[:1]


def test_days_that_reach_before_1970_are_everything(tmp_path: Path):
    world = World(tmp_path, history_days=10**9)
    commits = commit_on(world.remote, 1, 100)
    world.sync()
    assert world.mirrored() == commits


def test_the_merge_of_an_old_branch_does_not_hide_the_history_before_it(tmp_path: Path):
    world = World(tmp_path, history_days=90)
    commit_on(world.remote, 1, 20)
    world.remote.branch("old")
    world.remote.commit({"old.yaml": "x: 1"}, at=day(75), branch="old")
    before = commit_on(world.remote, 110, 150)
    merged = world.remote.merge("old", at=day(160))
    after = commit_on(world.remote, 170)
    assert world.sync() == "synced"
    assert world.mirrored() == [*after, merged, *before]
    assert world.row["history_since"] == day(110)


def test_the_merge_of_an_ancient_branch_is_followed_however_far_it_reaches(tmp_path: Path):
    world = World(tmp_path, history_days=30)
    root = commit_on(world.remote, -2000)
    world.remote.branch("ancient")
    world.remote.commit({"old.yaml": "x: 1"}, at=day(-1900), branch="ancient")
    before = commit_on(world.remote, 140)
    merged = world.remote.merge("ancient", at=day(150))
    world.sync()
    assert world.mirrored() == [merged, *before, *root]


def test_history_grows_with_new_commits(tmp_path: Path):
    world = World(tmp_path, history_days=90)
    commits = commit_on(world.remote, 1, 100)
    world.sync()
    newer = commit_on(world.remote, 200, 300)
    assert world.sync() == "synced"
    assert world.mirrored() == [*newer, commits[0]]
    assert world.row["history_since"] == day(100)


@pytest.mark.parametrize("moved", [True, False])
def test_a_mirror_is_deepened_when_the_setting_reaches_further_back(tmp_path: Path, moved: bool):
    world = World(tmp_path, history_days=0)
    commits = commit_on(world.remote, 1, 30, 100)
    world.sync()
    commits = commit_on(world.remote, 110) + commits if moved else commits
    world.set(history_days=90)
    assert world.sync() == "synced"
    assert world.mirrored() == commits[:-1]
    assert world.sync() == "unchanged"
    world.set(history_days="all")
    assert world.sync() == "synced"
    assert world.mirrored() == commits
    assert world.row["history_since"] == day(1)
    assert world.sync() == "unchanged"


def test_a_mirror_is_never_shortened_when_the_setting_reaches_less_far(tmp_path: Path):
    world = World(tmp_path, history_days="all")
    commits = commit_on(world.remote, 1, 30, 100)
    world.sync()
    world.set(history_days=10)
    assert world.sync() == "unchanged"
    commits = commit_on(world.remote, 200) + commits
    assert world.sync() == "synced"
    assert world.mirrored() == commits


def test_a_mirror_that_has_grown_past_the_new_setting_is_not_shortened_by_it(tmp_path: Path):
    world = World(tmp_path, history_days=0)
    commits = commit_on(world.remote, 1, 2)
    world.sync()
    commits = commit_on(world.remote, 50, 100, 150) + commits
    world.sync()
    world.set(history_days=60)
    world.sync()
    assert world.mirrored() == commits[:4]


def shallow_clone(world: World, depth: int) -> Path:
    """A person's own clone with a bounded history, which becomes the repository that is mirrored."""
    clone = world.tmp_path / "owner" / "my clone"
    subprocess.run(["git", "clone", "-q", f"--depth={depth}", world.remote.url, str(clone)], check=True)
    world.repository = repository_for(clone)
    return clone


@pytest.mark.parametrize("history", [0, 90, "all"])
def test_somebodys_own_shallow_clone_is_a_remote_like_any_other(tmp_path: Path, history: int | str):
    world = World(tmp_path, history_days=history)
    commits = commit_on(world.remote, 1, 2, 3, 4)
    clone = shallow_clone(world, depth=2)
    assert world.sync() == "synced"
    assert world.mirrored() == commits[: 1 if history == 0 else 2]
    newer = commit_on(world.remote, 5)
    subprocess.run(["git", "-C", str(clone), "pull", "-q"], check=True)
    assert world.sync() == "synced"
    assert world.mirrored()[:2] == [*newer, commits[0]]
    assert world.sync() == "unchanged"


def test_a_shallow_clone_that_is_deepened_or_cut_later_still_syncs(tmp_path: Path):
    world = World(tmp_path, history_days="all")
    commits = commit_on(world.remote, 1, 2, 3)
    clone = shallow_clone(world, depth=1)
    world.sync()
    commits = commit_on(world.remote, 4) + commits
    subprocess.run(["git", "-C", str(clone), "pull", "-q", "--unshallow"], check=True)
    assert world.sync() == "synced"
    assert world.mirrored()[0] == commits[0]
    newest = commit_on(world.remote, 5)
    subprocess.run(["git", "-C", str(clone), "fetch", "-q", "--depth=1"], check=True)
    subprocess.run(["git", "-C", str(clone), "reset", "-q", "--hard", "origin/main"], check=True)
    assert world.sync() == "synced"
    assert world.mirrored()[0] == newest[0]


def test_a_clones_remembered_remote_head_is_not_taken_for_its_own(tmp_path: Path):
    world = World(tmp_path)
    commit_on(world.remote, 1)
    clone = shallow_clone(world, depth=1)
    mine = ["-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "-q", "--allow-empty", "-m", "mine"]
    subprocess.run(["git", "-C", str(clone), *mine], check=True)
    world.sync()
    head = subprocess.run(["git", "-C", str(clone), "rev-parse", "HEAD"], check=True, stdout=subprocess.PIPE)
    assert world.row["head_commit"] == head.stdout.decode().strip() != world.remote.head


def test_a_mirror_that_was_deleted_is_fetched_anew(tmp_path: Path):
    world = World(tmp_path)
    commits = commit_on(world.remote, 1, 2)
    world.sync()
    shutil.rmtree(world.mirror)
    assert world.sync() == "synced"
    assert world.mirrored() == commits
