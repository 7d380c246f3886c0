"""Families of charts: one chart under several addresses, and images that moved. What contradicts itself is refused."""

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.warehouse import whole
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.marts import MARTS
from kubestats_pipeline.warehouse.sources import WarehouseError
from kubestats_pipeline.warehouse.verify import refuse_contradictions
from kubestats_pipeline_tests.warehouse.small_lake import day
from kubestats_pipeline_tests.warehouse.told_history import History, image, put, release, write_histories

HOME = "https://charts.jetstack.io"
MIRROR = "oci://quay.io/jetstack/charts/cert-manager"
OWN, COPY, OTHER = "https://plex.example/charts", "oci://ghcr.io/copies/plex", "oci://ghcr.io/strangers/plex"


def ran(number: int, chart: str, url: str, *versions: str) -> History:
    """A repository that took one version of a chart after the other, a day each."""
    first, *later = versions
    history = History(number, f"user{number}/home").commit(day(1, number), put("web"))
    history.commit(day(1, number + 1), release(chart, chart, first, chart_url=url))
    for after, version in enumerate(later, number + 2):
        history.commit(day(1, after), put(chart, version=version))
    return history


def told() -> tuple[History, ...]:
    """One chart at its home and a known mirror, and another at three addresses, two of which share versions."""
    return (
        ran(1, "cert-manager", HOME, "v1.0.0", "v1.2.0"),
        ran(2, "cert-manager", MIRROR, "1.1.0"),
        ran(3, "plex", OWN, "1.0.0", "1.1.0", "1.2.0", "2.0.0"),
        ran(4, "plex", OWN, "1.0.0"),
        ran(5, "plex", COPY, "1.0.0", "1.1.0", "1.2.0"),
        ran(6, "plex", OTHER, "1.0.0", "0.1.0"),
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_histories(tmp_path_factory.mktemp("families"), *told())


@pytest.fixture(scope="module")
def warehouse(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        yield connection


def test_an_address_joins_by_the_table_of_mirrors_or_by_equal_versions_and_says_why(warehouse):
    query = "SELECT chart_url, family_url, reason, evidence, shared_versions FROM chart_families ORDER BY ALL"
    assert warehouse.execute(query).fetchall() == [
        (HOME, HOME, "own address", None, None),
        (OWN, OWN, "own address", None, None),
        (COPY, OWN, "equal versions", OWN, 3),
        (OTHER, OTHER, "own address", None, None),
        (MIRROR, HOME, "known mirror", "https://cert-manager.io/docs/installation/helm/", None),
    ]


def test_a_release_is_as_late_as_its_family_says_beside_its_own_address(warehouse):
    columns = "chart_url, version, versions_behind, newest_version_anywhere, versions_behind_anywhere"
    query = f"SELECT {columns} FROM version_lag WHERE full_name IN ('user2/home', 'user5/home') ORDER BY chart_url DESC"
    assert warehouse.execute(query).fetchall() == [
        (MIRROR, "1.1.0", 0, "1.2.0", 1),
        (COPY, "1.2.0", 0, "2.0.0", 1),
    ]


def test_a_family_counts_each_repository_once_and_lists_its_addresses(warehouse):
    query = (
        "SELECT family_url, len(addresses), repositories, releases, newest_version FROM family_popularity ORDER BY 1"
    )
    assert warehouse.execute(query).fetchall() == [
        (HOME, 2, 2, 2, "1.2.0"),
        (OWN, 2, 3, 3, "2.0.0"),
        (OTHER, 1, 1, 1, "0.1.0"),
    ]


def test_a_version_of_a_family_is_first_seen_at_any_address(warehouse):
    columns = "version, addresses, repositories_ever, repositories_now"
    assert warehouse.execute(f"SELECT {columns} FROM family_versions WHERE family_url = '{OWN}'").fetchall() == [
        ("1.0.0", [OWN, COPY], 3, 1),
        ("1.1.0", [OWN, COPY], 2, 0),
        ("1.2.0", [OWN, COPY], 2, 1),
        ("2.0.0", [OWN], 1, 1),
    ]


def test_an_image_that_moved_has_its_present_name_and_its_versions_are_compared(tmp_path):
    old, new = (
        image("pause", tag, registry=registry) for registry, tag in (("k8s.gcr.io", "3.8"), ("registry.k8s.io", "3.9"))
    )
    history = (
        History(1, "ann/home")
        .commit(day(1, 1), put("a", version="3.8", images=[old]), put("b", version="3.8", images=[old]))
        .commit(day(1, 2), put("a", version="3.9", images=[new]))
    )
    with duckdb.connect(str(build_warehouse(write_histories(tmp_path, history)).path), read_only=True) as connection:
        uses = connection.execute("SELECT name, image, present_image FROM image_uses ORDER BY 1").fetchall()
        changes = connection.execute("SELECT name, version_before, version_after FROM version_changes").fetchall()
    assert uses == [
        ("a", "registry.k8s.io/pause", "registry.k8s.io/pause"),
        ("b", "k8s.gcr.io/pause", "registry.k8s.io/pause"),
    ]
    assert changes == [("a", "3.8", "3.9")]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """One repository moves a chart from its home to the mirror, and in March to a chart of another family."""
    history = (
        History(1, "ann/home")
        .commit(day(1, 1), put("web"))
        .commit(day(1, 5), release("cert", "cert-manager", "v1.0.0", chart_url=HOME))
        .commit(day(2, 9), put("cert", chart_url=MIRROR, version="1.0.0"))
        .commit(day(3, 9), put("cert", chart_url=OTHER))
    )
    lake = write_histories(tmp_path_factory.mktemp("moved"), history)
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        yield connection


def test_a_move_inside_of_a_family_ends_the_chart_at_its_address_but_not_the_family(moved):
    query = "SELECT chart_url, started_at, ended_at FROM tenures WHERE subject = ? ORDER BY started_at"
    assert moved.execute(query, ["chart"]).fetchall() == [
        (HOME, day(1, 5), day(2, 9)),
        (MIRROR, day(2, 9), day(3, 9)),
        (OTHER, day(3, 9), None),
    ]
    assert moved.execute(query, ["family"]).fetchall() == [(HOME, day(1, 5), day(3, 9)), (OTHER, day(3, 9), None)]


def test_a_move_inside_of_a_family_is_neither_adopted_nor_abandoned_there(moved):
    sums = "chart_url, sum(adopted), sum(abandoned), count(*) FILTER (WHERE repositories = 1)"
    query = f"SELECT {sums} FROM weekly_adoption WHERE subject = ? GROUP BY chart_url ORDER BY min(week)"
    assert moved.execute(query, ["chart"]).fetchall() == [(HOME, 1, 1, 5), (MIRROR, 1, 1, 4), (OTHER, 1, 0, 1)]
    assert moved.execute(query, ["family"]).fetchall() == [(HOME, 1, 1, 9), (OTHER, 1, 0, 1)]


def test_a_family_lasts_as_long_as_any_of_its_addresses(moved):
    query = "SELECT tenures, ended, watched_days, median_days FROM survival WHERE subject = ?"
    assert moved.execute(query, ["every chart"]).fetchall() == [(3, 2, 35, 28)]
    assert moved.execute(query, ["every family"]).fetchall() == [(2, 1, 63, 63)]


def test_what_replaced_what_is_told_once_by_its_charts(moved):
    rows = moved.execute("SELECT subject, old_url, new_url FROM replacements ORDER BY first_at").fetchall()
    assert rows == [("chart", HOME, MIRROR), ("chart", MIRROR, OTHER)]


CONTRADICTIONS = {
    "a circle": ("chart_mirrors", [("a", "b"), ("b", "a")], "a has the home b, which has the home a"),
    "itself": ("chart_mirrors", [("a", "a")], "a has the home a, which has the home a"),
    "two families": ("chart_mirrors", [("a", "b"), ("a", "c")], "a has two homes, b and c"),
    "a folder and one in it": ("chart_mirrors", [("a/*", "b"), ("a/x", "c")], "a/* has two homes, b and c"),
    "an image that moved twice": ("image_renames", [("a/", "b/"), ("a/x/", "c/")], "a/ has two homes, b/ and c/"),
    "a chain": ("image_renames", [("a/", "b/"), ("b/", "c/")], "a/ has the home b/, which has the home c/"),
}


@pytest.mark.parametrize(("table", "rows", "line"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_table_that_contradicts_itself_stops_the_build_with_one_line(lake, warehouse, monkeypatch, table, rows, line):
    values = ", ".join(f"('{place}', '{home}', 'source')" for place, home in rows)
    names = {"chart_mirrors": "address, home, source", "image_renames": "old_place, new_place, source"}[table]
    bad = f"SELECT * FROM (VALUES {values}) AS known ({names})"
    marts = tuple(replace(mart, sql=bad) if mart.name == table else mart for mart in MARTS)
    monkeypatch.setattr(whole, "MARTS", marts)
    before = lake.layout.warehouse.read_bytes()
    with pytest.raises(WarehouseError) as error:
        build_warehouse(lake, whole=True)
    assert str(error.value) == f"{table}: {line}. Correct warehouse/tables/{table}.sql"
    assert lake.layout.warehouse.read_bytes() == before


def test_the_tables_that_the_package_brings_agree_with_themselves(warehouse):
    refuse_contradictions(warehouse)
    for table in ("chart_mirrors", "image_renames"):
        assert warehouse.execute(f"SELECT count(*) FROM {table} WHERE source NOT LIKE 'https://%'").fetchone() == (0,)
