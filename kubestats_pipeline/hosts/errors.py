"""Failures of calls to a code host: one type for each outcome, and the failures of plain HTTP statuses.

Permanent ones say something about the repository or the token and are not tried again. Transient ones say something
about the moment. `client.py` raises and retries them, a host's dialect adds what only it means by a status, discovery
turns them into `SourceFailure`. No text quotes a body or a header, because either may repeat a secret.
"""

import datetime

from kubestats_pipeline.hosts.messages import Host

SECONDARY_WAIT_SECONDS = 60.0
"""Least wait after a limit that names no time (GitHub REST documentation, "rate limits")."""


class HostError(Exception):
    """A call failed. The text says what was asked, what came back and what to do."""


class PermanentError(HostError):
    """Asking again gives the same answer."""


class UnauthorizedError(PermanentError):
    """The token is wrong or has expired (401)."""


class ForbiddenError(PermanentError):
    """The host refuses this repository or this token (403 without a rate limit)."""


class BlockedError(ForbiddenError):
    """The host has taken the repository's access away (403 with a `block` object)."""


class NotFoundError(PermanentError):
    """Deleted, never there, or private (404)."""


class GoneError(PermanentError):
    """Deleted for good (410)."""


class TakenDownError(GoneError):
    """Taken down for legal reasons (451)."""


class EmptyRepositoryError(PermanentError):
    """The repository has no commit yet (409)."""


class RejectedError(PermanentError):
    """The host does not accept the question (any other 4xx, or a query that it does not understand)."""


class MisdirectedError(PermanentError):
    """The answer points to another host, or in circles."""


class TooLargeError(PermanentError):
    """The answer is larger than asked for."""


class TransientError(HostError):
    """Asking again later may help."""


class UnavailableError(TransientError):
    """No connection, a server error, or an answer that is not JSON."""


class QueryTooComplexError(TransientError):
    """The host took too long over the query, or calls it too large. Ask for less at once."""


class RateLimitedError(TransientError):
    """A rate limit is used up.

    Attributes:
        bucket: the rate bucket that is empty. None where the limit holds for all of them.
        wait_seconds: how long the host asks to wait. None where it does not say.
    """

    def __init__(self, message: str, bucket: str | None, wait_seconds: float | None) -> None:
        super().__init__(message)
        self.bucket = bucket
        self.wait_seconds = wait_seconds

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the `attempt`-th refusal in a row, counted from 1."""
        return self.wait_seconds if self.wait_seconds is not None else SECONDARY_WAIT_SECONDS * 2 ** (attempt - 1)


_PERMANENT: dict[int, tuple[type[PermanentError], str]] = {
    401: (UnauthorizedError, "the token is wrong or has expired. Renew {token} or unset it"),
    403: (ForbiddenError, "{host} refuses it. Check what the token may read"),
    404: (NotFoundError, "it is deleted, private or misspelt. Correct or remove it"),
    410: (GoneError, "it is deleted. Remove it"),
    451: (TakenDownError, "it is taken down for legal reasons. Remove it"),
}


def failure_of_status(status: int, path: str, host: Host) -> HostError:
    """The failure that a status without success means at any host. `path` is what was asked for, without its query."""
    asked = f"{path} answered {status}"
    if status >= 500 or status == 408:
        return UnavailableError(f"{asked}: {host.name} is in trouble. The next discovery asks again")
    if status == 429:
        return rate_limited(path, None, None, None, host)
    kind, meaning = _PERMANENT.get(status, (RejectedError, "{host} does not accept the question"))
    return kind(f"{asked}: {meaning.format(host=host.name, token=host.token_name)}")


def rate_limited(
    path: str, bucket: str | None, wait: float | None, ends_at: float | None, host: Host
) -> RateLimitedError:
    """The failure of a call for which a rate bucket holds nothing, in one wording before and after it is sent.

    Args:
        path: what was asked for.
        bucket: which one is empty. None for a limit that holds for all.
        wait: seconds until it is full again. None where the host does not say.
        ends_at: the same moment in epoch seconds.
        host: gives the remedy its names.
    """
    end = "a while" if ends_at is None else f"{datetime.datetime.fromtimestamp(ends_at, datetime.UTC):%Y-%m-%d %X} UTC"
    remedy = f"Wait, set {host.token_name} for a higher limit, or raise {host.section}.max_wait_seconds"
    name = bucket or "secondary"
    return RateLimitedError(f"{path}: the {name} rate limit is used up until {end}. {remedy}", bucket, wait)
