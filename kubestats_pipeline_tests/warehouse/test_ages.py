"""Ages and first sightings that begin with a log: each says that it is a lower bound."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.git.mirror_folder import History as HistoryBound
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.scan import world
from kubestats_pipeline_tests.scan.world import chart, flux_path, helm_repository, kustomization
from kubestats_pipeline_tests.warehouse.small_lake import day as at
from kubestats_pipeline_tests.warehouse.test_growth import ask, day, publish
from kubestats_pipeline_tests.warehouse.told_history import History, put, release, write_histories


@pytest.mark.parametrize("history", [10, "all"])
def test_what_a_log_begins_with_is_at_least_so_old(tmp_path: Path, history: HistoryBound):
    """A cluster runs one release from the first commit on, and another one that comes on the 15th."""
    remote = GitRepository(tmp_path / "remotes" / "o" / "cluster.git")
    source = helm_repository("charts")
    one, two = (world.release(name, chart=chart(name, "1.0.0", "charts")) for name in ("one", "two"))
    first = {"clusters/main/apps.yaml": flux_path("apps", "./apps"), "apps/s.yaml": source, "apps/1.yaml": one}
    remote.commit({**first, "apps/kustomization.yaml": kustomization("s.yaml", "1.yaml")}, at=day(1))
    remote.commit({"README.md": "still there"}, at=day(12))
    remote.commit(
        {"apps/kustomization.yaml": kustomization("s.yaml", "1.yaml", "2.yaml"), "apps/2.yaml": two}, at=day(15)
    )
    remote.commit({"README.md": "rest"}, at=day(20))
    lake = publish(tmp_path, [remote.path], history)
    known = [("one", True), ("two", False)]
    for table, where in (
        ("resource_overview", "is_release"),
        ("resource_uses", "is_release AND cluster IS NOT NULL"),
        ("releases", "TRUE"),
    ):
        assert ask(lake, f"SELECT name, is_lower_bound FROM {table} WHERE {where} ORDER BY name") == known, table
    assert ask(lake, "SELECT chart_name, is_lower_bound FROM chart_versions ORDER BY chart_name") == known
    assert ask(lake, "SELECT chart_name, is_lower_bound FROM version_reception ORDER BY chart_name") == known
    pages = "FROM chart_page('one') UNION ALL FROM chart_page('two')"
    assert ask(lake, f"SELECT name, is_lower_bound FROM ({pages}) ORDER BY name") == known


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Zoe's log begins with app 1.0.0, bob's with app 2.0.0, and web comes later to both. Carol's begins in March."""
    secret = put("s", kind="Secret", api_group="", data={"stringData": {"a": "${A}"}})
    zoe = (
        History(1, "zoe/home")
        .commit(at(1, 1), release("app", "app", "1.0.0"))
        .commit(at(1, 2), release("web", "web", "1.0.0"), secret)
        .commit(at(1, 11), put("app", version="1.1.0"), put("web", version="1.1.0"))
    )
    bob = (
        History(2, "bob/home")
        .commit(at(1, 5), release("app", "app", "2.0.0"), secret)
        .commit(at(1, 6), release("web", "web", "1.0.0"))
    )
    carol = History(3, "carol/home").commit(at(3, 1), put("x"))
    lake = write_histories(tmp_path_factory.mktemp("known"), zoe, bob, carol)
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("table", ["version_sightings", "family_versions"])
def test_a_version_is_superseded_at_least_since_a_log_began_with_the_next_one(known, table):
    columns = "chart_name, version, superseded_at, superseded_is_lower_bound"
    assert known.execute(f"SELECT {columns} FROM {table} ORDER BY chart_name, version").fetchall() == [
        ("app", "1.0.0", at(1, 5), True),
        ("app", "1.1.0", at(1, 5), True),
        ("app", "2.0.0", None, None),
        ("web", "1.0.0", at(1, 11), False),
        ("web", "1.1.0", None, None),
    ]


def test_a_release_is_behind_at_least_since_a_log_began_with_the_next_version(known):
    query = (
        "SELECT full_name, name, superseded_at, is_lower_bound FROM version_lag WHERE lag_status = 'behind' ORDER BY 1"
    )
    assert known.execute(query).fetchall() == [
        ("bob/home", "web", at(1, 11), False),
        ("zoe/home", "app", at(1, 5), True),
    ]


def test_what_a_log_begins_with_was_held_at_least_so_long(known):
    steps = "SELECT chart_name, days_held, is_lower_bound FROM version_steps ORDER BY chart_name"
    assert known.execute(steps).fetchall() == [("app", 10.0, True), ("web", 9.0, False)]
    columns = "chart_name, version, median_days_held, held_is_lower_bound, watched_days"
    query = f"SELECT {columns} FROM version_reception ORDER BY chart_name, version"
    assert known.execute(query).fetchall() == [
        ("app", "1.0.0", 10.0, True, 59.0),
        ("app", "1.1.0", None, None, 49.0),
        ("app", "2.0.0", None, None, 55.0),
        ("web", "1.0.0", 9.0, False, 58.0),
        ("web", "1.1.0", None, None, 49.0),
    ]


def test_a_delay_says_for_how_long_its_version_was_watched(known):
    query = "SELECT chart_name, days, watched_days FROM upgrade_delays ORDER BY chart_name"
    assert known.execute(query).fetchall() == [("app", 0.0, 49.0), ("web", 0.0, 49.0)]


def test_secrets_are_kept_so_at_least_since_the_log_began(known):
    query = "SELECT full_name, first_at, is_lower_bound FROM secrets_practice ORDER BY full_name"
    assert known.execute(query).fetchall() == [("bob/home", at(1, 5), True), ("zoe/home", at(1, 2), False)]


def test_what_was_there_at_a_moment_says_whether_it_is_older(known):
    moment = "TIMESTAMPTZ '2026-01-08'"
    for macro in ("resources_as_of", "releases_as_of"):
        query = f"SELECT full_name, name, is_lower_bound FROM {macro}({moment}) WHERE kind = 'HelmRelease' ORDER BY ALL"
        assert known.execute(query).fetchall() == [
            ("bob/home", "app", True),
            ("bob/home", "web", False),
            ("zoe/home", "app", True),
            ("zoe/home", "web", False),
        ], macro


def test_lives_that_are_older_than_their_log_are_left_out_and_counted(known):
    """Nobody knows how long app had run: its row says so, in place of none."""
    query = "SELECT name, tenures, older_tenures, watched_days FROM survival WHERE subject = 'chart' ORDER BY name"
    assert known.execute(query).fetchall() == [("app", 0, 2, None), ("web", 2, 0, 9)]
    query = "SELECT tenures, older_tenures, watched_days FROM survival WHERE subject = 'every family'"
    assert known.execute(query).fetchall() == [(2, 2, 9)]


def test_what_the_first_commit_of_a_log_holds_is_no_activity(known):
    query = (
        "SELECT full_name, events_90_days, created_90_days, last_event_at FROM repository_activity ORDER BY full_name"
    )
    assert known.execute(query).fetchall() == [
        ("bob/home", 1, 1, at(1, 6)),
        ("carol/home", 0, 0, at(3, 1)),
        ("zoe/home", 4, 2, at(1, 11)),
    ]
    query = "SELECT full_name, events, created FROM most_active_repositories(90)"
    assert known.execute(query).fetchall() == [("zoe/home", 4, 2), ("bob/home", 1, 1)]


def test_an_overview_says_since_when_a_repository_is_watched(small_warehouse):
    query = "SELECT full_name, log_begins_at, watched_days FROM repository_overview WHERE full_name = 'alice/home'"
    assert small_warehouse.execute(query).fetchall() == [("alice/home", at(2, 27), 6.0)]
    query = "SELECT full_name, first_commit, begins_at, told_at, observed_until, days FROM repository_logs"
    assert small_warehouse.execute(f"{query} ORDER BY full_name").fetchall() == [
        ("alice/home", "c0", at(2, 27), None, at(3, 5), 6.0),
        ("bob/homelab", "c1", at(3, 1), None, at(3, 9), 8.0),
        ("carol/gone", "c0", at(2, 20), None, at(2, 20), 0.0),
    ]
