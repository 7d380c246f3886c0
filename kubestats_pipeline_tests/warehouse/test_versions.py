"""Versions over time: sightings, lag, steps, delays and reception, worked out by hand and recounted on the corpus."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import day
from kubestats_pipeline_tests.warehouse.told_history import History, drop, put, release, write_histories


def alice() -> History:
    """The first everywhere: 1.0.0 before the log, 1.1.0, 1.2.0 with a rollback, 1.2.1 and 2.0.0; two releases."""
    return (
        History(1, "alice/home")
        .commit(day(1, 1), release("plex", "plex", "1.0.0"), release("other", "plex", "1.0.0"))
        .commit(day(1, 11), put("plex", version="v1.1.0"), put("other", version="1.1.0"), author="renovate")
        .commit(day(1, 21), put("plex", version="1.2.0"), put("other", version="1.2.0"), author="renovate")
        .commit(day(1, 22), put("plex", version="1.1.0"))
        .commit(day(1, 23), put("plex", namespace="media"))
        .commit(day(2, 1), put("plex", version="1.2.1"), author="renovate")
        .commit(day(3, 1), put("plex", version="2.0.0"))
    )


def bob() -> History:
    """Follows late and jumps: from 1.1.0 to 1.2.1, and deletes a release whose return is no step."""
    return (
        History(2, "bob/homelab")
        .commit(day(1, 5), put("web"))
        .commit(day(1, 12), release("plex", "plex", "1.1.0"), release("gone", "plex", "1.1.0"))
        .commit(day(1, 25), drop("gone"))
        .commit(day(2, 11), put("plex", version="1.2.1"))
        .commit(day(2, 20), release("gone", "plex", "1.2.1"))
    )


def carol() -> History:
    """What is no version, what is unresolved, another address, and what is out of scope."""
    return (
        History(3, "carol/infra")
        .commit(day(1, 2), put("web"))
        .commit(
            day(1, 3),
            release("ranged", "plex", ">=1.0 <2"),
            release("latest", "plex", "latest"),
            release("placed", "plex", "${PLEX}"),
            release("pinned", "plex", "sha256:" + "ab" * 32),
            release("none", "plex", None),
            release("partial", "plex", "1.1"),
            release("lost", "plex", "1.0.0", chart_url=None, resolution="unresolved"),
            release("elsewhere", "plex", "9.0.0", chart_url="oci://other/plex"),
            release("archived", "plex", "8.0.0", context="archived"),
        )
        .commit(day(2, 2), put("ranged", version="1.0.5-rc.1"))
    )


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    lake = write_histories(tmp_path_factory.mktemp("versions"), alice(), bob(), carol())
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


USUAL = "chart_url = 'oci://ghcr.io/charts/plex'"


def test_a_version_is_first_seen_once_and_knows_who_ran_it(warehouse):
    columns = "version, first_seen_at, is_lower_bound, first_seen_in, last_seen_at, repositories_ever, repositories_now"
    assert rows(warehouse, f"SELECT {columns} FROM version_sightings WHERE {USUAL} ORDER BY place") == [
        ("1.0.0", day(1, 1), True, "alice/home", day(1, 11), 1, 0),
        ("1.0.5-rc.1", day(2, 2), False, "carol/infra", None, 1, 1),
        ("1.1", day(1, 3), False, "carol/infra", None, 1, 1),
        ("1.1.0", day(1, 11), False, "alice/home", day(2, 11), 2, 0),
        ("1.2.0", day(1, 21), False, "alice/home", None, 1, 1),
        ("1.2.1", day(2, 1), False, "alice/home", None, 2, 1),
        ("2.0.0", day(3, 1), False, "alice/home", None, 1, 1),
    ]


def test_what_is_no_version_has_no_sighting_and_each_address_its_own(warehouse):
    query = f"SELECT version, newest_version FROM version_sightings WHERE NOT {USUAL}"
    assert rows(warehouse, query) == [("9.0.0", "9.0.0")]


def test_a_version_is_behind_by_each_of_its_numbers(warehouse):
    columns = "version, majors_behind, minors_behind, patches_behind, versions_behind, superseded_at"
    query = f"SELECT {columns} FROM version_sightings WHERE {USUAL} AND newest_version = '2.0.0' ORDER BY place"
    assert rows(warehouse, query) == [
        ("1.0.0", 1, 2, 0, 4, day(1, 11)),
        ("1.0.5-rc.1", 1, 2, 0, 4, day(1, 11)),
        ("1.1", 1, 1, None, 3, day(1, 21)),
        ("1.1.0", 1, 1, 0, 3, day(1, 21)),
        ("1.2.0", 1, 0, 1, 2, day(2, 1)),
        ("1.2.1", 1, 0, 0, 1, day(3, 1)),
        ("2.0.0", 0, 0, 0, 0, None),
    ]


def test_each_release_says_how_late_it_is_or_why_that_is_unknown(warehouse):
    query = "SELECT full_name, name, lag_status, versions_behind FROM version_lag ORDER BY full_name, name"
    assert rows(warehouse, query) == [
        ("alice/home", "other", "behind", 2),
        ("alice/home", "plex", "current", 0),
        ("bob/homelab", "gone", "behind", 1),
        ("bob/homelab", "plex", "behind", 1),
        ("carol/infra", "elsewhere", "current", 0),
        ("carol/infra", "latest", "name", None),
        ("carol/infra", "lost", "unresolved", None),
        ("carol/infra", "none", "no version", None),
        ("carol/infra", "partial", "behind", 3),
        ("carol/infra", "pinned", "digest", None),
        ("carol/infra", "placed", "placeholder", None),
        ("carol/infra", "ranged", "behind", 4),
    ]


def test_steps_of_a_commit_are_one_and_a_rollback_goes_where_the_release_had_been(warehouse):
    columns = "changed_at, from_version, to_version, direction, level, is_rollback, releases, days_held, author_kind"
    query = f"SELECT {columns} FROM version_steps WHERE full_name = 'alice/home' ORDER BY changed_at"
    assert rows(warehouse, query) == [
        (day(1, 11), "1.0.0", "1.1.0", "upgrade", "minor", False, 2, 10.0, "renovate"),
        (day(1, 21), "1.1.0", "1.2.0", "upgrade", "minor", False, 2, 10.0, "renovate"),
        (day(1, 22), "1.2.0", "1.1.0", "downgrade", "minor", True, 1, 1.0, "human"),
        (day(2, 1), "1.1.0", "1.2.1", "upgrade", "minor", False, 1, 10.0, "renovate"),
        (day(3, 1), "1.2.1", "2.0.0", "upgrade", "major", False, 1, 28.0, "human"),
    ]


def test_a_return_is_no_step_and_what_has_no_order_has_no_direction(warehouse):
    query = "SELECT full_name, from_version, to_version, direction FROM version_steps WHERE full_name <> 'alice/home'"
    assert rows(warehouse, query + " ORDER BY ALL") == [
        ("bob/homelab", "1.1.0", "1.2.1", "upgrade"),
        ("carol/infra", ">=1.0 <2", "1.0.5-rc.1", "unknown"),
    ]


def test_a_step_names_the_versions_that_it_jumped_over(warehouse):
    query = "SELECT full_name, to_version, skipped FROM version_steps WHERE len(skipped) > 0 ORDER BY full_name"
    assert rows(warehouse, query) == [
        ("alice/home", "1.2.1", ["1.2.0"]),
        ("bob/homelab", "1.2.1", ["1.2.0"]),
    ]


def test_the_delay_counts_from_the_first_sighting_anywhere(warehouse):
    columns = "full_name, version, level, first_seen_in, is_first, is_lower_bound, days"
    assert rows(warehouse, f"SELECT {columns} FROM upgrade_delays ORDER BY full_name, upgraded_at") == [
        ("alice/home", "1.1.0", "minor", "alice/home", True, False, 0.0),
        ("alice/home", "1.2.0", "minor", "alice/home", True, False, 0.0),
        ("alice/home", "1.2.1", "minor", "alice/home", True, False, 0.0),
        ("alice/home", "2.0.0", "major", "alice/home", True, False, 0.0),
        ("bob/homelab", "1.2.1", "minor", "alice/home", False, False, 10.0),
    ]


def test_a_version_is_received_by_taking_skipping_and_going_back(warehouse):
    """Alice ran 1.2.0 before she jumped over it, so that only bob skipped it."""
    columns = "version, repositories_ever, skipped_by, rolled_back_by, downgraded_by, median_days_held"
    query = f"SELECT {columns} FROM version_reception WHERE {USUAL} AND version <> '1.1' ORDER BY first_seen_at"
    assert rows(warehouse, query) == [
        ("1.0.0", 1, 0, 0, 0, 10.0),
        ("1.1.0", 2, 0, 0, 0, 10.0),
        ("1.2.0", 1, 1, 1, 1, 1.0),
        ("1.2.1", 2, 0, 0, 0, 28.0),
        ("1.0.5-rc.1", 1, 0, 0, 0, None),
        ("2.0.0", 1, 0, 0, 0, None),
    ]


def test_calendar_versions_are_compared_among_themselves(tmp_path: Path):
    """A chart that went from 2024.6.1 to 1.0.0 did not fall back, and its newest calendar version is not newer."""
    history = History(1, "a/b").commit(
        day(1, 1), release("hass", "hass", "2024.6.1"), release("two", "hass", "2023.1.0")
    )
    history.commit(day(1, 2), put("hass", version="1.0.0")).commit(day(1, 3), put("hass", version="1.1.0"))
    lake = write_histories(tmp_path, history)
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        lag = rows(
            connection, "SELECT name, newest_version, majors_behind, minors_behind FROM version_lag ORDER BY name"
        )
        steps = rows(connection, "SELECT from_version, to_version, direction FROM version_steps ORDER BY changed_at")
    assert lag == [("hass", "1.1.0", 0, 0), ("two", "2024.6.1", 1, 0)]
    assert steps == [("2024.6.1", "1.0.0", "unknown"), ("1.0.0", "1.1.0", "upgrade")]


def test_first_sightings_are_what_reading_the_events_in_python_gives(corpus_warehouse):
    columns = "chart_name, chart_url, version_after, event_timestamp"
    counts = "event_type <> 'DELETED' AND context = 'active' AND resolution = 'exact' AND version_after IS NOT NULL"
    first: dict[tuple[object, ...], datetime.datetime] = {}
    for *chart, version, at in rows(corpus_warehouse, f"SELECT {columns} FROM resource_events WHERE {counts}"):
        key = (*chart, version.strip().removeprefix("v"))
        first[key] = min(first.get(key, at), at)
    found = rows(corpus_warehouse, "SELECT chart_name, chart_url, version, first_seen_at FROM version_sightings")
    assert len(found) > 150
    assert {tuple(key): at for *key, at in found}.items() <= first.items()
    dotted = {key for key in first if key[-1].count(".") == 2 and key[-1].replace(".", "").isdigit()}
    assert dotted <= {tuple(key) for *key, _ in found}


def test_steps_are_the_changes_of_version_that_the_events_say(corpus_warehouse):
    """Another way: version before and after of each event, where the chart stayed the same for the scanner."""
    of_objects = steps_of(events_of_objects(corpus_warehouse))
    of_documents = steps_of(events_of_documents(corpus_warehouse))
    columns = "repository_id, commit_sha, from_version, to_version, chart_name, chart_url"
    assert set(rows(corpus_warehouse, f"SELECT {columns} FROM version_steps")) == of_objects | of_documents
    assert len(of_objects | of_documents) > 100
    assert of_objects - of_documents
    assert of_documents - of_objects


STATE_AND_CHANGE = "event_type, chart_name, chart_url, context, resolution, commit_sha, version_before, version_after"
Rows = list[tuple[Any, ...]]


def events_of_objects(connection: duckdb.DuckDBPyConnection) -> Rows:
    """What happened to what clusters run, in order."""
    columns = f"repository_id, applied_id, {STATE_AND_CHANGE}"
    return rows(connection, f"SELECT {columns} FROM applied_events ORDER BY repository_id, sequence")


def events_of_documents(connection: duckdb.DuckDBPyConnection) -> Rows:
    """What happened to documents, in order: where clusters tell of one, before the first event of the clusters."""
    told = dict(rows(connection, "SELECT repository_id, min(event_timestamp) FROM applied_events GROUP BY ALL"))
    documents = rows(connection, "SELECT resource_id FROM resources WHERE is_applied IS NOT NULL")
    told_documents = {resource for (resource,) in documents}
    columns = f"event_timestamp, repository_id, resource_id, {STATE_AND_CHANGE}"
    events = rows(connection, f"SELECT {columns} FROM resource_events ORDER BY repository_id, sequence")
    return [event for at, *event in events if event[1] not in told_documents or at < told[event[0]]]


def steps_of(events: Rows) -> set[tuple[object, ...]]:
    """Repository, commit, both versions and chart of each change of a version."""
    last: dict[tuple[object, object], tuple[object, ...]] = {}
    found = set()
    for repository, use, event_type, *state, commit, before, after in events:
        same = last.get((repository, use)) == tuple(state) and state[2:] == ["active", "exact"]
        if event_type == "MODIFIED" and same and before and after:
            plain = (before.removeprefix("v"), after.removeprefix("v"))
            if plain[0] != plain[1]:
                found.add((repository, commit, *plain, *state[:2]))
        last[repository, use] = tuple(state)
    return found
