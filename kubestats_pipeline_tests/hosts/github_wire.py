"""What the little GitHub and its routes share: a request, a reply, the usual faults, and the registry of routes.

A route module registers functions with `@route` and is named in `github_server.ROUTE_MODULES`. The server, which
knows tokens, limits, ETags and faults, stands in `github_server.py`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as it came in; `body` is the decoded JSON of a POST."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    method: str = "GET"
    body: Any = None


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; `body` is JSON unless it is bytes."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answering = Callable[..., Reply]
"""Called with the server, the request and the groups of the path's pattern."""


@dataclass(frozen=True)
class Route:
    """Which requests a function answers, and the rate bucket that they are taken from; None for a free one."""

    method: str
    pattern: re.Pattern[str]
    bucket: str | None
    answer: Answering


ROUTES: list[Route] = []


def route(method: str, pattern: str, *, bucket: str | None = "core") -> Callable[[Answering], Answering]:
    """Register a function `(github, request, *groups) -> Reply` for a method and the pattern of a whole path."""

    def register(answer: Answering) -> Answering:
        ROUTES.append(Route(method, re.compile(pattern), bucket, answer))
        return answer

    return register


def routes_to(path: str) -> Iterator[tuple[Route, tuple[str, ...]]]:
    """The routes whose pattern a path fits, each with the pattern's groups."""
    return ((each, match.groups()) for each in ROUTES if (match := each.pattern.fullmatch(path)))


NOT_FOUND = Reply(404, {"message": "Not Found"})
GONE = Reply(410, {"message": "Gone"})
TAKEN_DOWN = Reply(451, {"message": "Repository access blocked", "block": {"reason": "dmca"}})
BLOCKED = Reply(403, {"message": "Repository access blocked", "block": {"reason": "tos"}})
EMPTY = Reply(409, {"message": "Git Repository is empty."})


def invalid(message: str = "Validation Failed") -> Reply:
    """A question that GitHub does not accept."""
    return Reply(422, {"message": message})


def html(status: int) -> Reply:
    """A proxy's error page."""
    return Reply(status, b"<html><body><h1>Unicorn!</h1></body></html>", {"Content-Type": "text/html"})


def broken_json(status: int = 200) -> Reply:
    """An answer that was cut off."""
    return Reply(status, b'{"total_count": 1, "items": [{"id": ')


def rate_limited(reset: float, *, status: int = 403, resource: str = "core") -> Reply:
    """The primary limit is used up until `reset`, in epoch seconds."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(reset)), "x-ratelimit-resource": resource}
    return Reply(status, {"message": "API rate limit exceeded"}, headers)


def secondary_limit(retry_after: int | None = None, *, status: int = 403) -> Reply:
    """The secondary limit, with or without the time to wait."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(status, {"message": "You have exceeded a secondary rate limit."}, headers)
