"""One polite client of a code host's API: time-outs, bounded retries, rate limits, ETags, links, redirects.

It knows no host: a subclass is a host's dialect (`github/client.py`) and says which rate bucket a path is taken from,
what the headers say about it and what a failure means. It knows no repository either. Those who ask interpret the
JSON. Headers, and so the token, go to the host of the API's URL only. One client may be used by several threads.
"""

import datetime
import json
import random
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from kubestats_pipeline.hosts.errors import (
    HostError,
    MisdirectedError,
    RateLimitedError,
    TooLargeError,
    UnavailableError,
    failure_of_status,
    rate_limited,
)
from kubestats_pipeline.hosts.etags import CachedAnswer, EtagStore
from kubestats_pipeline.hosts.limits import Closure, Rate, RateBuckets
from kubestats_pipeline.hosts.messages import Answer, Call, Host, RawAnswer, Response

ATTEMPTS = 4
"""Tries of one call, the first included."""

MAX_REDIRECTS = 5
MAX_FAILURE_BYTES = 1_000_000
"""Most bytes read of an answer without success, whatever the call's own limit is."""

T = TypeVar("T")


class HostClient:
    """A connection to one host. Use it in a `with` statement.

    Args:
        host: how it is reached.
        folder: where answers are remembered so that the host can confirm them. None remembers nothing.
        sleep: waits so many seconds. An argument, as `clock` (epoch seconds), so that a test need not wait.
    """

    def __init__(
        self,
        host: Host,
        *,
        folder: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.host = host
        self.clock = clock
        self._base = httpx.URL(host.api_url.rstrip("/"))
        self._headers = {"User-Agent": f"kubestats/{version('kubestats-pipeline')}", **host.headers}
        self._store = EtagStore(folder) if folder else None
        self._sleep = sleep
        self._buckets = RateBuckets()
        self._jitter = random.SystemRandom()
        self._http = httpx.Client(headers=self._headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        if self._store:
            self._store.prune()

    def bucket_of(self, url: httpx.URL) -> str:
        """The rate bucket that a call is taken from."""
        return "core"

    def is_confirmable(self, url: httpx.URL) -> bool:
        """True if the host can confirm an answer from there instead of repeating it."""
        return True

    def rate_of(self, response: Response) -> Rate | None:
        """The state of a rate bucket that the headers give."""
        return None

    def failure_of(self, response: Response) -> HostError:
        """The failure that an answer without success means."""
        return failure_of_status(response.status, response.url.path, self.host)

    def now(self) -> datetime.datetime:
        """The clock's time, aware."""
        return datetime.datetime.fromtimestamp(self.clock(), datetime.UTC)

    def get(
        self,
        address: str,
        parameters: Mapping[str, str] | None = None,
        *,
        accept: str | None = None,
        remember: bool = True,
    ) -> Answer:
        """Ask for a path below the API's URL, or for the URL of a next page.

        Rate limits are waited for up to `max_wait_seconds` a call, other transient failures a few seconds. One try
        takes `timeout_seconds` at most. `remember` keeps the answer on disk for its confirmation.

        Raises:
            PermanentError: the host says no.
            RateLimitedError: the limit ends later than we may wait.
            UnavailableError: no usable answer after all attempts.
        """
        url = self.locate(address, parameters)
        call = Call(url, {"Accept": accept} if accept else {}, remember and self.is_confirmable(url))
        return self.call(call, _decode)

    def get_bytes(self, address: str, *, accept: str, limit_bytes: int, remember: bool = False) -> bytes:
        """Ask for a body as it is. Waits and errors are those of `get`.

        Raises:
            TooLargeError: it has more than `limit_bytes`. Not much more than those were read.
        """
        url = self.locate(address)
        call = Call(url, {"Accept": accept}, remember and self.is_confirmable(url), limit_bytes)
        return self.call(call, lambda call, answer: answer).body

    def back_off(self, attempt: int) -> None:
        """Wait before a retry: 1, 2, 4 … seconds and up to half as much again, so that clients do not march in step."""
        self._sleep(2.0 ** (attempt - 1) * self._jitter.uniform(1.0, 1.5))

    def locate(self, address: str, parameters: Mapping[str, str] | None = None) -> httpx.URL:
        """The URL of a path below the API's, or that of a next page.

        Raises:
            MisdirectedError: it leaves the host.
        """
        if not address.startswith("/"):
            return self._own(httpx.URL(address))
        url = httpx.URL(f"{self._base}{address}")
        return url.copy_merge_params(parameters) if parameters else url

    def call(self, call: Call, read: Callable[[Call, RawAnswer], T]) -> T:
        """Make a call with its retries. `read` interprets the answer, and its transient failures are retried too.

        Raises:
            HostError: as `get` does.
        """
        patience = _Patience(self.host.max_wait_seconds)
        for attempt in range(1, ATTEMPTS):
            try:
                return self._take_turn(call, read, patience, attempt)
            except RateLimitedError:
                if patience.is_over:
                    raise
            except UnavailableError:
                self.back_off(attempt)
        return self._take_turn(call, read, patience, ATTEMPTS)

    def _take_turn(self, call: Call, read: Callable[[Call, RawAnswer], T], patience: "_Patience", attempt: int) -> T:
        """Send when no other call of the bucket is in flight, and no sooner than the host takes it."""
        bucket = self.bucket_of(call.url)
        while True:
            with self._buckets.turn(bucket):
                closure = self._buckets.closure(bucket, self.clock())
                if closure is None:
                    return self._ask(call, read, bucket, attempt)
            self._wait_for(closure, call, patience)

    def _ask(self, call: Call, read: Callable[[Call, RawAnswer], T], bucket: str, attempt: int) -> T:
        try:
            return self._exchange(call, read)
        except RateLimitedError as error:
            self._buckets.close(bucket if error.bucket else None, self.clock() + error.delay(attempt))
            raise

    def _wait_for(self, closure: Closure, call: Call, patience: "_Patience") -> None:
        wait = max(closure.until - self.clock(), 0.0)
        if not patience.covers(wait):
            raise rate_limited(call.url.path, closure.bucket, wait, closure.until, self.host)
        self._sleep(wait)
        self._buckets.forget(closure)

    def _exchange(self, call: Call, read: Callable[[Call, RawAnswer], T]) -> T:
        """One try: send, follow redirects, read, remember."""
        url, deadline = call.url, time.monotonic() + self.host.timeout_seconds
        for _ in range(MAX_REDIRECTS + 1):
            known = self._recall(call, url)
            response = self._send(call, url, known, deadline)
            if response.redirect is None:
                answer = self._answer(call, response, known)
                content = read(call, answer)
                self._remember(call, response, answer)
                return content
            url = self._own(_join(response.url, response.redirect, self.host))
        raise MisdirectedError(
            f"{call.url.path} is redirected more than {MAX_REDIRECTS} times. Check {self.host.section}.api_url"
        )

    def _answer(self, call: Call, response: Response, known: CachedAnswer | None) -> RawAnswer:
        if known and response.status == 304:
            return RawAnswer(known.body, known.next_url, True, response.headers)
        if not response.is_success:
            raise self.failure_of(response)
        if len(response.body) > call.limit_bytes:
            raise TooLargeError(f"{call.url.path} has more than {call.limit_bytes} bytes. It was left out")
        link = response.next_link
        next_url = str(_join(response.url, link, self.host)) if link else None
        return RawAnswer(response.body, next_url, False, response.headers)

    def _send(self, call: Call, url: httpx.URL, known: CachedAnswer | None, deadline: float) -> Response:
        headers = {**call.headers, "If-None-Match": known.etag} if known else call.headers
        method, left = "POST" if call.body is not None else "GET", max(deadline - time.monotonic(), 0.001)
        try:
            with self._http.stream(method, url, headers=headers, json=call.body, timeout=left) as raw:
                limit = call.limit_bytes if raw.is_success else MAX_FAILURE_BYTES
                response = Response(raw.url, raw.status_code, raw.headers, self._read_body(raw, limit, deadline))
        except httpx.RequestError as error:
            reason = f"no answer from {url.host} for {url.path} ({type(error).__name__})"
            raise UnavailableError(f"{reason}. Check the network and {self.host.section}.api_url") from None
        rate = self.rate_of(response)
        if rate:
            self._buckets.note(rate)
        return response

    def _read_body(self, raw: httpx.Response, limit: int, deadline: float) -> bytes:
        """The body, or its beginning where it passes the limit. Httpx bounds each read only, which a trickle passes."""
        body = bytearray()
        for chunk in raw.iter_bytes():
            body += chunk
            if len(body) > limit:
                break
            if time.monotonic() > deadline:
                took = f"{raw.url.path} was not answered within {self.host.timeout_seconds:g} s"
                raise UnavailableError(f"{took}. Check the network or raise {self.host.section}.timeout_seconds")
        return bytes(body)

    def _recall(self, call: Call, url: httpx.URL) -> CachedAnswer | None:
        if not (self._store and call.is_remembered):
            return None
        return self._store.read(str(url), {**self._headers, **call.headers})

    def _remember(self, call: Call, response: Response, answer: RawAnswer) -> None:
        etag = response.headers.get("etag")
        if self._store and call.is_remembered and etag and not answer.is_unchanged:
            entry = CachedAnswer(etag, answer.next_url, answer.body)
            self._store.write(str(response.url), {**self._headers, **call.headers}, entry)

    def _own(self, url: httpx.URL) -> httpx.URL:
        """Refuse to follow a link that leaves the API's host, port or scheme: the token would travel with it."""
        if (url.scheme, url.host, _port(url)) != (self._base.scheme, self._base.host, _port(self._base)):
            here, setting = self._base.host, f"{self.host.section}.api_url"
            raise MisdirectedError(f"{self.host.name}'s answer points to {url.host}, not to {here}. Check {setting}")
        return url


class _Patience:
    """The seconds that one call may still wait for rate limits."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.is_over = False

    def covers(self, wait: float) -> bool:
        """Take a wait from what is left. No wait begins that would not end in time."""
        self._seconds -= wait
        self.is_over = self._seconds < 0
        return not self.is_over


def _decode(call: Call, answer: RawAnswer) -> Answer:
    try:
        content: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise UnavailableError(f"{call.url.path} answered with broken JSON. The next discovery asks again") from None
    return Answer(content, answer.next_url, answer.is_unchanged, answer.headers)


def _join(url: httpx.URL, link: str, host: Host) -> httpx.URL:
    try:
        return url.join(link)
    except httpx.InvalidURL:
        raise MisdirectedError(
            f"{url.path} answered with a link that is not a URL. Check {host.section}.api_url"
        ) from None


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)
