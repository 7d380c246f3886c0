"""Repositories: overview, totals, search, activity and figures, worked out by hand from `small_lake.py`."""

import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS, REPOSITORIES, REPOSITORY_METRICS, SCANS
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import day, metrics, repository, scan, write_small_lake


@pytest.fixture
def ask(small_warehouse: duckdb.DuckDBPyConnection):
    return lambda query: small_warehouse.execute(query).fetchall()


def query(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_overview_has_latest_metrics_and_counts_what_a_repository_runs(ask):
    """Alice's archived release does not count; the chart that could not be resolved counts by its name."""
    columns = "full_name, in_scope, stars_count, forks_count, resources, releases, charts, apps, last_event_at"
    assert ask(f"SELECT {columns} FROM repository_overview") == [
        ("alice/home", True, 12, 3, 4, 3, 2, 1, day(3, 5)),
        ("bob/homelab", True, 5, None, 2, 1, 1, 0, day(3, 9)),
        ("carol/gone", False, None, None, 1, 1, 1, 0, day(2, 20)),
    ]


def test_the_overview_knows_what_discovery_and_the_scan_said(ask):
    columns = "language, topics, status, gitops_engine, created_at, discovered_at"
    assert ask(f"SELECT {columns} FROM repository_overview WHERE full_name = 'alice/home'") == [
        ("YAML", ["kubesearch", "flux"], "active", "flux", day(1, 1), day(3, 1))
    ]


def test_the_latest_metrics_are_of_each_numbers_newest_day(tmp_path: Path):
    """On 9 March only the size was read."""
    lake, last = write_small_lake(tmp_path), datetime.date(2026, 3, 9)
    lake.write(REPOSITORY_METRICS, last, [metrics(1, last, size_kb=7)])
    found = query(lake, "SELECT date, stars_count, forks_count, size_kb FROM latest_metrics WHERE stars_count = 12")
    assert found == [(last, 12, 3, 7)]


def test_the_totals_leave_out_retired_repositories_and_archived_releases(ask):
    columns = "repositories, repositories_with_resources, stars, forks, watchers, languages, topics"
    assert ask(f"SELECT {columns} FROM ecosystem_totals") == [(2, 2, 17, 3, None, 1, 2)]
    assert ask("SELECT resources, releases, charts, apps, last_event_at FROM ecosystem_totals") == [
        (6, 4, 2, 1, day(3, 9))
    ]


def test_languages_count_repositories_and_an_unknown_one_is_a_row(ask):
    assert ask("FROM languages") == [("YAML", 1, 12, 3), ("unknown", 1, 5, None)]


def test_a_repository_counts_under_each_of_its_topics(ask):
    assert ask("FROM topics") == [("kubesearch", 2, 17, 3), ("flux", 1, 12, 3)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("home", [("alice/home", ["name"]), ("bob/homelab", ["name"])]),
        ("HomeLab", [("bob/homelab", ["name"])]),
        (" flux  home ", [("alice/home", ["name", "topics"])]),
        ("kubesearch", [("alice/home", ["topics"]), ("bob/homelab", ["topics"])]),
        ("home nothing", []),
        ("gone", []),
        ("100%", []),
    ],
)
def test_a_search_wants_every_word_somewhere_and_shows_nobody_who_is_retired(small_warehouse, words, found):
    sql = "SELECT full_name, found_in FROM search_repositories($words)"
    assert small_warehouse.execute(sql, {"words": words}).fetchall() == found


def test_a_search_reads_descriptions_and_puts_names_first(tmp_path: Path):
    lake = write_small_lake(tmp_path)
    described = repository(2, "bob/homelab", description="Like Alice's: Talos & Flux")
    lake.write(REPOSITORIES, None, [repository(1, "alice/home"), described])
    found = query(lake, "SELECT full_name, found_in FROM search_repositories('alice')")
    assert found == [("alice/home", ["name"]), ("bob/homelab", ["description"])]


def test_the_most_active_repositories_of_the_last_days_say_what_happened(ask):
    """Days count back from bob's last event at noon of 9 March; what happened at noon of 5 March is four days old."""
    columns = "full_name, events, created, modified, deleted, resurrected, commits, by_people, last_event_at"
    bob = ("bob/homelab", 4, 1, 0, 2, 1, 4, 4, day(3, 9))
    assert ask(f"SELECT {columns} FROM most_active_repositories(4)") == [bob]
    assert ask(f"SELECT {columns} FROM most_active_repositories(5)") == [
        bob,
        ("alice/home", 1, 0, 1, 0, 0, 1, 1, day(3, 5)),
    ]


def test_a_retired_repository_is_not_among_the_most_active(ask):
    assert [row[1] for row in ask("FROM most_active_repositories(90)")] == ["alice/home", "bob/homelab"]


def stats(date: datetime.date, repositories: int, resources: int, stars: int | None) -> dict[str, Any]:
    row = {column.name: 0 for column in ECOSYSTEM_STATS.columns}
    lists = dict.fromkeys(
        ("resource_type_breakdown", "popular_helm_charts", "language_breakdown", "popular_topics"), ()
    )
    counts = {"total_repositories": repositories, "active_resources": resources, "total_stars": stars}
    return {**row, **lists, "date": date, **counts}


def test_growth_compares_with_the_day_the_week_and_the_month_before(tmp_path: Path):
    lake = write_small_lake(tmp_path)
    days = (
        (datetime.date(2026, 2, 8), 8, 100, None),
        (datetime.date(2026, 3, 3), 9, 150, 20),
        (datetime.date(2026, 3, 9), 10, 130, 21),
        (datetime.date(2026, 3, 10), 10, 125, 25),
    )
    lake.write(ECOSYSTEM_STATS, 2026, [stats(*numbers) for numbers in days])
    for date, _, _, stars in days:
        lake.write(REPOSITORY_METRICS, date, [metrics(1, date, stars_count=stars)])
    found = query(lake, "SELECT * EXCLUDE (active_repositories) FROM ecosystem_growth LIMIT 1")
    today = (datetime.date(2026, 3, 10), 10, 125, 25)
    assert found == [(*today, 0, 1, 2, 25.0, -5, -25, 25, 25.0, 4, 5, None, 0, 0, 0)]


def test_the_figures_count_every_row_and_know_what_is_new(tmp_path: Path):
    """Everything of the small lake is old but what is written here."""
    lake = write_small_lake(tmp_path)
    now = datetime.datetime.now(datetime.UTC)
    row = scan(4, "dave/new", last_scan_at=now - datetime.timedelta(days=1), sync_run_id="run-7")
    lake.write(SCANS, "dave/new", [row])
    figures = {name: rest for name, *rest in query(lake, "FROM table_figures")}
    assert figures["scans"] == [3, 3, row["last_scan_at"], 1, "run-7"]
    assert figures["resources"] == [9, 3, day(3, 6), 0, None]
    assert figures["helm_values"] == [3, 2, None, None, None]
    assert figures["ecosystem_stats"] == [0, None, None, 0, None]
    assert figures["scan_problems"] == [0, 0, None, 0, None]
