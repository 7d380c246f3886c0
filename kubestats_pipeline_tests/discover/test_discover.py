"""The whole stage: a loopback GitHub, real folders, a real lake, and DuckDB as its reader."""

import datetime
import socket
import subprocess
from functools import partial

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.discover.configured import sources_from
from kubestats_pipeline.discover.discover import discover
from kubestats_pipeline.discover.entries import ListSource
from kubestats_pipeline.discover.github import GitHubTopics
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline.settings import SettingsError, load_settings
from kubestats_pipeline_tests.hosts.github_server import GitHubServer, rate_limited

NOON = datetime.datetime(2025, 6, 2, 12, tzinfo=datetime.UTC)
LATER = NOON + datetime.timedelta(hours=1)
TODAY = NOON.date()


@pytest.fixture(autouse=True)
def no_settings_from_outside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)


@pytest.fixture
def github():
    with GitHubServer() as server:
        server.add("ada/ops", number=1, topics=("kubesearch",))
        server.add("bob/ops", number=2, topics=("kubesearch", "k8s-at-home"))
        yield server


@pytest.fixture
def lake(tmp_path):
    return Lake(Layout(tmp_path / "data"))


def settings_for(github_url: str, **settings):
    github = {
        "api_url": github_url,
        "topics": ["kubesearch", "k8s-at-home"],
        "max_wait_seconds": 0,
        "timeout_seconds": 2,
    }
    return load_settings(**{"github": github} | settings)


def rows(lake: Lake, table=REPOSITORIES, key=None) -> list[dict]:
    return lake.read(table, key).rows.to_dicts()


def test_a_discovery_fills_repositories_and_the_days_metrics(github, lake, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path / "team" / "mine")], check=True, timeout=20)
    sources = sources_from(settings_for(github.url, repositories=["ada/ops", str(tmp_path / "team" / "mine")]))
    report = discover(lake, sources, NOON)
    assert (report.found, report.new, report.repositories, report.metrics_rows) == (3, 3, 3, 2)
    assert report.failures == ()
    tags = {row["full_name"]: row["discovery_tags"] for row in rows(lake)}
    assert tags == {
        "ada/ops": ["kubesearch", "list"],
        "bob/ops": ["k8s-at-home", "kubesearch"],
        "local/team/mine": ["list"],
    }
    metrics = {row["repository_id"]: row for row in rows(lake, REPOSITORY_METRICS, TODAY)}
    assert metrics["github:1"]["watchers_count"] == 3
    assert metrics["github:2"]["watchers_count"] is None
    assert metrics["github:2"]["stars_count"] == 40


def test_duckdb_reads_what_was_written(github, lake):
    discover(lake, sources_from(settings_for(github.url)), NOON)
    path = lake.path(REPOSITORIES)
    found = duckdb.sql(f"SELECT full_name, topics, created_at IS NOT NULL FROM '{path}' ORDER BY 1").fetchall()
    assert found == [("ada/ops", ["kubesearch"], True), ("bob/ops", ["k8s-at-home", "kubesearch"], True)]


def test_a_second_discovery_changes_nothing_but_the_clock(github, lake):
    sources = sources_from(settings_for(github.url, repositories=["ada/ops"]))
    discover(lake, sources, NOON)
    before = [lake.read(REPOSITORIES).rows, lake.read(REPOSITORY_METRICS, TODAY).rows]
    report = discover(lake, sources, LATER)
    after = [lake.read(REPOSITORIES).rows, lake.read(REPOSITORY_METRICS, TODAY).rows]
    assert (report.found, report.new) == (2, 0)
    for old, new, clock in zip(before, after, ("last_seen_at", "recorded_at"), strict=True):
        assert new.drop(clock).equals(old.drop(clock))
        assert new[clock].unique().to_list() == [LATER]


def test_a_dead_api_leaves_the_lake_byte_for_byte_in_place(github, lake):
    discover(lake, sources_from(settings_for(github.url)), NOON)
    before = {path: path.read_bytes() for path in lake.layout.lake.rglob("*") if path.is_file()}
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        dead = GitHubSettings(api_url=f"http://127.0.0.1:{closed.getsockname()[1]}")
        connect = partial(GitHubClient, dead, sleep=lambda _: None)
        sources = [GitHubTopics(("kubesearch", "k8s-at-home"), "", connect), ListSource(("ada/ops",), "", connect)]
        report = discover(lake, sources, LATER)
    assert [failure.source for failure in report.failures] == ["topic:kubesearch", "topic:k8s-at-home", "ada/ops"]
    assert (report.found, report.new, report.repositories, report.metrics_rows) == (0, 0, 2, 0)
    assert {path: path.read_bytes() for path in lake.layout.lake.rglob("*") if path.is_file()} == before


def test_a_first_discovery_without_any_answer_writes_nothing(lake, tmp_path):
    report = discover(lake, sources_from(load_settings(repositories=[str(tmp_path / "missing")])), NOON)
    assert (report.repositories, len(report.failures)) == (0, 1)
    assert not lake.layout.data_dir.exists()


def test_one_failing_source_does_not_hold_back_the_other(github, lake):
    github.fail("/search/repositories", *[rate_limited(4_000_000_000)] * 2)
    report = discover(lake, sources_from(settings_for(github.url, repositories=["ada/ops"])), NOON)
    assert (report.found, len(report.failures)) == (1, 2)


def test_a_listed_repository_that_vanished_keeps_its_row(github, lake):
    sources = sources_from(settings_for(github.url, repositories=["ada/ops"]), ["list"])
    discover(lake, sources, NOON)
    before = rows(lake)
    github.remove(1)
    assert "404" in discover(lake, sources, LATER).failures[0].reason
    assert rows(lake) == [row | {"missed_searches": 1} for row in before]


def test_the_days_metrics_of_others_and_known_subscribers_survive_a_later_reading(github, lake):
    discover(lake, sources_from(settings_for(github.url, repositories=["ada/ops", "bob/ops"]), ["list"]), NOON)
    github.remove(2)
    github.add("ada/ops", number=1, topics=("kubesearch",), stargazers_count=41)
    report = discover(lake, sources_from(settings_for(github.url), ["github"]), LATER)
    assert report.metrics_rows == 1
    ada, bob = rows(lake, REPOSITORY_METRICS, TODAY)
    assert (ada["stars_count"], ada["watchers_count"], ada["recorded_at"]) == (41, 3, LATER)
    assert (bob["stars_count"], bob["watchers_count"], bob["recorded_at"]) == (40, 3, NOON)


def test_metrics_of_another_day_are_another_partition(github, lake):
    sources = sources_from(settings_for(github.url))
    discover(lake, sources, NOON)
    late = datetime.datetime(2025, 6, 2, 23, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=-2)))
    discover(lake, sources, late)
    assert list(lake.dates(REPOSITORY_METRICS)) == [TODAY, TODAY + datetime.timedelta(days=1)]
    assert lake.read_all(REPOSITORY_METRICS).select("repository_id", "date").is_unique().all()


def test_repositories_without_numbers_leave_no_metrics(lake, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path / "mine")], check=True, timeout=20)
    settings = load_settings(repositories=[str(tmp_path / "mine"), "https://gitlab.com/ada/ops"])
    report = discover(lake, sources_from(settings), NOON)
    assert (report.found, report.metrics_rows) == (2, 0)
    assert list(lake.dates(REPOSITORY_METRICS)) == []
    columns = ("description", "is_fork", "is_archived", "created_at", "pushed_at")
    assert all(row[column] is None for row in rows(lake) for column in columns)


def test_no_credential_reaches_the_lake(lake):
    settings = load_settings(repositories=["https://me:s3cretpass@gitlab.com/ada/ops.git?token=s3cretpass"])
    discover(lake, sources_from(settings), NOON)
    assert b"s3cretpass" not in lake.path(REPOSITORIES).read_bytes()
    assert not lake.read(REPOSITORIES).rows.select(pl.col("clone_url").str.contains("s3cretpass").any()).item()


def test_only_the_named_sources_are_asked(github):
    settings = settings_for(github.url, repositories=["ada/ops"])
    names = [[type(source).__name__ for source in sources_from(settings, only)] for only in ((), ["list"], ["github"])]
    assert names == [["GitHubTopics", "ListSource"], ["ListSource"], ["GitHubTopics"]]


def test_the_default_topics_are_searched_only_without_a_list_of_ones_own():
    assert [type(source).__name__ for source in sources_from(load_settings())] == ["GitHubTopics"]
    assert [type(source).__name__ for source in sources_from(load_settings(repositories=["a/b"]))] == ["ListSource"]


def test_an_unknown_source_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"gitea is not a source\. Known are github, gitlab, list"):
        sources_from(load_settings(), ["gitea"])


def test_a_source_that_has_nothing_to_look_for_is_refused():
    with pytest.raises(ValueError, match="source list has nothing to look for"):
        sources_from(load_settings(), ["list"])


def test_a_token_that_cannot_be_one_stops_at_the_start():
    with pytest.raises(SettingsError, match="GITHUB_TOKEN"):
        sources_from(load_settings(github={"token": "two words"}))
