"""Threads that share one client: one request at a time in each rate bucket; a limit that one meets holds for all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.repositories import KnownName, get_repository_by_id, read_facts
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline_tests.hosts.github_server import GitHubServer, secondary_limit

TOKEN = "ghp_0123456789abcdef"
THREADS = 8
SEARCH = {"q": "topic:kubesearch"}


@pytest.fixture
def github():
    with GitHubServer() as server:
        server.tokens = {TOKEN}
        server.latency = 0.01
        for number in range(1, THREADS + 1):
            server.add(f"ada/cluster-{number}", number=number, topics=("kubesearch",))
        yield server


def at_once(github: GitHubServer, *works: Callable[[GitHubClient, int], object]) -> list[float]:
    """Let every thread do every work, with one client; gives what was slept."""
    naps: list[float] = []
    clock = iter(range(1_750_000_000, 1_760_000_000))  # a second a look, so that no closure lasts for ever
    settings = GitHubSettings(api_url=github.url, token=TOKEN, max_wait_seconds=7200)
    with (
        GitHubClient(settings, sleep=naps.append, clock=lambda: float(next(clock))) as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        jobs = [pool.submit(work, client, number) for number in range(1, THREADS + 1) for work in works]
        for job in jobs:
            job.result(30)
    return naps


def look_up(client: GitHubClient, number: int) -> None:
    assert get_repository_by_id(client, number).id == number


def search(client: GitHubClient, number: int) -> None:
    assert client.get("/search/repositories", SEARCH).content["total_count"] == THREADS


def query(client: GitHubClient, number: int) -> None:
    assert len(read_facts(client, [KnownName(number, f"ada/cluster-{number}")]).found) == 1


def test_each_bucket_sees_one_request_at_a_time_whoever_asks(github):
    at_once(github, look_up, search, query)
    assert dict(github.most_in_flight) == {"core": 1, "search": 1, "graphql": 1}
    assert len(github.requests) == 3 * THREADS


def test_a_secondary_limit_that_one_thread_meets_stops_all_buckets_and_then_all_go_on(github):
    github.fail("/repositories/1", secondary_limit(30))
    naps = at_once(github, look_up, search)
    assert any(nap > 0 for nap in naps)
    assert len(github.requests) == 2 * THREADS + 1
