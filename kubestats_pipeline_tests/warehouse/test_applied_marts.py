"""Counts of what clusters run, worked out by hand from `fleet_lake.py`."""

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import APPLIED_EVENTS, APPLIED_RESOURCES, HELM_VALUES, RESOURCES
from kubestats_pipeline.warehouse import verify
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.sources import WarehouseError
from kubestats_pipeline.warehouse.statistics.ecosystem import write_ecosystem_stats
from kubestats_pipeline_tests.warehouse.fleet_lake import PROD, STAGING, write_fleet_lake
from kubestats_pipeline_tests.warehouse.small_lake import day, setting

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    report = build_warehouse(write_fleet_lake(tmp_path_factory.mktemp("fleet")))
    with duckdb.connect(str(report.path), read_only=True) as opened:
        yield opened


@pytest.fixture
def ask(connection: duckdb.DuckDBPyConnection) -> Ask:
    return lambda query: connection.execute(query).fetchall()


def test_a_release_at_two_versions_in_two_clusters_is_two_uses_of_one_repository(ask: Ask) -> None:
    found = ask("SELECT cluster, version, resource_id FROM releases WHERE resource_id = '1-plex' ORDER BY ALL")
    assert found == [(PROD, "3.1.0", "1-plex"), (STAGING, "4.0.0", "1-plex")]
    popular = "SELECT repositories, releases, versions FROM chart_popularity WHERE chart_name = 'app-template'"
    assert ask(popular) == [(2, 4, 3)]  # two of plex, made, and bob's


def test_a_document_that_nothing_applies_is_shown_as_such_and_not_counted(ask: Ask) -> None:
    shown = "SELECT is_applied, in_scope FROM resource_overview WHERE full_name = 'alice/home' AND name = 'sonarr'"
    assert ask(shown) == [(False, False)]
    for relation in ("releases", "image_uses", "setting_uses", "version_lag"):
        assert ask(f"SELECT count(*) FROM {relation} WHERE name = 'sonarr'") == [(0,)], relation
    assert ask("SELECT count(*) FROM resource_groups WHERE name = 'sonarr'") == [(0,)]


def test_a_document_of_which_the_repository_does_not_tell_counts_as_it_stands(ask: Ask) -> None:
    assert ask("SELECT use_id, cluster FROM releases WHERE name = 'mystery'") == [("1-mystery", None)]
    assert ask("SELECT use_id, cluster FROM releases WHERE full_name = 'bob/homelab'") == [("2-plex", None)]


def test_what_a_generator_makes_is_counted_without_a_document(ask: Ask) -> None:
    assert ask("SELECT use_id, resource_id, file_path FROM releases WHERE name = 'made'") == [("prod-made", None, None)]


def test_images_are_those_that_run_in_each_cluster(ask: Ask) -> None:
    found = "SELECT tag, repositories, resources FROM image_usage WHERE image = 'ghcr.io/home/plex' ORDER BY tag"
    assert ask(found) == [("1.40", 2, 2), ("1.41", 1, 1)]


def test_a_repository_is_described_by_what_it_runs(ask: Ask) -> None:
    found = "SELECT resources, releases, charts, apps FROM repository_overview WHERE full_name = 'alice/home'"
    assert ask(found) == [(3, 4, 2, 3)]  # plex twice, made, mystery


def test_two_clusters_at_two_versions_are_drift(ask: Ask) -> None:
    found = "SELECT versions, releases, level FROM chart_drift WHERE full_name = 'alice/home'"
    assert ask(found) == [(["3.0.0", "3.1.0", "4.0.0"], 3, "major")]


def test_lateness_is_that_of_each_cluster(ask: Ask) -> None:
    found = "SELECT cluster, lag_status, majors_behind FROM version_lag WHERE resource_id = '1-plex' ORDER BY ALL"
    assert ask(found) == [(PROD, "behind", 1), (STAGING, "current", 0)]


def test_settings_are_those_of_each_application(ask: Ask) -> None:
    found = "SELECT use_id, value FROM setting_uses WHERE full_name = 'alice/home' ORDER BY ALL"
    assert ask(found) == [("prod-plex", "2"), ("staging-plex", "1")]
    counted = "SELECT repositories, releases FROM value_popularity WHERE path = 'controllers.plex.replicas'"
    assert ask(counted) == [(2, 3)]


def test_the_versions_of_a_chart_are_those_that_clusters_ran(ask: Ask) -> None:
    """Its document was at 2.9.0 before the first object of a cluster is known. Bob has 3.1.0 on the same day."""
    found = "SELECT version, first_seen_at FROM version_sightings WHERE chart_name = 'app-template' ORDER BY place"
    assert ask(found) == [
        ("1.0.0", day(3, 2)),
        ("2.9.0", day(2, 27)),
        ("3.0.0", day(3, 1)),
        ("3.1.0", day(3, 4)),
        ("4.0.0", day(3, 6)),
    ]


def test_an_upgrade_of_one_cluster_is_a_step(ask: Ask) -> None:
    found = "SELECT from_version, to_version, changed_at, releases FROM version_steps WHERE full_name = 'alice/home'"
    assert ask(f"{found} ORDER BY changed_at") == [("3.0.0", "3.1.0", day(3, 5), 1), ("3.1.0", "4.0.0", day(3, 6), 1)]


def test_a_span_of_a_document_ends_when_its_repository_begins_to_tell(ask: Ask) -> None:
    found = (
        "SELECT use_id, version, valid_from, valid_to FROM use_spans WHERE resource_id = '1-plex' ORDER BY valid_from"
    )
    assert ask(found) == [
        ("1-plex", "2.9.0", day(2, 27), day(3, 1)),
        ("prod-plex", "3.0.0", day(3, 1), day(3, 5)),
        ("staging-plex", "3.1.0", day(3, 4), day(3, 6)),
        ("prod-plex", "3.1.0", day(3, 5), None),
        ("staging-plex", "4.0.0", day(3, 6), None),
    ]


def test_a_tenure_goes_on_when_a_repository_begins_to_tell(ask: Ask) -> None:
    found = "SELECT started_at, is_running FROM tenures WHERE full_name = 'alice/home' AND name = 'plex'"
    assert ask(found) == [(day(2, 27), True)]


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        (day(2, 28), []),
        (day(3, 2), [("app-template", PROD, "3.0.0"), ("plex", PROD, "3.0.0"), ("tried", PROD, "1.0.0")]),
        (day(3, 4), [("app-template", PROD, "3.0.0"), ("plex", PROD, "3.0.0"), ("plex", STAGING, "3.1.0")]),
    ],
)
def test_what_clusters_ran_at_a_moment(ask: Ask, moment: datetime.datetime, found: list[tuple[str, str, str]]) -> None:
    asked = f"SELECT name, cluster, version FROM applied_as_of(TIMESTAMPTZ '{moment.isoformat()}') ORDER BY ALL"
    assert ask(asked) == found


def test_what_clusters_run_now_is_what_folding_the_log_gives(ask: Ask) -> None:
    shared = (
        "applied_id, resource_id, cluster, kind, name, version, chart_url, images, content_hash, created_at, updated_at"
    )
    now = ask(f"SELECT {shared} FROM applied_as_of(TIMESTAMPTZ '2027-01-01') ORDER BY ALL")
    assert now == ask(f"SELECT {shared} FROM applied_resources WHERE kind <> 'Service' ORDER BY ALL")


def test_popular_charts_of_a_day_count_what_clusters_ran(tmp_path: Path) -> None:
    lake = write_fleet_lake(tmp_path)
    rows = lake.read(APPLIED_EVENTS, "alice/home")
    assert rows is not None
    other = (
        pl.when(pl.col("name") == "tried").then(pl.lit("passing")).otherwise(pl.col("chart_name")).alias("chart_name")
    )
    lake.write(APPLIED_EVENTS, "alice/home", rows.rows.with_columns(other))
    days = {date: write_ecosystem_stats(lake, datetime.date(2026, 3, date)) for date in (2, 4)}
    popular = {
        date: {each["key"]: each["value"] for each in row["popular_helm_charts"]} for date, row in days.items() if row
    }
    assert popular == {
        2: {"app-template": 2, "passing": 1},
        4: {"app-template": 3, "thing": 1},
    }
    assert days[4] is not None
    assert days[4]["active_resources"] == 8


def change(lake: Lake, table: Any, expression: pl.Expr) -> None:
    partition = lake.read(table, "alice/home")
    assert partition is not None
    lake.write(table, "alice/home", partition.rows.with_columns(expression))


@pytest.mark.parametrize(
    ("table", "expression", "check"),
    [
        (APPLIED_RESOURCES, pl.lit("other").alias("content_hash"), "fold_gives_applied"),
        (APPLIED_RESOURCES, pl.lit("9.9.9").alias("version"), "fold_gives_applied"),
        (APPLIED_EVENTS, pl.lit("CREATED").alias("event_type"), "fold_gives_applied"),
        (APPLIED_EVENTS, pl.lit(0).alias("sequence"), "sequence_is_unique"),
        (RESOURCES, pl.lit(value=True).alias("is_applied"), "applied_have_a_document"),
        (RESOURCES, pl.lit(value=None, dtype=pl.Boolean).alias("is_applied"), "applied_have_a_document"),
    ],
)
def test_tables_that_contradict_each_other_are_refused(
    tmp_path: Path, table: Any, expression: pl.Expr, check: str
) -> None:
    lake = write_fleet_lake(tmp_path)
    change(lake, table, expression)
    with pytest.raises(WarehouseError, match=check):
        build_warehouse(lake)
    assert check in verify.CHECKS


def test_values_of_an_application_that_no_cluster_runs_are_refused(tmp_path: Path) -> None:
    lake = write_fleet_lake(tmp_path)
    stray = {**setting(1, "alice/home", "plex", "replicas", 1), "applied_id": "prod-tried"}
    lake.write(HELM_VALUES, "alice/home", [stray])
    with pytest.raises(WarehouseError, match="values_have_an_application"):
        build_warehouse(lake)
