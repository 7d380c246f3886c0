"""A file that is brought up to date has the rows of one that is built as a whole, in every table, mart and view."""

import datetime
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, SNAPSHOTS
from kubestats_pipeline.warehouse import build, changes, refresh
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.built_from import BuiltFrom
from kubestats_pipeline.warehouse.connect import open_to_read
from kubestats_pipeline.warehouse.examine import find_differences, find_lost_references, narrow_to_refreshed
from kubestats_pipeline_tests.warehouse.changing_lake import ChangingLake
from kubestats_pipeline_tests.warehouse.whole_build import differences, link


@pytest.fixture(scope="module")
def world(sample_repositories: Path, tmp_path_factory: pytest.TempPathFactory) -> ChangingLake:
    """Eight repositories, published. Tests change copies of them."""
    return published_world(tmp_path_factory.mktemp("world"), sample_repositories, seed=1)


@pytest.fixture
def changing(world: ChangingLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChangingLake:
    lift_bounds(monkeypatch)
    link(world.lake.layout.data_dir, tmp_path / "data")
    return ChangingLake(
        Lake(Layout(tmp_path / "data")), world.histories, random.Random(2), dict(world.rows), dict(world.places)
    )


def lift_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight repositories are few, and their file is small: one of them is much of both."""
    monkeypatch.setattr(changes, "LARGEST_SHARE", 1)
    monkeypatch.setattr(refresh, "LARGEST_GROWTH", 1_000)


def published_world(folder: Path, samples: Path, seed: int) -> ChangingLake:
    """Repositories that share two histories, so that some of their settings are shared by three."""
    draw = random.Random(seed)
    world = ChangingLake(Lake(Layout(folder / "data")), draw.sample(sorted(samples.glob("*/*.git")), 2), draw)
    for _ in range(8):
        world.add()
    world.measure()
    build_warehouse(world.lake)
    return world


KEPT: dict[str, Callable[[ChangingLake], None]] = {
    "nothing": lambda world: None,
    "a sweep": ChangingLake.sweep,
    "metrics": ChangingLake.measure,
    "a push": lambda world: world.push(3),
    "a forced push": lambda world: world.rewrite(5),
    "a description": lambda world: world.describe(2),
    "a new repository": ChangingLake.add,
}

WHOLE: dict[str, tuple[Callable[[ChangingLake], None], str]] = {
    "a decision": (lambda world: world.block(4), "1 repositories have another name or status"),
    "a removal": (lambda world: world.remove(4), "a repository has gone from the lake"),
}


def test_after_each_change_only_what_changed_is_built_and_nothing_differs(changing: ChangingLake) -> None:
    for what, change in KEPT.items():
        change(changing)
        assert build_warehouse(changing.lake).whole_because is None, what
    assert differences(changing.lake) == {}


@pytest.mark.parametrize("what", WHOLE)
def test_a_whole_build_follows_where_rows_must_not_stay_in_the_file(changing: ChangingLake, what: str) -> None:
    change, reason = WHOLE[what]
    change(changing)
    assert build_warehouse(changing.lake).whole_because == reason


def test_a_file_that_has_grown_too_much_is_built_as_a_whole(
    changing: ChangingLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing.push(3)
    assert build_warehouse(changing.lake).whole_because is None
    monkeypatch.setattr(refresh, "LARGEST_GROWTH", 0.9)
    assert build_warehouse(changing.lake).whole_because == "the published file has grown by half"


def test_what_another_version_has_noted_about_the_file_is_not_taken(changing: ChangingLake) -> None:
    note = changing.lake.layout.built_from
    copied = shutil.copyfile(note, note.with_suffix(".copy"))
    copied.replace(note)  # it was a link to what other tests read
    with duckdb.connect(str(note)) as connection:
        connection.execute("ALTER TABLE info DROP COLUMN whole_bytes")
    changing.push(3)
    because = build_warehouse(changing.lake).whole_because
    assert because == "nobody knows from what the published file was built"


def test_a_change_of_much_of_the_lake_is_built_as_a_whole(
    changing: ChangingLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LARGEST_SHARE", 0)
    changing.push(3)
    because = build_warehouse(changing.lake).whole_because
    assert because is not None
    assert because.endswith("of the lake has changed")


def test_a_value_that_a_third_repository_shares_is_shown_in_the_others(
    sample_repositories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift_bounds(monkeypatch)
    histories = [sample_repositories / "tidewater" / "home-ops.git"]  # its station is a free word
    world = ChangingLake(Lake(Layout(tmp_path / "data")), histories, random.Random(1))
    for _ in range(2):
        world.add()
        world.push(len(world.rows), to_end=True)
    build_warehouse(world.lake)
    before = count_withheld(world.lake)
    world.add()
    world.push(3, to_end=True)
    assert build_warehouse(world.lake).whole_because is None
    assert count_withheld(world.lake) < before
    assert differences(world.lake) == {}


HOUR = datetime.timedelta(hours=1)


def test_what_lies_in_the_future_again_since_the_clock_was_set_back_is_built_anew(
    sample_repositories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift_bounds(monkeypatch)
    histories = [sample_repositories / "magpie" / "infra.git"]
    world = ChangingLake(Lake(Layout(tmp_path / "data")), histories, random.Random(1))
    world.add()
    world.push(1, to_end=True)
    newest = world.lake.read_all(SNAPSHOTS).select(pl.col("head_committed_at").max()).item()
    reasons = []
    for moment in (newest - 2 * HOUR, newest + 2 * HOUR, newest - HOUR):
        monkeypatch.setattr(build, "datetime", standing_still(moment))
        reasons.append(build_warehouse(world.lake).whole_because)
    assert reasons[1:] == [None, None]
    assert differences(world.lake) == {}


def standing_still(moment: datetime.datetime) -> SimpleNamespace:
    """The module `datetime` with a clock that gives one moment."""
    return SimpleNamespace(UTC=datetime.UTC, datetime=SimpleNamespace(now=lambda zone: moment.astimezone(zone)))


def test_a_build_that_another_one_has_overtaken_does_not_mix_both(
    changing: ChangingLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read from what the old file was built when the other replaces it, and would copy the new one."""
    read = refresh.read_built_from

    def overtaken(layout: Layout) -> BuiltFrom | None:
        origin = read(layout)
        monkeypatch.setattr(refresh, "read_built_from", read)
        changing.push(5)
        build_warehouse(changing.lake)
        return origin

    changing.push(3)
    monkeypatch.setattr(refresh, "read_built_from", overtaken)
    assert build_warehouse(changing.lake).whole_because == "another process published meanwhile"
    assert differences(changing.lake) == {}


def count_withheld(lake: Lake) -> int:
    """Withheld settings of the first repository."""
    with duckdb.connect(str(lake.layout.warehouse), read_only=True) as connection:
        query = "SELECT count(*) FROM setting_uses WHERE repository_id = 'github:1' AND is_withheld"
        ((count,),) = connection.execute(query).fetchall()
    return int(count)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_changes_gives_the_rows_of_a_whole_build(
    seed: int, sample_repositories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift_bounds(monkeypatch)
    world = published_world(tmp_path, sample_repositories, seed)
    kept = 0
    for _ in range(20):
        for _ in range(world.draw.randint(1, 3)):
            change_at_random(world)
        kept += build_warehouse(world.lake).whole_because is None
        assert differences(world.lake) == {}
    assert kept >= 5


def change_at_random(world: ChangingLake) -> None:
    alone = (ChangingLake.sweep, ChangingLake.measure, ChangingLake.add, ChangingLake.retire)
    one = (ChangingLake.push, ChangingLake.rewrite, ChangingLake.describe, ChangingLake.block, ChangingLake.remove)
    change = world.draw.choices((*alone, *one), weights=(2, 2, 1, 1, 6, 2, 1, 1, 1))[0]
    change(world, *([] if change in alone else [world.draw.choice([*world.rows])]))


def test_checks_look_at_the_rows_that_were_replaced_since_all_were_built(changing: ChangingLake) -> None:
    changing.push(3)
    published = build_warehouse(changing.lake).path
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            "UPDATE resource_events SET commit_subject = 'other' WHERE repository_id IN ('github:3', 'github:4')"
        )
    assert differing_repositories(changing.lake, RESOURCE_EVENTS) == {"github:3"}
    published.unlink()
    build_warehouse(changing.lake)
    with duckdb.connect(str(published)) as connection:
        connection.execute("UPDATE resource_events SET commit_subject = 'other' WHERE repository_id = 'github:4'")
    assert differing_repositories(changing.lake, RESOURCE_EVENTS) == {"github:4"}


def differing_repositories(lake: Lake, table: Table) -> set[str]:
    """The repository that a check names, which must be the only one."""
    with open_to_read(lake.layout.warehouse) as connection:
        folders = narrow_to_refreshed(connection, lake)
        assert find_lost_references(connection, table) == []
        found = find_differences(connection, lake, table, folders)
    assert [violation.count for violation in found] == [1]
    return {word.rstrip(".") for violation in found for word in violation.detail.split() if word.startswith("github:")}
