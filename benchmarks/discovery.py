"""Calls of a discovery to GitHub, by rate bucket: the first one of a day, a later one, and one without a token.

GitHub is the strict server of the tests, on loopback and in the measured process. So its CPU time is included, and the
calls are the result that counts.
"""

import datetime
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.measure import Runs, measure
from benchmarks.report import Goal, Line, at_most
from kubestats_pipeline.discover.configured import sources_from, witnesses_from
from kubestats_pipeline.discover.discover import discover
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.settings import load_settings

GROUP = "discovery"
TOKEN = "ghp_0123456789abcdef"  # noqa: S105 - of the server on loopback
NOON = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
FIVE_MINUTES = datetime.timedelta(minutes=5)
OLDEST = datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC)

Calls = dict[str, int]
"""Numbers of requests by rate bucket."""


def discovery_lines(count: int, folder: Path) -> Iterator[Line]:
    """The calls of a first and of a second discovery of a day, and of one without a token."""
    with_token = measure(discover_twice, count, folder / "token", TOKEN)
    without = measure(discover_twice, count, folder / "anonymous", None)
    cases = (
        ("first of a day", with_token.value[0], with_token.cost, count // 40),
        ("later that day", with_token.value[1], with_token.cost, count // 60),
        ("without a token", without.value[0], without.cost, count // 60),
    )
    for what, calls, cost, most in cases:
        told = ", ".join(f"{bucket} {number}" for bucket, number in sorted(calls.items()))
        yield Line(GROUP, f"{count} repositories, {what}: calls {told}", Runs((cost,)), None, (_goal(calls, most),))


def discover_twice(count: int, folder: Path, token: str | None) -> tuple[Calls, Calls]:
    """Two discoveries five minutes apart.

    Raises:
        RuntimeError: not all repositories were found, so that less than a discovery was counted.
    """
    with _github(count) as github:
        settings = load_settings(
            data_dir=folder, github={"api_url": github.url, "token": token, "topics": ["kubesearch"]}
        )
        lake = Lake(Layout(folder))
        made = []
        for now in (NOON, NOON + FIVE_MINUTES):
            github.requests.clear()
            report = discover(lake, sources_from(settings), now, witnesses=witnesses_from(settings), max_mb=200)
            if report.failures or report.found != count:
                raise RuntimeError(f"{report.found} of {count} repositories were found: {report.failures[:1]}")
            made.append(dict(Counter(_bucket(request.path) for request in github.requests)))
    return made[0], made[1]


def _github(count: int) -> Any:
    """The server of the tests, which is not part of the package, with repositories of all ages and sizes."""
    server = import_module("kubestats_pipeline_tests.hosts.github_server").GitHubServer()
    server.tokens = {TOKEN}
    for number in range(1, count + 1):
        created = OLDEST + datetime.timedelta(hours=number * 17)
        facts = {"created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}", "stargazers_count": number * 7919 % 4999}
        server.add(f"owner{number % 50}/cluster{number}", number=number, topics=("kubesearch",), **facts)
    return server


def _bucket(path: str) -> str:
    first = path.split("/")[1]
    return first if first in ("search", "graphql") else "core"


def _goal(calls: Calls, most: float) -> Goal:
    return at_most(sum(calls.values()), most, "calls")
