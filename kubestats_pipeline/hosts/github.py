"""One polite client of GitHub's REST API: time-outs, bounded retries, rate limits, paging links, redirects.

It knows no repository and no search; those who ask interpret the JSON with `github_payload.py`.
The token leaves this module only as a header of requests to the host of `github.api_url`.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Self

import httpx

from kubestats_pipeline.hosts.errors import (
    MisdirectedError,
    RateLimitedError,
    TransientError,
    UnavailableError,
    error_of,
)
from kubestats_pipeline.settings import GitHubSettings, SettingsError

ATTEMPTS = 4
"""Tries of one call, the first included."""

MAX_REDIRECTS = 5
API_VERSION = "2022-11-28"


@dataclass(frozen=True)
class Answer:
    """A decoded JSON answer, and the address of the next page where there is one."""

    content: object
    next_url: str | None


class GitHubClient:
    """A connection to one GitHub; use it in a `with` statement.

    `sleep` (seconds) and `clock` (epoch seconds) are arguments so that a test need not wait.

    Raises:
        SettingsError: the token cannot be one.
    """

    def __init__(
        self,
        settings: GitHubSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base = httpx.URL(settings.api_url.rstrip("/"))
        self._max_wait = settings.max_wait_seconds
        self._sleep = sleep
        self._clock = clock
        self._jitter = random.SystemRandom()
        self._http = httpx.Client(headers=request_headers(settings), timeout=settings.timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, address: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """Ask for a path below the API's URL, or for the URL of a next page.

        Rate limits are waited for up to `github.max_wait_seconds` a call, other transient failures a few seconds.

        Raises:
            PermanentError: GitHub says no.
            RateLimitedError: the limit ends later than we may wait.
            UnavailableError: no usable answer after all attempts.
        """
        url = self._locate(address, parameters)
        waited = 0.0
        for attempt in range(1, ATTEMPTS):
            try:
                return self._ask(url)
            except RateLimitedError as error:
                delay = error.delay(attempt)
                waited += delay
                if waited > self._max_wait:
                    raise
                self._sleep(delay)
            except TransientError:
                self.back_off(attempt)
        return self._ask(url)

    def back_off(self, attempt: int) -> None:
        """Wait before a retry: 1, 2, 4 … seconds and up to half as much again, so that clients do not march in step."""
        self._sleep(2.0 ** (attempt - 1) * self._jitter.uniform(1.0, 1.5))

    def _locate(self, address: str, parameters: Mapping[str, str] | None) -> httpx.URL:
        if not address.startswith("/"):
            return self._own(httpx.URL(address))
        url = httpx.URL(f"{self._base}{address}")
        return url.copy_merge_params(parameters) if parameters else url

    def _own(self, url: httpx.URL) -> httpx.URL:
        """Refuse to follow a link that leaves the API's host, port or scheme: the token would travel with it."""
        if (url.scheme, url.host, _port(url)) != (self._base.scheme, self._base.host, _port(self._base)):
            raise MisdirectedError(
                f"GitHub's answer points to {url.host}, not to {self._base.host}; check github.api_url"
            )
        return url

    def _ask(self, url: httpx.URL) -> Answer:
        response = self._request(url)
        for _ in range(MAX_REDIRECTS):
            if not response.has_redirect_location:
                return self._read(response)
            response = self._request(self._own(_join(response, response.headers["location"])))
        if response.has_redirect_location:
            raise MisdirectedError(f"{url.path} is redirected more than {MAX_REDIRECTS} times; check github.api_url")
        return self._read(response)

    def _request(self, url: httpx.URL) -> httpx.Response:
        try:
            return self._http.get(url)
        except httpx.RequestError as error:
            reason = f"no answer from {url.host} for {url.path} ({type(error).__name__})"
            raise UnavailableError(f"{reason}; check the network and github.api_url") from None

    def _read(self, response: httpx.Response) -> Answer:
        if not response.is_success:
            raise error_of(response, self._clock())
        try:
            content: object = response.json()
        except ValueError:
            raise UnavailableError(
                f"{response.request.url.path} answered with broken JSON; the next discovery asks again"
            ) from None
        return Answer(content, _next_url(response))


def request_headers(settings: GitHubSettings) -> dict[str, str]:
    """The headers of every request; the token's only where there is one.

    Raises:
        SettingsError: the token holds characters that no header can carry.
    """
    headers = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": API_VERSION,
        "User-Agent": f"kubestats/{version('kubestats-pipeline')}",
    }
    token = settings.token.get_secret_value().strip() if settings.token else ""
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingsError("github.token (or GITHUB_TOKEN): holds blanks, line breaks or letters that no token has")
    return headers | {"Authorization": f"Bearer {token}"} if token else headers


def _next_url(response: httpx.Response) -> str | None:
    link = response.links.get("next", {}).get("url")
    return str(_join(response, link)) if link else None


def _join(response: httpx.Response, link: str) -> httpx.URL:
    try:
        return response.url.join(link)
    except httpx.InvalidURL:
        raise MisdirectedError(
            f"{response.url.path} answered with a link that is no URL; check github.api_url"
        ) from None


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)
