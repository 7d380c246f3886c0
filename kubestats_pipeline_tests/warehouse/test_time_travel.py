"""What the macros say of past moments: worked out by hand, and against git itself on real repositories."""

import datetime
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.git import command as git
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.scan.replay.records import Resource
from kubestats_pipeline.scan.store.rows import printable
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.corpus import LARGER, LARGEST, SMALL
from kubestats_pipeline_tests.scan.world import World, adopt, tip
from kubestats_pipeline_tests.warehouse.small_lake import day, write_small_lake, write_story

REST = (*LARGER, *LARGEST)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    report = build_warehouse(write_small_lake(tmp_path_factory.mktemp("travel")))
    with duckdb.connect(str(report.path), read_only=True) as connection:
        yield connection


def names(connection: duckdb.DuckDBPyConnection, macro: str, moment: datetime.datetime) -> set[str]:
    query = f"SELECT full_name || '/' || name FROM {macro}($moment)"
    return {name for (name,) in connection.execute(query, {"moment": moment}).fetchall()}


def test_nothing_existed_before_the_first_commit(warehouse):
    assert names(warehouse, "resources_as_of", day(2, 19)) == set()


def test_a_resource_exists_from_its_commit_on_and_until_it_is_deleted(warehouse):
    assert "bob/cluster/web" in names(warehouse, "resources_as_of", day(3, 1))
    assert "bob/cluster/web" in names(warehouse, "resources_as_of", day(3, 7))
    assert "bob/cluster/web" not in names(warehouse, "resources_as_of", day(3, 8))


def test_a_resource_that_came_back_is_there_before_and_after_but_not_between(warehouse):
    there = ["bob/cluster/dns" in names(warehouse, "resources_as_of", day(3, number)) for number in (5, 6, 7, 8, 9)]
    assert there == [False, True, False, False, True]


def test_a_release_has_the_version_of_the_moment(warehouse):
    query = "SELECT version FROM releases_as_of($moment) WHERE name = 'plex' AND full_name = 'alice/home'"
    found = [warehouse.execute(query, {"moment": day(3, number)}).fetchall() for number in (1, 4, 5)]
    assert found == [[("3.0.0",)], [("3.0.0",)], [("3.1.0",)]]


def test_releases_of_the_present_are_those_of_the_view(warehouse):
    columns = "resource_id, namespace, app_name, kind, chart_name, chart_url, version, context, resolution, is_resolved"
    then = warehouse.execute(
        f"SELECT {columns} FROM releases_as_of(now()) WHERE name <> 'plex' ORDER BY ALL"
    ).fetchall()
    now = warehouse.execute(f"SELECT {columns} FROM releases WHERE name <> 'plex' ORDER BY ALL").fetchall()
    assert then == now
    assert len(now) > 2


def test_a_commit_takes_along_what_came_before_it_even_where_its_clock_ran_backwards(tmp_path: Path):
    """The second commit is dated before the first: as of its date, both have happened."""
    lake = Lake(Layout(tmp_path / "data"))
    story = {"early": ([("CREATED", day(3, 5), "1")], {}), "late": ([("CREATED", day(3, 3), "1")], {})}
    write_story(lake, 1, "a/b", story, by_time=False)
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        found = [len(names(connection, "resources_as_of", day(3, number))) for number in (2, 3, 4, 5)]
    assert found == [0, 2, 2, 2]


EVERY = datetime.timedelta(days=97)


def past_moments(world: World) -> list[datetime.datetime]:
    """Moments all over a history, from its first commit to its last."""
    log = git.run(["log", "--first-parent", "--format=%ct", "head"], directory=world.mirror).split()
    first, last = (datetime.datetime.fromtimestamp(int(log[end]), datetime.UTC) for end in (-1, 0))
    return [first + EVERY * number for number in range((last - first) // EVERY + 1)] + [last]


def commit_before(world: World, moment: datetime.datetime) -> str:
    arguments = ["rev-list", "-1", "--first-parent", f"--before={int(moment.timestamp())}", "head"]
    return git.run(arguments, directory=world.mirror).decode().strip()


@pytest.mark.parametrize("full_name", [*SMALL, *(pytest.param(each, marks=pytest.mark.slow) for each in REST)])
def test_a_past_moment_is_what_a_first_scan_of_that_commit_sees(full_name: str, tmp_path: Path, corpus: Path) -> None:
    """But for files that cannot be read at that commit: their resources stay as they were last known."""
    world = World(tmp_path)
    adopt(world, full_name, corpus)
    world.scan()
    moments = past_moments(world)
    with duckdb.connect(str(build_warehouse(world.lake).path), read_only=True) as connection:
        for moment in moments:
            seen = tip(world, commit_before(world, moment))
            unreadable = {printable(path) for path, _ in seen.problems}
            expected = Counter(described(each) for each in seen.active.values())
            query = "SELECT kind, name, namespace, file_path, version, chart_url FROM resources_as_of($moment)"
            found = Counter(connection.execute(query, {"moment": moment}).fetchall())
            assert readable(found, unreadable) == readable(expected, unreadable), moment
    assert len(moments) > 5


def described(resource: Resource) -> tuple[str | None, ...]:
    key, meaning = resource.identity.key, resource.resolved
    path = printable(resource.identity.path)
    return (key.kind, key.name, meaning.namespace, path, meaning.version, meaning.chart_url)


def readable(found: Counter[tuple[str | None, ...]], unreadable: set[str]) -> dict[tuple[str | None, ...], int]:
    return {each: count for each, count in found.items() if each[3] not in unreadable}
