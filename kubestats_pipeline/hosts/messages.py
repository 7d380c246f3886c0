"""Records of what goes to a code host and comes back: the host itself, a call, its raw response, its answer.

`client.py` makes the calls. The dialects read responses. Everybody else sees answers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

MAX_ANSWER_BYTES = 64_000_000
"""Largest JSON answer that is read. GitHub's largest, a recursive tree, ends at 7 MB."""


@dataclass(frozen=True)
class Host:
    """How a host is reached and what it is called in messages.

    Attributes:
        name: for people.
        section: the settings' section, which has `api_url`, `timeout_seconds` and `max_wait_seconds`.
        token_name: the settings that hold its token.
        api_url: what all paths are below.
        headers: of every request, the token's included. Never shown.
        timeout_seconds: for one try of a call, from connecting to the last byte.
        max_wait_seconds: all waits for rate limits during one call.
    """

    name: str
    section: str
    token_name: str
    api_url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout_seconds: float
    max_wait_seconds: float


@dataclass(frozen=True)
class Call:
    """One question: where, how, and what to do with the answer.

    Attributes:
        headers: beside those of every request.
        is_remembered: the answer is kept on disk, for the host to confirm it the next time.
        limit_bytes: of the answer's body.
        body: what is posted as JSON. None for a GET.
    """

    url: httpx.URL
    headers: Mapping[str, str]
    is_remembered: bool = False
    limit_bytes: int = MAX_ANSWER_BYTES
    body: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Response:
    """One HTTP answer as it came, for the dialects."""

    url: httpx.URL
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        """True if it answers the question."""
        return 200 <= self.status < 300

    @property
    def redirect(self) -> str | None:
        """Where it sends the caller."""
        location: str | None = self.headers.get("location")
        return location if self.status in (301, 302, 303, 307, 308) else None

    @property
    def next_link(self) -> str | None:
        """The link to the next page as the headers give it."""
        return httpx.Response(self.status, headers=self.headers).links.get("next", {}).get("url")

    def json_object(self) -> dict[str, object]:
        """The JSON object of the body, or an empty one for any other body, such as the HTML of a proxy."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}


@dataclass(frozen=True)
class RawAnswer:
    """A body as it came, or as it came earlier and was confirmed now.

    Attributes:
        next_url: the address of the next page, where there is one.
        is_unchanged: the host confirmed what it had answered before (304).
        headers: of the answer that came now.
    """

    body: bytes
    next_url: str | None
    is_unchanged: bool
    headers: httpx.Headers


@dataclass(frozen=True)
class Answer:
    """A decoded JSON answer. The other fields are those of `RawAnswer`."""

    content: object
    next_url: str | None
    is_unchanged: bool = False
    headers: httpx.Headers = field(default_factory=httpx.Headers)
