"""Events by any filter, and what a release said before and after each of them."""

import json
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import APP_TEMPLATE, Row, day, events, resource


@pytest.fixture
def ask(small_warehouse: duckdb.DuckDBPyConnection):
    return lambda query: small_warehouse.execute(query).fetchall()


def test_every_event_is_there_and_says_whether_it_counts(ask):
    """One of an archived release, one of a retired repository; bob's repository has its present name."""
    assert ask("SELECT count(*), count(*) FILTER (WHERE in_scope) FROM event_overview") == [(14, 12)]
    out = "SELECT full_name, name, context, repository_in_scope FROM event_overview WHERE NOT in_scope ORDER BY ALL"
    assert ask(out) == [("alice/home", "old-sonarr", "archived", True), ("carol/gone", "plex", "active", False)]
    assert ask("SELECT count(*) FROM event_overview WHERE full_name = 'bob/homelab'") == [(6,)]


def test_events_are_found_by_kind_namespace_and_day(ask):
    by = "WHERE kind = 'HelmRelease' AND namespace = 'media' AND day >= DATE '2026-03-01'"
    query = f"SELECT name, event_type, version_before, version_after, is_release, day::VARCHAR FROM event_overview {by}"
    assert ask(f"{query} ORDER BY sequence") == [
        ("plex", "MODIFIED", "2.9.0", "3.0.0", True, "2026-03-01"),
        ("plex", "MODIFIED", "3.0.0", "3.1.0", True, "2026-03-05"),
    ]


def test_a_chart_that_was_not_resolved_has_no_location_in_an_event(ask):
    assert ask("SELECT DISTINCT chart_name, chart_url FROM event_overview WHERE name = 'mystery'") == [("thing", None)]


STEPS = [
    ("CREATED", day(3, 1), "1"),
    ("MODIFIED", day(3, 2), "2"),
    ("DELETED", day(3, 3), None),
    ("RESURRECTED", day(3, 4), "3"),
]


def document(version: str | None) -> str | None:
    return version and json.dumps({"kind": "HelmRelease", "spec": {"version": version}})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A release and a workload of frank/one with their documents, and a release of grace/two."""
    lake = Lake(Layout(tmp_path / "data"))
    for number, full_name, story in (
        (7, "frank/one", {"web": (STEPS, APP_TEMPLATE), "job": ([("CREATED", day(3, 5), "9")], {})}),
        (8, "grace/two", {"web": ([("CREATED", day(3, 2), "5")], APP_TEMPLATE)}),
    ):
        rows: list[Row] = []
        log: list[Row] = []
        for name, (steps, changes) in story.items():
            rows.append(resource(number, full_name, name, steps, **changes))
            log += events(number, full_name, name, rows[-1], steps, len(log))
        log = [{**event, "resource_data": document(event["version_after"])} for event in log]
        lake.write(RESOURCES, full_name, rows)
        lake.write(RESOURCE_EVENTS, full_name, log)
    return lake


def activity(lake: Lake, call: str) -> list[tuple[str, str, str | None, str | None]]:
    query = "SELECT full_name, event_type, spec_before->>'version', spec_after->>'version'"
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        return connection.execute(f"{query} FROM {call}").fetchall()


def test_each_event_of_a_release_shows_what_it_said_before_and_after(lake):
    assert activity(lake, "release_activity(repository := 'frank/one')") == [
        ("frank/one", "RESURRECTED", None, "3"),
        ("frank/one", "DELETED", "2", None),
        ("frank/one", "MODIFIED", "1", "2"),
        ("frank/one", "CREATED", None, "1"),
    ]


def test_the_newest_events_of_all_repositories_know_what_was_before_them(lake):
    """The event before that of frank/one on 2 March is not among the three newest."""
    assert activity(lake, "release_activity(newest := 4)")[2:] == [
        ("frank/one", "MODIFIED", "1", "2"),
        ("grace/two", "CREATED", None, "5"),
    ]
