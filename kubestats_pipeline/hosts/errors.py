"""How a call to GitHub can fail, and how an answer is told to be one of these failures.

Permanent ones say something about the repository or the token and are not tried again; transient ones say something
about the moment. `github.py` raises and retries them, discovery turns them into `SourceFailure`. No text quotes a
body or a header, for either may repeat a secret.
"""

import datetime

import httpx

SECONDARY_WAIT_SECONDS = 60.0
"""GitHub's least wait after a secondary limit that names no time (docs: rate limits for the REST API)."""


class GitHubError(Exception):
    """A call failed; the text says what was asked, what came back and what to do."""


class PermanentError(GitHubError):
    """Asking again gives the same answer."""


class UnauthorizedError(PermanentError):
    """The token is wrong or has expired (401)."""


class ForbiddenError(PermanentError):
    """GitHub refuses this repository or this token (403 that is no rate limit)."""


class BlockedError(ForbiddenError):
    """GitHub has taken the repository's access away (403 with a `block` object)."""


class NotFoundError(PermanentError):
    """Deleted, never there, or private (404)."""


class GoneError(PermanentError):
    """Deleted for good (410) or taken down for legal reasons (451)."""


class RejectedError(PermanentError):
    """GitHub does not accept the question (any other 4xx)."""


class MisdirectedError(PermanentError):
    """The answer points to another host, or in circles."""


class TransientError(GitHubError):
    """Asking again later may help."""


class UnavailableError(TransientError):
    """No connection, a server error, or an answer that is no JSON."""


class RateLimitedError(TransientError):
    """A rate limit is used up.

    Attributes:
        wait_seconds: how long GitHub asks to wait; None where it does not say.
    """

    def __init__(self, message: str, wait_seconds: float | None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the `attempt`-th refusal in a row, counted from 1."""
        return self.wait_seconds if self.wait_seconds is not None else SECONDARY_WAIT_SECONDS * 2 ** (attempt - 1)


_PERMANENT: dict[int, tuple[type[PermanentError], str]] = {
    401: (UnauthorizedError, "the token is wrong or has expired; renew GITHUB_TOKEN (github.token) or unset it"),
    403: (ForbiddenError, "GitHub refuses it; check what the token may read"),
    404: (NotFoundError, "it is deleted, private or misspelt; correct or remove it"),
    410: (GoneError, "it is deleted; remove it"),
    451: (GoneError, "it is taken down for legal reasons; remove it"),
}


def error_of(response: httpx.Response, now: float) -> GitHubError:
    """The failure that a response without success stands for; `now` is in epoch seconds."""
    asked = f"{response.request.url.path} answered {response.status_code}"
    if response.status_code in (403, 429) and _is_rate_limit(response):
        return _rate_limited(response, now)
    if response.status_code == 403 and isinstance(_body(response).get("block"), dict):
        return BlockedError(f"{asked}: GitHub has blocked access to it; remove it")
    if response.status_code >= 500 or response.status_code == 408:
        return UnavailableError(f"{asked}: GitHub is in trouble; the next discovery asks again")
    kind, meaning = _PERMANENT.get(response.status_code, (RejectedError, "GitHub does not accept the question"))
    return kind(f"{asked}: {meaning}")


def _is_rate_limit(response: httpx.Response) -> bool:
    if response.status_code == 429 or "retry-after" in response.headers:
        return True
    message = str(_body(response).get("message", "")).lower()
    return response.headers.get("x-ratelimit-remaining") == "0" or "rate limit" in message


def _rate_limited(response: httpx.Response, now: float) -> RateLimitedError:
    wait = _wait_seconds(response, now)
    bucket = response.headers.get("x-ratelimit-resource", "secondary")
    end = (
        "a while"
        if wait is None
        else f"{datetime.datetime.fromtimestamp(now + wait, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
    )
    remedy = "wait, set GITHUB_TOKEN for a higher limit, or raise github.max_wait_seconds"
    return RateLimitedError(
        f"{response.request.url.path}: the {bucket} rate limit is used up until {end}; {remedy}", wait
    )


def _wait_seconds(response: httpx.Response, now: float) -> float | None:
    """GitHub's order: `retry-after` (seconds), else the reset time (epoch seconds) of an exhausted limit."""
    retry_after = response.headers.get("retry-after", "")
    if retry_after.isdecimal():
        return min(float(retry_after), _LONGEST)
    reset = response.headers.get("x-ratelimit-reset", "")
    if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return min(max(float(reset) - now, 0.0) + 1.0, _LONGEST)  # a second more: the reset time is rounded down
    return None


_LONGEST = 86_400.0
"""Longest wait that is believed; no GitHub limit lasts longer than an hour."""


def _body(response: httpx.Response) -> dict[str, object]:
    """The error's JSON object; empty where the body is none, for a proxy's HTML says nothing."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
