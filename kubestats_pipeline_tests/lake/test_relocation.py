"""Partitions and mirrors go to other names, in circles too, and a move that was killed anywhere ends the same."""

import contextlib
from pathlib import Path

import pytest

from kubestats_pipeline.lake import relocation as moves
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.relocation import PARTITIONED, Move, RepositoryPlace, put_in_place, remove, take_aside
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.locks import BusyError, locked
from kubestats_pipeline_tests.lake.test_lake import any_row


def place(full_name: str) -> RepositoryPlace:
    owner, name = full_name.split("/")
    return RepositoryPlace(full_name, "github.com", owner, name)


def move(number: int, old: str, new: str) -> Move:
    return Move(f"github:{number}", place(old), place(new))


SWAP = (move(1, "ada/a", "ada/b"), move(2, "ada/b", "ada/a"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(Layout(tmp_path))
    fill(lake, 1, "ada/a")
    fill(lake, 2, "ada/b")
    return lake


def fill(lake: Lake, number: int, full_name: str) -> None:
    """Every table, the events in two files and one table without rows, and a mirror."""
    for table in PARTITIONED:
        row = any_row(table, repository_id=f"github:{number}", full_name=full_name)
        lake.write(table, full_name, [] if table.name == "scan_problems" else [row], {"commit": f"c{number}"})
    events = lake.path(RESOURCE_EVENTS, full_name)
    events.with_name("part-2.parquet").write_bytes(events.read_bytes())
    mirror = lake.layout.mirror("github.com", *full_name.split("/"))
    mirror.mkdir(parents=True)
    (mirror / "HEAD").write_text(str(number))


def holders(lake: Lake) -> dict[str, tuple[set[str], set[str], str, str]]:
    """Whose the rows at each name are, how they call it, and whose facts and mirror lie beside them."""
    found = {}
    for full_name in lake.repositories(RESOURCES):
        rows = [lake.read(table, full_name) for table in PARTITIONED]
        ids = {row for partition in rows if partition for row in partition.rows["repository_id"]}
        names = {row for partition in rows if partition for row in partition.rows["full_name"]}
        mirror = lake.layout.mirror("github.com", *full_name.split("/"))
        found[full_name] = (ids, names, lake.read_metadata(RESOURCES, full_name)["commit"], text(mirror / "HEAD"))
    return found


def text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_a_repository_takes_everything_along_and_leaves_nothing(lake: Lake):
    moving = (move(1, "ada/a", "bob/cluster"),)
    take_aside(lake, moving)
    put_in_place(lake, moving)
    assert holders(lake) == {
        "bob/cluster": ({"github:1"}, {"bob/cluster"}, "c1", "1"),
        "ada/b": ({"github:2"}, {"ada/b"}, "c2", "2"),
    }
    events = lake.path(RESOURCE_EVENTS, "bob/cluster").parent
    assert sorted(path.name for path in events.iterdir()) == ["part-2.parquet", "part.parquet"]
    assert not list((lake.layout.data_dir / "moving").iterdir())


def test_two_repositories_swap_their_names(lake: Lake):
    take_aside(lake, SWAP)
    put_in_place(lake, SWAP)
    assert holders(lake) == {
        "ada/a": ({"github:2"}, {"ada/a"}, "c2", "2"),
        "ada/b": ({"github:1"}, {"ada/b"}, "c1", "1"),
    }


def test_a_repository_that_was_never_synced_moves_as_well(lake: Lake):
    moving = (move(3, "eve/new", "eve/newer"),)
    take_aside(lake, moving)
    put_in_place(lake, moving)
    assert set(holders(lake)) == {"ada/a", "ada/b"}


class KilledError(BaseException):
    """Stands for a kill: nothing catches it, so the disk stays as a killed process leaves it."""


@pytest.mark.parametrize("kills_at", range(1, 90, 4))
def test_a_swap_that_is_killed_before_any_of_its_steps_is_finished_by_its_repetition(
    lake: Lake, kills_at: int, monkeypatch: pytest.MonkeyPatch
):
    is_taken = False
    with contextlib.suppress(KilledError), monkeypatch.context() as patch:
        kill_before(kills_at, patch)
        take_aside(lake, SWAP)
        is_taken = True
        put_in_place(lake, SWAP)
    if not is_taken:
        take_aside(lake, SWAP)
    put_in_place(lake, SWAP)
    assert holders(lake) == {
        "ada/a": ({"github:2"}, {"ada/a"}, "c2", "2"),
        "ada/b": ({"github:1"}, {"ada/b"}, "c1", "1"),
    }


def kill_before(step: int, patch: pytest.MonkeyPatch) -> None:
    """Die before the disk is changed for the so-manieth time."""
    left = iter(range(step - 1, -1, -1))

    def counted(original):
        def call(*arguments, **options):
            if next(left, 0) == 0:
                raise KilledError
            return original(*arguments, **options)

        return call

    for name in ("rename", "replace", "unlink", "rmdir"):
        patch.setattr(Path, name, counted(getattr(Path, name)))
    patch.setattr(moves.shutil, "rmtree", counted(moves.shutil.rmtree))


def test_what_a_late_sync_wrote_to_the_old_name_does_not_replace_what_was_taken_aside(lake: Lake):
    moving = (move(1, "ada/a", "ada/c"),)
    take_aside(lake, moving)
    lake.write(RESOURCES, "ada/a", [any_row(RESOURCES, repository_id="github:1")], {"commit": "late"})
    take_aside(lake, moving)
    put_in_place(lake, moving)
    assert holders(lake)["ada/c"][2] == "c1"
    assert "ada/a" not in holders(lake)


def test_a_move_waits_for_a_scan_and_gives_up_before_anything_has_moved(lake: Lake, monkeypatch):
    monkeypatch.setattr(moves, "LOCK_SECONDS", 0.1)
    before = holders(lake)
    with locked(lake.layout.scan_lock("ada/a"), 1), pytest.raises(BusyError):
        take_aside(lake, SWAP)
    assert holders(lake) == before


def test_a_removed_repository_leaves_no_file(lake: Lake):
    remove(lake, "id", place("ada/a"))
    remove(lake, "id", place("ada/a"))
    assert set(holders(lake)) == {"ada/b"}
    assert not lake.layout.mirror("github.com", "ada", "a").exists()
