"""Every view's numbers, worked out by hand from `small_lake.py`."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.marts import INFO, MACROS, MARTS, Mart, read_marts
from kubestats_pipeline_tests.warehouse.small_lake import day

ARGUMENTS = {
    "moment": "now()",
    "chart": "'app-template'",
    "days": "7",
    "part": "'plex'",
    "text": "'plex'",
    "wanted": "'plex'",
    "words": "'home'",
}
"""A value for each parameter of macros that has no default."""

CHART = "oci://ghcr.io/bjw-s/app-template"


@pytest.fixture
def warehouse(small_warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return small_warehouse


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_a_chart_counts_once_per_repository_and_only_where_it_is_in_scope(warehouse):
    """An archived release, a retired repository and a Flux source that only offers the chart are left out."""
    resolved = "SELECT * FROM chart_popularity WHERE is_resolved"
    assert rows(warehouse, resolved) == [("app-template", CHART, True, 2, 3, 2, day(3, 5))]


def test_charts_that_could_not_be_resolved_have_rows_of_their_own(warehouse):
    unresolved = "SELECT * FROM chart_popularity WHERE NOT is_resolved"
    assert rows(warehouse, unresolved) == [("thing", None, False, 1, 1, 1, day(3, 3))]


def test_chart_versions_know_present_users_and_past_times(warehouse):
    query = "SELECT * EXCLUDE (chart_url, is_resolved) FROM chart_versions ORDER BY chart_name, version"
    assert rows(warehouse, query) == [
        ("app-template", "2.9.0", 0, 0, day(2, 27), True, day(3, 1)),
        ("app-template", "3.0.0", 1, 1, day(3, 1), False, day(3, 5)),
        ("app-template", "3.1.0", 2, 2, day(3, 4), False, day(3, 5)),
        ("thing", "1.0.0", 1, 1, day(3, 3), False, day(3, 3)),
    ]


def test_releases_show_every_context_and_every_resolution_and_say_what_is_in_scope(warehouse):
    query = "SELECT full_name, name, context, resolution, in_scope FROM releases ORDER BY full_name, name"
    assert rows(warehouse, query) == [
        ("alice/home", "mystery", "active", "unresolved", True),
        ("alice/home", "old-sonarr", "archived", "exact", False),
        ("alice/home", "plex", "active", "exact", True),
        ("alice/home", "sonarr", "active", "exact", True),
        ("bob/homelab", "plex", "active", "exact", True),
        ("carol/gone", "plex", "active", "exact", False),
    ]


def test_the_overview_has_every_resource_with_its_repositorys_present_name(warehouse):
    query = "SELECT resource_id, full_name, status, is_release, in_scope FROM resource_overview"
    assert rows(warehouse, query + " WHERE repository_id = 'github:2' ORDER BY resource_id") == [
        ("2-dns", "bob/homelab", "ACTIVE", False, True),
        ("2-plex", "bob/homelab", "ACTIVE", True, True),
        ("2-web", "bob/homelab", "DELETED", False, True),
    ]
    assert rows(warehouse, "SELECT count(*) FROM resource_overview") == [(9,)]


def test_kinds_count_repositories_and_existing_resources(warehouse):
    assert rows(warehouse, "SELECT * FROM kinds") == [
        ("helm.toolkit.fluxcd.io", "HelmRelease", 2, 4),
        ("apps", "Deployment", 1, 1),
        ("source.toolkit.fluxcd.io", "OCIRepository", 1, 1),
    ]


def test_images_count_by_tag_and_a_missing_tag_is_a_row(warehouse):
    assert rows(warehouse, "SELECT * FROM image_usage") == [
        ("ghcr.io/home/plex", "1.40", 2, 2),
        ("docker.io/library/busybox", None, 1, 1),
        ("ghcr.io/home/sonarr", "4.0", 1, 1),
        ("registry.k8s.io/coredns", "1.11", 1, 1),
    ]


def test_daily_counts_say_what_happened_on_a_day(warehouse):
    query = "SELECT day::VARCHAR, event_type, kind, namespace, events, repositories FROM daily_event_counts"
    assert rows(warehouse, query + " WHERE day BETWEEN DATE '2026-03-01' AND DATE '2026-03-02'") == [
        ("2026-03-01", "CREATED", "Deployment", None, 1, 1),
        ("2026-03-01", "CREATED", "OCIRepository", None, 1, 1),
        ("2026-03-01", "MODIFIED", "HelmRelease", "media", 1, 1),
        ("2026-03-02", "CREATED", "HelmRelease", None, 2, 1),
    ]
    query = "SELECT sum(events)::BIGINT, sum(joined_the_data)::BIGINT FROM daily_event_counts"
    assert rows(warehouse, query) == [(14, 3)]


def test_days_are_utc_wherever_the_reader_is(warehouse):
    """Noon UTC is already the next day in Kiritimati."""
    query = "SELECT day::VARCHAR, events FROM daily_event_counts ORDER BY day LIMIT 1"
    with warehouse.cursor() as reader:
        reader.execute("SET TimeZone = 'Pacific/Kiritimati'")
        assert rows(reader, query) == [("2026-02-20", 1)]


def test_activity_counts_back_from_the_newest_event_and_not_from_now(warehouse):
    query = (
        "SELECT full_name, reference_at, active_resources, events_7_days, events_30_days, events_90_days, last_event_at"
    )
    assert rows(warehouse, query + " FROM repository_activity ORDER BY full_name") == [
        ("alice/home", day(3, 9), 5, 2, 6, 6, day(3, 5)),
        ("bob/homelab", day(3, 9), 2, 5, 5, 5, day(3, 9)),
        ("carol/gone", day(3, 9), 1, 0, 0, 0, day(2, 20)),
    ]


def test_activity_splits_events_by_type(warehouse):
    query = "SELECT created_90_days, modified_90_days, deleted_90_days, resurrected_90_days FROM repository_activity"
    assert rows(warehouse, query + " ORDER BY full_name") == [(4, 2, 0, 0), (2, 0, 2, 1), (0, 0, 0, 0)]


def test_status_joins_what_each_stage_knows_and_keeps_repositories_that_were_never_synced(warehouse):
    query = "SELECT full_name, status, sync_status, sync_error, scan_status, is_scan_current, gitops_engine"
    assert rows(warehouse, query + " FROM repository_status") == [
        ("alice/home", "active", "synced", None, "scanned", True, "flux"),
        ("bob/homelab", "active", "error", "no route to host", "scanned", False, None),
        ("carol/gone", "retired", None, None, None, None, None),
    ]


def test_days_with_metrics_or_events_know_the_resources_of_their_end(warehouse):
    """On 7 March bob/cluster had plex and web left, on 8 March only plex. Other days have no metrics."""
    query = "SELECT full_name, date::VARCHAR, stars_count, resources_count FROM daily_repository_metrics ORDER BY ALL"
    assert rows(warehouse, query) == [
        ("alice/home", "2026-02-27", None, 1),
        ("alice/home", "2026-03-01", None, 2),
        ("alice/home", "2026-03-02", None, 4),
        ("alice/home", "2026-03-03", None, 5),
        ("alice/home", "2026-03-05", None, 5),
        ("alice/home", "2026-03-07", 10, 5),
        ("alice/home", "2026-03-08", 12, 5),
        ("bob/homelab", "2026-03-01", None, 1),
        ("bob/homelab", "2026-03-04", None, 2),
        ("bob/homelab", "2026-03-06", None, 3),
        ("bob/homelab", "2026-03-07", None, 2),
        ("bob/homelab", "2026-03-08", 5, 1),
        ("bob/homelab", "2026-03-09", None, 2),
        ("carol/gone", "2026-02-20", None, 1),
    ]


def test_version_changes_are_upgrades_and_neither_births_nor_deaths(warehouse):
    query = "SELECT full_name, name, chart_name, version_before, version_after FROM version_changes ORDER BY changed_at"
    assert rows(warehouse, query) == [
        ("alice/home", "plex", "app-template", "2.9.0", "3.0.0"),
        ("alice/home", "plex", "app-template", "3.0.0", "3.1.0"),
    ]


@pytest.mark.parametrize("mart", MARTS, ids=lambda mart: mart.name)
def test_each_view_says_what_a_row_is_and_what_each_column_means(warehouse, mart: Mart):
    described = [name for name, *_ in rows(warehouse, f"DESCRIBE {mart.name}")]
    assert [name for name, _ in mart.columns] == described
    assert mart.description.startswith(("One row per ", "One row: "))
    comments = rows(warehouse, f"SELECT comment FROM duckdb_columns() WHERE table_name = '{mart.name}'")
    assert [comment for (comment,) in comments] == [meaning for _, meaning in mart.columns]
    relation = mart.relation.lower()
    comment = f"SELECT comment FROM duckdb_{relation}s() WHERE {relation}_name = '{mart.name}'"
    assert rows(warehouse, comment) == [(mart.description,)]


@pytest.mark.parametrize("mart", MARTS, ids=lambda mart: mart.name)
def test_dependencies_are_what_duckdb_finds_in_the_sql(warehouse, mart: Mart):
    (tree,) = warehouse.execute("SELECT json_serialize_sql(?)", [mart.sql]).fetchone()
    known = {*TABLES, INFO, *(other.name for other in MARTS)}
    assert set(mart.depends_on) == base_tables(json.loads(tree)) & known


def base_tables(node: object) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(base_tables, node))
    if not isinstance(node, dict):
        return set()
    own = {node["table_name"]} if node.get("type") == "BASE_TABLE" else set()
    return own.union(*map(base_tables, node.values()))


@pytest.mark.parametrize("macro", MACROS, ids=lambda macro: macro.name)
def test_each_macro_is_described_and_gives_the_columns_that_it_describes(warehouse, macro: Mart):
    query = "SELECT comment, parameters FROM duckdb_functions() WHERE function_name = ?"
    names = [parameter.name for parameter in macro.parameters]
    assert warehouse.execute(query, [macro.name]).fetchall() == [(macro.description, names)]
    given = ", ".join(ARGUMENTS[each.name] for each in macro.parameters if each.default is None)
    result = warehouse.execute(f"FROM {macro.name}({given})")
    assert [name for name, *_ in result.description] == [name for name, _ in macro.columns]
    assert macro.description.startswith("One row per ")


def test_a_parameter_with_a_default_may_be_left_out(tmp_path: Path):
    (tmp_path / "near.sql").write_text(
        "-- One row per number near another.\n-- parameter middle: the number\n-- parameter reach = 1: how far\n"
        "-- number: it\nSELECT range AS number FROM range(middle - reach, middle + reach + 1)\n"
    )
    (near,) = read_marts(tmp_path)
    assert near.signature == "near(middle, reach := 1)"
    assert [each.meaning for each in near.parameters] == ["the number", "how far"]
    with duckdb.connect() as connection:
        connection.execute(f"CREATE MACRO {near.signature} AS TABLE {near.sql}")
        assert rows(connection, "FROM near(5)") == [(4,), (5,), (6,)]
        assert rows(connection, "FROM near(5, reach := 0)") == [(5,)]


def test_a_view_comes_after_the_views_that_it_reads():
    names = [mart.name for mart in MARTS]
    for mart in MARTS:
        assert all(names.index(other) < names.index(mart.name) for other in mart.depends_on if other in names)


def test_views_that_read_each_other_are_refused(tmp_path: Path):
    (tmp_path / "hen.sql").write_text("-- One row per hen.\nSELECT * FROM egg\n")
    (tmp_path / "egg.sql").write_text("-- One row per egg.\nSELECT * FROM hen\n")
    with pytest.raises(ValueError, match="cycle"):
        read_marts(tmp_path)


def test_a_stored_mart_may_not_be_called_like_another_table(tmp_path: Path):
    (tmp_path / "scans.sql").write_text("-- One row per scan.\nSELECT 1 AS one\n")
    with pytest.raises(ValueError, match="several tables or marts are called scans"):
        read_marts(tmp_path)


def test_a_view_without_a_description_is_refused(tmp_path: Path):
    (tmp_path / "mute.sql").write_text("SELECT 1 AS one\n")
    with pytest.raises(ValueError, match=r"mute\.sql needs a comment"):
        read_marts(tmp_path)


def test_a_meaning_of_two_lines_is_refused(tmp_path: Path):
    """The second one would be taken for a part of what a row is."""
    (tmp_path / "long.sql").write_text("-- One row per one.\n-- one: the first\n-- of the numbers\nSELECT 1 AS one\n")
    with pytest.raises(ValueError, match=r"long\.sql goes on after its columns"):
        read_marts(tmp_path)
