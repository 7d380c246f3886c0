"""Files that grow past a megabyte, so that a mirror leaves their newer versions out and keeps the older ones."""

from pathlib import Path

import pytest

from kubestats_pipeline.git.mirror_folder import CONFIG
from kubestats_pipeline_tests.sync.git_server import serve
from kubestats_pipeline_tests.sync.world import World, day

LINE = "  - name: entry-{number:06d}\n    address: 10.{high}.{low}.1\n"
SMALL, LARGE = 19_000, 26_000
"""Entries of a file that is kept, and of one that is left out."""


def entries(count: int) -> str:
    """A manifest of so many entries, of which the first ones are always the same."""
    lines = (LINE.format(number=each, high=each // 250 % 250, low=each % 250) for each in range(count))
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\nentries:\n" + "".join(lines)


def commit_sizes(world: World, *sizes: int, start: int = 1) -> None:
    """One commit a day, each with the file of another size, packed as a host's remote is."""
    for number, size in enumerate(sizes, start):
        world.remote.commit({"big.yaml": entries(size), "a.yaml": f"day: {number}"}, at=day(number))
    world.remote.git("gc", "--quiet", "--prune=now")


def has_all_but_large(world: World) -> bool:
    """Whether every version of the file that is small enough is there, and no other."""
    objects = world.git("rev-list", "--objects", "--missing=print", "HEAD").splitlines()
    missing = {line[1:] for line in objects if line[0] == "?"}
    commits = world.mirrored()
    large = {world.remote.git("rev-parse", f"{each}:big.yaml") for each in commits}
    sizes = {each: int(world.remote.git("cat-file", "-s", each)) for each in large}
    return missing == {each for each, size in sizes.items() if size >= 1 << 20}


@pytest.mark.parametrize("sizes", [(SMALL, LARGE), (LARGE, SMALL), (SMALL, LARGE, SMALL + 10)], ids=str)
@pytest.mark.parametrize("history", [0, 90, "all"])
def test_a_repository_whose_file_passes_the_limit_syncs(tmp_path: Path, history: int | str, sizes: tuple[int, ...]):
    world = World(tmp_path, history_days=history)
    commit_sizes(world, *sizes)
    with serve(world.remote.path.parent) as server:
        world.serve_from(server)
        assert world.sync() == "synced", world.row["sync_error"]
        assert len(world.mirrored()) == (1 if history == 0 else len(sizes))
        assert has_all_but_large(world)
        assert world.sync() == "unchanged"


@pytest.mark.parametrize("history", [90, *(pytest.param(each, marks=pytest.mark.slow) for each in (0, "all"))])
def test_each_fetch_after_the_growth_succeeds_whichever_way_the_file_goes(tmp_path: Path, history: int | str):
    world = World(tmp_path, history_days=history)
    with serve(world.remote.path.parent) as server:
        world.serve_from(server)
        for number, size in enumerate((SMALL, LARGE, LARGE + 20, SMALL, SMALL + 20, LARGE), 1):
            commit_sizes(world, size, start=number)
            assert world.sync() == "synced", (number, world.row["sync_error"])
            assert world.mirrored()[0] == world.remote.head
            assert has_all_but_large(world)
            assert world.sync() == "unchanged"
        assert (world.mirror / "config").read_text() == CONFIG


def test_a_mirror_that_could_not_be_deepened_heals_by_itself(tmp_path: Path):
    world = World(tmp_path, history_days=0)
    commit_sizes(world, SMALL, LARGE)
    assert world.sync() == "synced"
    for history, commits in ((90, 2), ("all", 2)):
        world.set(history_days=history)
        assert world.sync() == "synced", world.row["sync_error"]
        assert len(world.mirrored()) == commits
        assert has_all_but_large(world)
        assert world.sync() == "unchanged"


def test_the_merge_of_an_old_branch_is_fetched_in_one_go_too(tmp_path: Path):
    world = World(tmp_path, history_days=90)
    commit_sizes(world, SMALL, start=1)
    world.remote.branch("old")
    world.remote.commit({"old.yaml": "x: 1"}, at=day(75), branch="old")
    commit_sizes(world, SMALL + 10, LARGE, start=150)
    world.remote.merge("old", at=day(170))
    world.remote.git("gc", "--quiet", "--prune=now")
    assert world.sync() == "synced", world.row["sync_error"]
    assert len(world.mirrored()) == 3
    assert has_all_but_large(world)
