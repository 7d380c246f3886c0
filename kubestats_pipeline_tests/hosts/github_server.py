"""A strict little GitHub on loopback, for tests of everything that talks to GitHub.

It serves topic search with paging links, single repositories by name and by id, the redirect of a renamed repository,
and rate limits; it insists on what the real one insists on (User-Agent, a known token, no unknown parameters, at most
1,000 search results). Faults are queued ahead and served once each. It is in-process: `with GitHubServer() as github:`.
A new route is one method and one line in `ROUTES`.
"""

import contextlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

REACHABLE = 1000
SEARCH_PARAMETERS = {"q", "sort", "order", "per_page", "page"}


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; `body` is JSON unless it is bytes."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


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


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class GitHubServer:
    """The state of the little GitHub: its repositories, the faults to come, and the requests that it got.

    Attributes:
        tokens: the tokens that it accepts; requests without one are anonymous.
        remaining: requests left in each rate bucket; at none it answers as GitHub does.
        reset: when the buckets fill again, in epoch seconds, as it says in its headers.
        incomplete_answers: how many search answers to come are called incomplete.
        total_count: what a search says to have found in all; None for the truth.
        next_link: replaces the address of every next page; None for the right one.
    """

    def __init__(self, *, largest_page: int = 100) -> None:
        self.largest_page = largest_page
        self.tokens: set[str] = set()
        self.requests: list[Request] = []
        self.remaining = {"core": 5000, "search": 5000}
        self.reset = 2_000_000_000
        self.incomplete_answers = 0
        self.total_count: int | None = None
        self.next_link: str | None = None
        self._repositories: dict[int, dict[str, Any]] = {}
        self._old_names: dict[str, int] = {}
        self._faults: dict[str, list[Reply]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, full_name: str, *, number: int, topics: tuple[str, ...] = (), **facts: Any) -> None:
        """Create a repository; `facts` replace what GitHub would say of it."""
        self._repositories[number] = _repository(full_name, number, topics) | facts

    def remove(self, number: int) -> None:
        """Delete a repository."""
        del self._repositories[number]

    def rename(self, number: int, full_name: str) -> None:
        """Give a repository another name; the old one redirects to its id."""
        repository = self._repositories[number]
        self._old_names[repository["full_name"]] = number
        fresh = _repository(full_name, number, ())
        self._repositories[number] = repository | {name: fresh[name] for name in ("full_name", "name", "html_url")}

    def fail(self, path: str, *replies: Reply) -> None:
        """Serve these, in order and once each, to the next requests for a path."""
        self._faults.setdefault(path, []).extend(replies)

    def answer(self, request: Request) -> Reply:
        """What GitHub answers."""
        self.requests.append(request)
        if not request.headers.get("user-agent"):
            return Reply(
                403, {"message": "Request forbidden by administrative rules. Please make sure it has a User-Agent"}
            )
        if not self._knows_sender(request):
            return Reply(401, {"message": "Bad credentials"})
        if self._faults.get(request.path):
            return self._faults[request.path].pop(0)
        return self._within_limit(request)

    def _within_limit(self, request: Request) -> Reply:
        bucket = "search" if request.path.startswith("/search/") else "core"
        if self.remaining[bucket] == 0:
            return rate_limited(self.reset, resource=bucket)
        self.remaining[bucket] -= 1
        reply = self._route(request)
        rate = {"remaining": str(self.remaining[bucket]), "reset": str(self.reset), "resource": bucket}
        headers = {f"x-ratelimit-{name}": value for name, value in rate.items()}
        return Reply(reply.status, reply.body, {**headers, **reply.headers})

    def _route(self, request: Request) -> Reply:
        for pattern, name in ROUTES:
            if match := pattern.fullmatch(request.path):
                return getattr(self, name)(request, *match.groups())
        return Reply(404, {"message": "Not Found"})

    def _knows_sender(self, request: Request) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return not kind or (kind == "Bearer" and token in self.tokens)

    def search(self, request: Request) -> Reply:
        unknown = set(request.query) - SEARCH_PARAMETERS
        topic = re.fullmatch(r"topic:([a-z0-9-]+)", request.query.get("q", ""))
        if unknown or not topic:
            return Reply(422, {"message": "Validation Failed"})
        per_page = min(int(request.query.get("per_page", "30")), 100, self.largest_page)
        page = int(request.query.get("page", "1"))
        if per_page * (page - 1) >= REACHABLE:
            return Reply(422, {"message": "Only the first 1000 search results are available"})
        hits = sorted(self._hits(topic[1]), key=lambda one: (-one["stargazers_count"], one["id"]))
        items = hits[:REACHABLE][per_page * (page - 1) : per_page * page]
        has_next = per_page * page < min(len(hits), REACHABLE)
        return Reply(200, self._search_body(hits, items), self._link(request, page) if has_next else {})

    def _hits(self, topic: str) -> Iterator[dict[str, Any]]:
        return (one for one in self._repositories.values() if topic in one["topics"] and not one["fork"])

    def _search_body(self, hits: list[dict[str, Any]], items: list[dict[str, Any]]) -> dict[str, Any]:
        incomplete, self.incomplete_answers = self.incomplete_answers > 0, max(self.incomplete_answers - 1, 0)
        told = [{name: fact for name, fact in one.items() if name != "subscribers_count"} for one in items]
        total = len(hits) if self.total_count is None else self.total_count
        return {"total_count": total, "incomplete_results": incomplete, "items": told}

    def _link(self, request: Request, page: int) -> dict[str, str]:
        query = urlencode({**request.query, "page": str(page + 1)})
        following = self.next_link or f"{self.url}{request.path}?{query}"
        return {"Link": f'<{self.url}{request.path}?page=1>; rel="first", <{following}>; rel="next"'}

    def by_name(self, request: Request, full_name: str) -> Reply:
        for repository in self._repositories.values():
            if repository["full_name"].lower() == full_name.lower():
                return Reply(200, repository)
        number = self._old_names.get(full_name)
        if number in self._repositories:
            return Reply(301, {"message": "Moved Permanently"}, {"Location": f"{self.url}/repositories/{number}"})
        return Reply(404, {"message": "Not Found"})

    def by_id(self, request: Request, number: str) -> Reply:
        repository = self._repositories.get(int(number))
        return Reply(200, repository) if repository else Reply(404, {"message": "Not Found"})


ROUTES = (
    (re.compile(r"/search/repositories"), "search"),
    (re.compile(r"/repos/([^/]+/[^/]+)"), "by_name"),
    (re.compile(r"/repositories/(\d+)"), "by_id"),
)
"""Path pattern and the method that answers it with the pattern's groups."""


def _repository(full_name: str, number: int, topics: tuple[str, ...]) -> dict[str, Any]:
    owner, name = full_name.split("/")
    return {
        "id": number,
        "name": name,
        "full_name": full_name,
        "private": False,
        "owner": {"login": owner, "id": number * 7, "type": "User"},
        "html_url": f"https://github.com/{full_name}",
        "description": f"The cluster of {owner}",
        "fork": False,
        "created_at": "2021-03-04T05:06:07Z",
        "updated_at": "2025-06-01T10:00:00Z",
        "pushed_at": "2025-06-02T11:12:13Z",
        "size": 5120,
        "stargazers_count": 40,
        "watchers_count": 40,
        "subscribers_count": 3,
        "forks_count": 2,
        "open_issues_count": 5,
        "language": "Shell",
        "license": {"key": "mit", "name": "MIT License", "spdx_id": "MIT"},
        "topics": list(topics),
        "archived": False,
        "is_template": False,
        "default_branch": "main",
    }


def _handler(github: GitHubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        wbufsize = -1  # one packet an answer, else head and body wait for each other's acknowledgement
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            with contextlib.suppress(ConnectionError):  # a test may have hung up
                self._send(github.answer(Request(parts.path, query, headers)))

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean; `GitHubServer.requests` tells more."""

    return Handler
