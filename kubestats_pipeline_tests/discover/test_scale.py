"""2,500 repositories on a GitHub that limits, fails and forgets: each is found once, and no bucket is pressed."""

import datetime
from collections import Counter

import pytest

from kubestats_pipeline.discover.discover import DiscoveryReport, discover
from kubestats_pipeline.discover.entries import ListSource
from kubestats_pipeline.discover.github import GitHubTopics, GitHubWitness
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.search import FIRST_DAY
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline_tests.hosts.github_server import GitHubServer

TOKEN = "ghp_0123456789abcdef"
GITHUB = "https://github.com"
MANY = 2_500
NOON = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
TOPICS = ("kubesearch", "k8s-at-home")


class Clock:
    """Goes on when somebody sleeps, and by itself a little."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def github(clock):
    with GitHubServer(clock=clock) as server:
        for number in range(1, MANY + 1):
            topics = TOPICS[:1] if number % 3 else TOPICS
            created = FIRST_DAY + datetime.timedelta(days=5_000 + number // 3, seconds=number)
            stamp = created.strftime("%Y-%m-%dT%H:%M:%SZ")
            facts = {"created_at": stamp, "size": number, "stargazers_count": number * 7919 % 4999}
            server.add(f"o{number % 50}/r{number}", number=number, topics=topics, **facts)
        server.tokens = {TOKEN}
        yield server


def ask(github: GitHubServer, clock: Clock, lake: Lake, now: datetime.datetime, token: str | None) -> DiscoveryReport:
    settings = GitHubSettings(api_url=github.url, token=token, max_wait_seconds=7_200)

    def connect() -> GitHubClient:
        return GitHubClient(settings, folder=lake.layout.http, sleep=clock.sleep, clock=clock)

    sources = [
        GitHubTopics(TOPICS, "https://github.com", connect),
        ListSource(("o1/r1",), "https://github.com", connect),
    ]
    witnesses = [GitHubWitness("https://github.com", connect, token is not None)]
    return discover(lake, sources, now, witnesses=witnesses, max_mb=200)


def test_2500_repositories_are_found_once_each_while_github_limits_fails_and_forgets(github, clock, tmp_path):
    lake = Lake(Layout(tmp_path))
    github.limits |= {"search": 30}
    github.remaining |= {"search": 7, "graphql": 12}
    github.fail_every, github.omitted_one_in, github.latency = 10, 40, 0.001
    report = ask(github, clock, lake, NOON, TOKEN)
    assert report.failures == ()
    assert (report.found, report.new, report.metrics_rows) == (MANY, MANY, MANY)
    rows = lake.read(REPOSITORIES).rows
    assert sorted(rows["repository_id"]) == sorted(f"github:{number}" for number in range(1, MANY + 1))
    assert rows["full_name"].n_unique() == MANY
    metrics = lake.read(REPOSITORY_METRICS, NOON.date()).rows
    assert metrics["watchers_count"].to_list() == [3] * MANY
    assert max(github.most_in_flight.values()) == 1
    again = ask(github, clock, lake, NOON + datetime.timedelta(minutes=5), TOKEN)
    assert (again.failures, again.found, again.new) == ((), MANY, 0)


def shrink(github: GitHubServer, count: int) -> None:
    github.repositories = {number: one for number, one in github.repositories.items() if number <= count}


def test_a_cycle_takes_few_calls_and_a_second_one_of_the_day_fewer(github, clock, tmp_path):
    lake = Lake(Layout(tmp_path))
    shrink(github, 1_200)
    calls = []
    for minutes in (0, 5):
        github.requests.clear()
        assert ask(github, clock, lake, NOON + datetime.timedelta(minutes=minutes), TOKEN).failures == ()
        calls.append(Counter(kind_of(request.path) for request in github.requests))
    assert calls[0]["graphql"] == 12
    assert calls[1]["graphql"] == 0
    assert calls[0]["search"] == calls[1]["search"] <= 30
    assert calls[1]["repos"] == 1
    assert github.limits["core"] - github.remaining["core"] == 1, "the unchanged one was confirmed for nothing"


def test_without_a_token_nobody_is_asked_for_what_a_search_told(github, clock, tmp_path):
    lake = Lake(Layout(tmp_path))
    shrink(github, 300)
    github.limits |= {"search": 10, "core": 60}
    github.remaining |= {"search": 10, "core": 60}
    report = ask(github, clock, lake, NOON, None)
    assert (report.failures, report.found, report.metrics_rows) == ((), 300, 300)
    assert {kind_of(request.path) for request in github.requests} == {"search", "repos"}
    watchers = lake.read(REPOSITORY_METRICS, NOON.date()).rows["watchers_count"]
    assert watchers.drop_nulls().to_list() == [3], "only who was asked for by name tells them; stars are none"


def kind_of(path: str) -> str:
    return path.split("/")[1]
