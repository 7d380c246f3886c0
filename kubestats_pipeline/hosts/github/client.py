"""GitHub's dialect of the client: headers, rate buckets, what its failures mean, and its GraphQL API.

The calls themselves are made by `client.py`. No repository is known here. Payloads are read by those who ask.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from kubestats_pipeline.hosts.client import HostClient
from kubestats_pipeline.hosts.errors import (
    BlockedError,
    EmptyRepositoryError,
    HostError,
    QueryTooComplexError,
    RateLimitedError,
    rate_limited,
)
from kubestats_pipeline.hosts.github.graphql import QueryAnswer, read_query_answer
from kubestats_pipeline.hosts.limits import Rate
from kubestats_pipeline.hosts.messages import Call, Host, Response
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline.settings import SettingsError

API_VERSION = "2022-11-28"

ENTERPRISE_PATH = "/api/v3"
"""Where GitHub Enterprise Server has its REST API. Its GraphQL API lies beside it."""

TOO_SLOW = (502, 504)
"""How the GraphQL API ends a query that took more than ten seconds (GitHub GraphQL documentation, "timeouts")."""

LONGEST_WAIT = 86_400.0
"""Longest wait that is believed. No GitHub limit lasts longer than an hour."""


class GitHubClient(HostClient):
    """A connection to one GitHub.

    Raises:
        SettingsError: the token cannot be one.
    """

    def __init__(
        self,
        settings: GitHubSettings,
        *,
        folder: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        host = Host(
            name="GitHub",
            section="github",
            token_name="GITHUB_TOKEN (github.token)",  # noqa: S106 — what it is called, not what it is
            api_url=settings.api_url,
            headers=request_headers(settings),
            timeout_seconds=settings.timeout_seconds,
            max_wait_seconds=settings.max_wait_seconds,
        )
        super().__init__(host, folder=folder, sleep=sleep, clock=clock)

    @property
    def has_token(self) -> bool:
        """True if calls are made in somebody's name. The GraphQL API takes no others."""
        return "Authorization" in self.host.headers

    def query(self, text: str, variables: Mapping[str, object]) -> QueryAnswer:
        """Ask the GraphQL API. It may answer a part of the query and say what is wrong with the rest.

        Raises:
            QueryTooComplexError: it took too long or asks for too much. Not retried, because it would fail again.
            RejectedError: the query is wrong.
            HostError: as `get` does.
        """
        body = {"query": text, "variables": dict(variables)}
        return self.call(Call(self._graphql_url(), {}, body=body), read_query_answer)

    def bucket_of(self, url: httpx.URL) -> str:
        """GitHub counts searches and GraphQL queries apart. Asking for the limits is free."""
        path = url.path.removeprefix(self._base.path.rstrip("/"))
        if url == self._graphql_url():
            return "graphql"
        return {"search": "search", "rate_limit": "rate_limit"}.get(path.split("/")[1], "core")

    def is_confirmable(self, url: httpx.URL) -> bool:
        """GitHub does not honour ETags of searches."""
        return self.bucket_of(url) == "core"

    def rate_of(self, response: Response) -> Rate | None:
        """The three headers that every answer has."""
        bucket = response.headers.get("x-ratelimit-resource", "")
        remaining = response.headers.get("x-ratelimit-remaining", "")
        reset = response.headers.get("x-ratelimit-reset", "")
        if not (bucket and remaining.isdecimal() and reset.isdecimal()):
            return None
        # a second more: the reset time is rounded down
        return Rate(bucket, int(remaining), min(float(reset) + 1, self.clock() + LONGEST_WAIT))

    def failure_of(self, response: Response) -> HostError:
        """A 403 can mean three failures, a 409 one, and a 502 of GraphQL one of its own."""
        asked = f"{response.url.path} answered {response.status}"
        if response.status in (403, 429) and _is_rate_limit(response):
            return self._rate_limit(response)
        if response.status == 403 and isinstance(response.json_object().get("block"), dict):
            return BlockedError(f"{asked}: GitHub has blocked access to it. Remove it")
        if response.status == 409:
            return EmptyRepositoryError(f"{asked}: the repository holds no commit yet. Nothing is to be done")
        if response.status in TOO_SLOW and self.bucket_of(response.url) == "graphql":
            return QueryTooComplexError(f"{asked}: the query took GitHub too long. Ask for less at once")
        return super().failure_of(response)

    def _rate_limit(self, response: Response) -> RateLimitedError:
        wait = self._wait_seconds(response)
        is_primary = response.headers.get("x-ratelimit-remaining") == "0"
        bucket = response.headers.get("x-ratelimit-resource") if is_primary else None
        ends_at = None if wait is None else self.clock() + wait
        return rate_limited(response.url.path, bucket, wait, ends_at, self.host)

    def _wait_seconds(self, response: Response) -> float | None:
        """GitHub's order: `retry-after` (seconds), else the reset time (epoch seconds) of an exhausted limit."""
        retry_after = response.headers.get("retry-after", "")
        if retry_after.isdecimal():
            return min(float(retry_after), LONGEST_WAIT)
        reset = response.headers.get("x-ratelimit-reset", "")
        if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
            return min(max(float(reset) - self.clock(), 0.0) + 1.0, LONGEST_WAIT)
        return None

    def _graphql_url(self) -> httpx.URL:
        path = self._base.path.rstrip("/")
        is_enterprise = path.endswith(ENTERPRISE_PATH)
        return self._base.copy_with(path=(path.removesuffix("/v3") if is_enterprise else path) + "/graphql")


def request_headers(settings: GitHubSettings) -> dict[str, str]:
    """The headers of every request. The token's only where there is one.

    Raises:
        SettingsError: the token holds characters that no header can carry.
    """
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
    token = settings.token.get_secret_value().strip() if settings.token else ""
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingsError("github.token (or GITHUB_TOKEN): holds blanks, line breaks or letters that no token has")
    return headers | {"Authorization": f"Bearer {token}"} if token else headers


def _is_rate_limit(response: Response) -> bool:
    if response.status == 429 or "retry-after" in response.headers:
        return True
    message = str(response.json_object().get("message", "")).lower()
    return response.headers.get("x-ratelimit-remaining") == "0" or "rate limit" in message
