"""How long versions were held and who went back from them: charts over all their addresses, and images."""

from collections.abc import Iterator

import duckdb
import pytest

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import day
from kubestats_pipeline_tests.warehouse.told_history import URL, History, image, put, release, write_histories

MIRROR = "oci://mirror.example.org/charts/tunnel"


def everyday(number: int) -> History:
    """Seven like it: 1.0.0, then 1.1.0 for twenty days, past 1.2.0 to 1.3.0 on the last day."""
    tunnel = release("tunnel", "tunnel", "1.0.0", images=[image("team/tunnel", "v1")])
    return (
        History(number, f"user{number}/home")
        .commit(day(1, 1), tunnel)
        .commit(day(1, 10), put("tunnel", version="v1.1.0" if number == 1 else "1.1.0"))
        .commit(day(1, 30), put("tunnel", version="1.3.0", images=[image("team/tunnel", "2.0.0")]))
    )


def eager(number: int, chart_url: str) -> History:
    """Two like it, one at another address of the chart: they take 1.2.0 and its image, and go back the next day."""
    old, new = [image("team/tunnel", "1.9.0")], [image("team/tunnel", "2.0.0")]
    tunnel = release("tunnel", "tunnel", "1.0.0", chart_url=chart_url, images=old)
    return (
        History(number, f"user{number}/home")
        .commit(day(1, 1), tunnel)
        .commit(day(1, 3), put("tunnel", version="1.1.0"))
        .commit(day(1, 5), put("tunnel", version="1.2.0", images=new))
        .commit(day(1, 6), put("tunnel", version="1.1.0", images=old))
        .commit(day(1, 29), put("tunnel", version="1.3.0"))
    )


def double() -> History:
    """Runs two tags of an image at once, of which none came first, and an archived release that does not count."""
    both = [image("team/double", "1.0.0"), image("team/double", "2.0.0")]
    return (
        History(10, "user10/home")
        .commit(day(1, 1), put("double", images=both), release("old", "tunnel", "9.0.0", context="archived"))
        .commit(day(1, 20), put("double", images=both[:1]))
    )


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    histories = [*map(everyday, range(1, 8)), eager(8, MIRROR), eager(9, f"{URL}tunnel"), double()]
    lake = write_histories(tmp_path_factory.mktemp("confidence"), *histories)
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_a_version_is_held_from_its_first_day_to_the_step_away_from_it(warehouse):
    columns = "version, written, held_since, days_held, is_held, went_back_at, went_back_to, is_rollback"
    where = "subject = 'chart' AND full_name = 'user8/home'"
    assert rows(warehouse, f"SELECT {columns} FROM version_holds WHERE {where} ORDER BY version") == [
        ("1.0.0", ["1.0.0"], day(1, 1), 2, False, None, None, None),
        ("1.1.0", ["1.1.0"], day(1, 3), 25, False, None, None, None),
        ("1.2.0", ["1.2.0"], day(1, 5), 1, False, day(1, 6), "1.1.0", True),
        ("1.3.0", ["1.3.0"], day(1, 29), 1, True, None, None, None),
    ]


def test_an_image_is_held_by_its_tag_and_is_gone_back_from_too(warehouse):
    columns = "version, days_held, went_back_to"
    where = "subject = 'image' AND full_name = 'user8/home'"
    assert rows(warehouse, f"SELECT {columns} FROM version_holds WHERE {where} ORDER BY version") == [
        ("1.9.0", 28, None),
        ("2.0.0", 1, "1.9.0"),
    ]


def test_two_tags_at_once_are_no_step_and_archived_releases_do_not_count(warehouse):
    where = "name = 'ghcr.io/team/double' OR version = '9.0.0'"
    query = f"SELECT version, held_since, went_back_to FROM version_holds WHERE {where}"
    assert rows(warehouse, query) == [("1.0.0", day(1, 20), None)]


def test_the_reception_counts_repositories_over_all_addresses_of_a_chart(warehouse):
    """Seven jump over 1.2.0, which two ran and went back from; 1.3.0 is too young, and all held 1.1.0 for long."""
    columns = "version, written, repositories_ever, repositories_now, held_by, rolled_back_by, skipped_by, confidence"
    where = f"subject = 'chart' AND family_url = '{URL}tunnel'"
    assert rows(warehouse, f"SELECT {columns} FROM version_confidence WHERE {where} ORDER BY version") == [
        ("1.0.0", ["1.0.0"], 9, 0, 7, 0, 0, "high"),
        ("1.1.0", ["1.1.0", "v1.1.0"], 9, 0, 9, 0, 0, "high"),
        ("1.2.0", ["1.2.0"], 2, 0, 0, 2, 7, "low"),
        ("1.3.0", ["1.3.0"], 9, 9, 0, 0, 0, None),
    ]


def test_an_image_is_judged_by_those_that_went_back_and_not_by_jumps(warehouse):
    columns = "version, repositories_now, gone_back_by, skipped_by, confidence"
    query = f"SELECT {columns} FROM version_confidence WHERE name = 'ghcr.io/team/tunnel' ORDER BY version"
    assert rows(warehouse, query) == [("1", 0, 0, 0, "high"), ("1.9.0", 2, 0, 0, None), ("2.0.0", 7, 2, 0, "low")]
