"""Spans, tenures and adoption curves: worked out by hand, and against the time travel of the same warehouse."""

import datetime
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import day
from kubestats_pipeline_tests.warehouse.told_history import URL, History, drop, image, put, release, write_histories

OCI = URL + "plex"


def alice() -> History:
    """Runs plex from the start and replaces it by jellyfin; sonarr is away for five days."""
    return (
        History(1, "alice/home")
        .commit(day(1, 5), release("plex", "plex", "1.0.0"), put("old", kind="ConfigMap", api_group=""))
        .commit(day(1, 12), release("sonarr", "app-template", "3.0.0"))
        .commit(day(1, 13), put("plex", data={"spec": "an edit that no mart counts"}))
        .commit(day(1, 20), put("plex", version="1.1.0"), author="renovate")
        .commit(day(2, 2), drop("sonarr"))
        .commit(day(2, 7), put("sonarr"))
        .commit(day(2, 16), drop("plex"), release("jellyfin", "jellyfin", "2.0.0"))
    )


def bob() -> History:
    """Runs plex for two weeks, archives it, and takes it up again after a month; a clock runs backwards at first."""
    return (
        History(2, "bob/homelab")
        .commit(day(1, 10), put("web", app_name="web"))
        .commit(day(1, 8), release("plex", "plex", "1.0.0"))
        .commit(day(1, 22), put("plex", context="archived"))
        .commit(day(3, 1), put("plex", context="active"))
    )


def carol() -> History:
    return History(3, "carol/gone").commit(day(1, 5), release("plex", "plex", "1.0.0"))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    lake = write_histories(tmp_path_factory.mktemp("spans"), alice(), bob(), carol(), carol="retired")
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        yield connection


def spans(connection: duckdb.DuckDBPyConnection, resource: str) -> list[tuple[object, ...]]:
    columns = "version, context, valid_from, valid_to, began_with, ended_with"
    query = f"SELECT {columns} FROM resource_spans WHERE resource_id = ? ORDER BY sequence"
    return connection.execute(query, [resource]).fetchall()


def test_an_edit_that_nobody_counts_ends_no_span(warehouse):
    assert spans(warehouse, "1 plex") == [
        ("1.0.0", "active", day(1, 5), day(1, 20), "CREATED", "MODIFIED"),
        ("1.1.0", "active", day(1, 20), day(2, 16), "MODIFIED", "DELETED"),
    ]


def test_a_return_begins_a_new_span(warehouse):
    assert spans(warehouse, "1 sonarr") == [
        ("3.0.0", "active", day(1, 12), day(2, 2), "CREATED", "DELETED"),
        ("3.0.0", "active", day(2, 7), None, "RESURRECTED", None),
    ]


def test_where_a_clock_ran_backwards_all_that_came_before_counts_from_the_earlier_time(warehouse):
    """The web was committed on 10 January by a clock that went on to the 8th: as of the 8th, both are there."""
    assert spans(warehouse, "2 web") == [(None, "active", day(1, 8), None, "CREATED", None)]
    assert spans(warehouse, "2 plex")[0] == (
        "1.0.0",
        "active",
        day(1, 8),
        day(1, 22),
        "CREATED",
        "MODIFIED",
    )


def test_only_the_first_commit_of_a_log_is_a_first_snapshot(warehouse):
    query = "SELECT DISTINCT resource_id FROM resource_spans WHERE is_first_snapshot ORDER BY ALL"
    assert warehouse.execute(query).fetchall() == [("1 old",), ("1 plex",), ("2 web",), ("3 plex",)]


def test_a_span_tells_what_began_and_what_ended_it(warehouse):
    columns = "author_kind, commit_sha, ended_commit"
    query = f"SELECT {columns} FROM resource_spans WHERE resource_id = '1 plex' ORDER BY sequence"
    assert warehouse.execute(query).fetchall() == [
        ("human", "alice/home 1", "alice/home 4"),
        ("renovate", "alice/home 4", "alice/home 7"),
    ]


def test_a_resource_is_reached_by_ingress_or_gateway_as_a_resource_or_by_its_values(tmp_path: Path):
    def by(**values: object) -> dict[str, object]:
        return {"spec": {"values": values}}

    history = (
        History(1, "a/b")
        .commit(day(1, 1), release("app", "app-template", "1.0.0", data=by(ingress={"main": {"host": "x"}})))
        .commit(day(1, 2), put("app", data=by(ingress={"main": {}}, route={"main": {}})))
        .commit(day(1, 3), put("app", data=by(route={"main": {}})))
        .commit(day(1, 4), put("app", data=by(route={"enabled": False})))
        .commit(day(1, 5), put("app", data=by(ingress={})))
        .commit(day(1, 6), put("in", kind="Ingress", api_group="networking.k8s.io"))
        .commit(day(1, 7), put("out", kind="HTTPRoute", api_group="gateway.networking.k8s.io"))
        .commit(day(1, 8), put("none", data=by(ingress={"main": {}})))
    )
    with duckdb.connect(str(build_warehouse(write_histories(tmp_path, history)).path), read_only=True) as connection:
        found = connection.execute("SELECT name, exposure FROM resource_spans ORDER BY sequence").fetchall()
    assert found == [
        ("app", "ingress"),
        ("app", "both"),
        ("app", "gateway"),
        ("app", None),
        ("in", "ingress"),
        ("out", "gateway"),
        ("none", None),
    ]


def test_an_image_alone_ends_a_span(tmp_path: Path):
    history = History(1, "a/b").commit(day(1, 1), put("web", images=[image("web", "1")]))
    history.commit(day(1, 2), put("web", images=[image("web", "2")]))
    with duckdb.connect(str(build_warehouse(write_histories(tmp_path, history)).path), read_only=True) as connection:
        found = connection.execute("SELECT images[1].tag FROM resource_spans ORDER BY sequence").fetchall()
    assert found == [("1",), ("2",)]


def test_a_tenure_is_the_time_from_the_first_resource_to_the_last(warehouse):
    """Five days away is no break, a month in the archive is one; the retired repository does not count."""
    columns = "full_name, started_at, ended_at, is_running, is_left_censored, days"
    query = f"SELECT {columns} FROM tenures WHERE subject = 'app' AND name = ? ORDER BY full_name, started_at"
    assert warehouse.execute(query, ["plex"]).fetchall() == [
        ("alice/home", day(1, 5), day(2, 16), False, True, 42.0),
        ("bob/homelab", day(1, 8), day(1, 22), False, False, 14.0),
        ("bob/homelab", day(3, 1), None, True, False, 0.0),
    ]
    assert warehouse.execute(query, ["sonarr"]).fetchall() == [
        ("alice/home", day(1, 12), None, True, False, 35.0),
    ]
    assert warehouse.execute(query, ["web"]).fetchall() == [("bob/homelab", day(1, 8), None, True, True, 52.0)]


def test_a_tenure_names_the_commits_at_its_ends(warehouse):
    query = (
        "SELECT name, started_commit, ended_commit FROM tenures WHERE subject = 'chart' AND full_name = 'alice/home'"
    )
    assert sorted(warehouse.execute(query).fetchall(), key=str) == [
        ("app-template", "alice/home 2", None),
        ("jellyfin", "alice/home 7", None),
        ("plex", "alice/home 1", "alice/home 7"),
    ]


def test_an_adoption_curve_counts_repositories_at_the_end_of_each_week(warehouse):
    """Weeks begin on 5, 12, 19 and 26 January and so on; the newest event is of 1 March, in the week of 23 February."""
    columns = "week::VARCHAR, repositories, adopted, abandoned, joined_the_data"
    query = f"SELECT {columns} FROM weekly_adoption WHERE subject = 'chart' AND name = 'plex' ORDER BY week"
    assert warehouse.execute(query).fetchall() == [
        ("2026-01-05", 2, 1, 0, 1),
        ("2026-01-12", 2, 0, 0, 0),
        ("2026-01-19", 1, 0, 1, 0),
        ("2026-01-26", 1, 0, 0, 0),
        ("2026-02-02", 1, 0, 0, 0),
        ("2026-02-09", 1, 0, 0, 0),
        ("2026-02-16", 0, 0, 1, 0),
        ("2026-02-23", 1, 1, 0, 0),
    ]


def test_wrong_clocks_neither_stretch_a_curve_nor_lengthen_a_life(tmp_path: Path):
    """A first commit of the year 2 and a last one of 2999: the curve begins with Kubernetes and ends with the build."""
    early, late = day(1, 1).replace(year=2), day(1, 1).replace(year=2999)
    history = History(1, "a/b").commit(early, release("plex", "plex", "1.0.0", images=[image("plex")]))
    history.commit(late, release("web", "web", "1.0.0"))
    with duckdb.connect(str(build_warehouse(write_histories(tmp_path, history)).path), read_only=True) as connection:
        weeks = connection.execute("SELECT min(week)::VARCHAR, max(week) < now() + INTERVAL 7 DAY FROM weekly_adoption")
        assert weeks.fetchall() == [("2014-06-02", True)]
        months = connection.execute("SELECT min(month)::VARCHAR, max(month) < now() FROM monthly_registries")
        assert months.fetchall() == [("2014-06-01", True)]
        query = "SELECT is_running, days FROM tenures WHERE subject = 'app' AND name = 'web'"
        assert connection.execute(query).fetchall() == [(True, 0.0)]


MOMENTS = (
    "SELECT unnest(generate_series(min(event_timestamp), max(event_timestamp), INTERVAL 97 DAY)) FROM resource_events"
)


@pytest.mark.slow
def test_spans_of_a_moment_are_what_time_travel_gives_for_it(corpus_warehouse):
    """resources_as_of folds the events at one moment, the spans fold them all: both must say the same."""
    columns = "resource_id, api_version, kind, name, namespace, version, chart_name, app_name, context, resolution"
    versioned = columns.replace("api_version", "ltrim(api_group || '/' || api_version, '/')")
    moments = [moment for (moment,) in corpus_warehouse.execute(MOMENTS).fetchall()]
    for moment in moments:
        then = f"SELECT {columns} FROM resources_as_of($moment) ORDER BY ALL"
        at = "valid_from <= $moment AND coalesce(valid_to > $moment, TRUE)"
        held = f"SELECT {versioned} FROM resource_spans WHERE {at} ORDER BY ALL"
        found = [corpus_warehouse.execute(query, {"moment": moment}).fetchall() for query in (then, held)]
        assert found[0] == found[1], moment
    assert len(moments) > 15


def test_a_curve_is_what_counting_the_events_in_python_gives(corpus_warehouse):
    """Another way: replay the events of clusters and documents, and ask each app at the end of each week."""
    objects, documents = changes_of_objects(corpus_warehouse), changes_of_documents(corpus_warehouse)
    expected = weekly_repositories(objects + documents)
    query = "SELECT name, week, repositories FROM weekly_adoption WHERE subject = 'app' AND repositories > 0"
    found = {(name, week): count for name, week, count in corpus_warehouse.execute(query).fetchall()}
    assert found == expected
    assert len(found) > 500
    assert expected != weekly_repositories(documents)
    assert expected != weekly_repositories(objects)


RUNS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
GAP = datetime.timedelta(days=7)
FOREVER = datetime.datetime.max.replace(tzinfo=datetime.UTC)


Change = tuple[datetime.datetime, str, str, str | None]
"""A moment, a repository, what it runs (a document or an object of a cluster), and the app from then on."""


def app_of(event_type: str, kind: str, app: str | None, context: str, resolution: str) -> str | None:
    """The app that runs after an event, or None."""
    counts = resolution != "not_applicable" or kind in RUNS
    return app if event_type != "DELETED" and context == "active" and counts else None


def changes_of_objects(connection: duckdb.DuckDBPyConnection) -> list[Change]:
    """What the log of the clusters says."""
    columns = "event_timestamp, repository_id, applied_id, event_type, kind, app_name, context, resolution"
    rows = connection.execute(f"SELECT {columns} FROM applied_events ORDER BY repository_id, sequence").fetchall()
    return [(at, repository, applied, app_of(*state)) for at, repository, applied, *state in rows]


def changes_of_documents(connection: duckdb.DuckDBPyConnection) -> list[Change]:
    """What the log of the documents says: where clusters tell of one, up to the first event of the clusters."""
    told = dict(
        connection.execute("SELECT repository_id, min(event_timestamp) FROM applied_events GROUP BY ALL").fetchall()
    )
    documents = connection.execute("SELECT repository_id, resource_id, is_applied FROM resources").fetchall()
    ends = {resource: told[repository] for repository, resource, is_applied in documents if is_applied is not None}
    columns = "event_timestamp, repository_id, resource_id, event_type, resource_kind, app_name, context, resolution"
    rows = connection.execute(f"SELECT {columns} FROM resource_events ORDER BY repository_id, sequence").fetchall()
    counted = [row for row in rows if row[0] < ends.get(row[2], FOREVER)]
    changes = [(at, repository, resource, app_of(*state)) for at, repository, resource, *state in counted]
    return changes + [(ends[row[2]], row[1], row[2], None) for row in counted if row[2] in ends]


def weekly_repositories(changes: list[Change]) -> dict[tuple[str, datetime.date], int]:
    """Repositories by app and week, from the changes alone; the clocks run forwards here."""
    holds: dict[tuple[str, str], list[list[datetime.datetime]]] = {}
    current: dict[tuple[str, str], str | None] = {}
    running: Counter[tuple[str, str]] = Counter()
    for at, repository, use, new in sorted(changes, key=lambda change: change[0]):
        old = current.get((repository, use))
        if new == old:
            continue
        if old is not None:
            running[repository, old] -= 1
            if running[repository, old] == 0:
                holds[repository, old][-1][1] = at
        if new is not None:
            running[repository, new] += 1
            if running[repository, new] == 1:
                holds.setdefault((repository, new), []).append([at, FOREVER])
        current[repository, use] = new
    return count_weeks(holds, max(at for at, *_ in changes))


def count_weeks(
    holds: dict[tuple[str, str], list[list[datetime.datetime]]], newest: datetime.datetime
) -> dict[tuple[str, datetime.date], int]:
    found: dict[tuple[str, datetime.date], int] = {}
    for (_, app), times in holds.items():
        joined: list[list[datetime.datetime]] = []
        for start, end in (each for each in times if each[0] != each[1]):
            if joined and start - joined[-1][1] <= GAP:
                joined[-1][1] = end
            else:
                joined.append([start, end])
        for start, end in joined:
            week = start.date() - datetime.timedelta(days=start.weekday())
            last = min(end, newest)
            while week <= last.date() and not (end < FOREVER and week + GAP > end.date()):
                found[app, week] = found.get((app, week), 0) + 1
                week += GAP
    return found
