"""How charts are set: what is counted, what is shown, and what is withheld by its look or because too few share it."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import HELM_VALUES, REPOSITORIES
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.verify import verify
from kubestats_pipeline_tests.warehouse.small_lake import APP_TEMPLATE, day, repository, setting, write_story

CHART = "oci://ghcr.io/bjw-s/app-template"
ZONE, HOST, IMAGE = "env.TZ", "ingress.hosts[0].host", "image.repository"


def write_cluster(lake: Lake, number: int, values: dict[str, object], **changes: object) -> None:
    """Repository user<number>/home with one release of app-template and its values."""
    full_name = f"user{number}/home"
    write_story(lake, number, full_name, {"web": ([("CREATED", day(3, 1), "1")], {**APP_TEMPLATE, **changes})})
    lake.write(HELM_VALUES, full_name, [setting(number, full_name, "web", *each) for each in values.items()])


def write_clusters(folder: Path) -> Lake:
    """Three repositories that count share a time zone, two of them a host; a fourth is blocked, a fifth archived."""
    lake = Lake(Layout(folder / "data"))
    statuses = ["active", "active", "active", "blocked", "active"]
    lake.write(
        REPOSITORIES,
        None,
        [repository(number, f"user{number}/home", status=each) for number, each in enumerate(statuses, 1)],
    )
    write_cluster(lake, 1, {ZONE: "Europe/Oslo", HOST: "a.example", "replicas": 1, "ingress.enabled": True})
    write_cluster(lake, 2, {ZONE: "Europe/Oslo", HOST: "a.example", "replicas": 2, "ingress.enabled": True})
    write_cluster(
        lake, 3, {ZONE: "Europe/Oslo", "ingress.hosts[1].host": "b.example", "image.tag": "1.0", IMAGE: "mine"}
    )
    write_cluster(lake, 4, {ZONE: "Europe/Oslo", HOST: "a.example"})
    write_cluster(lake, 5, {ZONE: "Asia/Tokyo", HOST: "a.example"}, context="archived")
    return lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """The lake of these clusters, for a test that changes it."""
    return write_clusters(tmp_path)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The same with its warehouse, for tests that only read."""
    lake = write_clusters(tmp_path_factory.mktemp("settings"))
    build_warehouse(lake)
    return lake


def query(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(lake.layout.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_value_is_published_when_its_look_shows_it_or_three_repositories_share_it(published):
    shown = query(published, "SELECT full_name, path, value FROM helm_values WHERE value IS NOT NULL ORDER BY ALL")
    assert shown == [
        ("user1/home", "env.TZ", "Europe/Oslo"),
        ("user1/home", "ingress.enabled", "true"),
        ("user1/home", "replicas", "1"),
        ("user2/home", "env.TZ", "Europe/Oslo"),
        ("user2/home", "ingress.enabled", "true"),
        ("user2/home", "replicas", "2"),
        ("user3/home", "env.TZ", "Europe/Oslo"),
        ("user3/home", "image.repository", "mine"),
        ("user3/home", "image.tag", "1.0"),
        ("user4/home", "env.TZ", "Europe/Oslo"),
    ]


def test_the_lake_keeps_every_value(published):
    assert published.read_all(HELM_VALUES)["value"].null_count() == 0


def test_what_repositories_share_belongs_to_one_path_of_a_chart_at_all_its_addresses(lake):
    """A third repository sets the same words, first for another chart, then for the chart at another address."""
    for number in (1, 2):
        write_cluster(lake, number, {"mottos[0]": "festina lente"})
    write_cluster(lake, 3, {"mottos[7]": "festina lente"}, chart_name="other")
    build_warehouse(lake)
    assert query(lake, "SELECT count(*) FROM helm_values WHERE value = 'festina lente'") == [(0,)]
    write_cluster(lake, 3, {"mottos[7]": "festina lente"}, chart_url="oci://ghcr.io/other/app-template")
    build_warehouse(lake)
    assert query(lake, "SELECT count(*) FROM helm_values WHERE value = 'festina lente'") == [(3,)]


def test_a_host_is_withheld_whoever_shares_it(lake):
    write_cluster(lake, 3, {HOST: "a.example"})
    build_warehouse(lake)
    assert query(lake, "SELECT count(*) FROM helm_values WHERE value = 'a.example'") == [(0,)]


def test_popularity_counts_paths_by_repository_and_shows_only_published_values(published):
    columns = "path, repositories, releases, value_types, common_values, withheld_repositories"
    found = query(published, f"SELECT {columns} FROM value_popularity WHERE chart_name = 'app-template'")
    assert [(*row[:4], [(each["value"], each["repositories"]) for each in row[4]], row[5]) for row in found] == [
        ("env.TZ", 3, 3, ["string"], [("Europe/Oslo", 3)], 0),
        ("ingress.hosts[].host", 3, 3, ["string"], [], 3),
        ("ingress.enabled", 2, 2, ["boolean"], [("true", 2)], 0),
        ("replicas", 2, 2, ["integer"], [("1", 1), ("2", 1)], 0),
        ("image.repository", 1, 1, ["string"], [("mine", 1)], 0),
        ("image.tag", 1, 1, ["string"], [("1.0", 1)], 0),
    ]


def test_popularity_names_examples_where_the_setting_can_be_looked_up(published):
    (examples,) = query(published, "SELECT examples FROM value_popularity WHERE path = 'replicas'")[0]
    assert sorted((each["full_name"], each["name"]) for each in examples) == [
        ("user1/home", "web"),
        ("user2/home", "web"),
    ]


def test_values_that_are_withheld_are_counted_together(published):
    found = query(published, "SELECT * EXCLUDE (chart_name) FROM setting_values WHERE path LIKE 'ingress.hosts%'")
    assert found == [(CHART, "ingress.hosts[].host", "string", None, True, 3, 3)]


def test_uses_of_settings_are_there_in_every_context(published):
    sql = "SELECT full_name, value, is_withheld, in_scope FROM setting_uses WHERE path = 'env.TZ' ORDER BY ALL"
    assert query(published, sql) == [
        ("user1/home", "Europe/Oslo", False, True),
        ("user2/home", "Europe/Oslo", False, True),
        ("user3/home", "Europe/Oslo", False, True),
        ("user4/home", "Europe/Oslo", False, False),
        ("user5/home", None, True, False),
    ]


def test_a_published_file_with_a_value_that_its_rule_withholds_is_found(lake):
    with duckdb.connect(str(build_warehouse(lake).path)) as connection:
        assert verify(connection) == []
        connection.execute(
            "UPDATE helm_values SET value = 'Asia/Tokyo' WHERE full_name = 'user5/home' AND path = 'env.TZ'"
        )
        (found,) = verify(connection)
    assert (found.check, found.table, found.count) == ("values_are_shared", "helm_values", 1)
    assert "user5/home" in found.detail
    assert "Asia/Tokyo" not in found.detail
