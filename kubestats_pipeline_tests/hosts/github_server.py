"""A strict little GitHub on loopback, for tests of everything that talks to GitHub: `with GitHubServer() as github:`.

Here are its state and what holds for every request: User-Agent, tokens, rate buckets, ETags, faults, the log of
requests and how many were in flight. What single paths answer stands in the route modules. It runs in this process.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.hosts.github_wire import (
    NOT_FOUND,
    Reply,
    Request,
    Route,
    broken_json,
    html,
    rate_limited,
    routes_to,
    secondary_limit,
)

__all__ = ["GitHubServer", "Reply", "Request", "broken_json", "html", "rate_limited", "secondary_limit"]

ROUTE_MODULES = ("github_routes", "github_graphql_routes", "github_content_routes")
for _name in ROUTE_MODULES:
    _path = f"{__package__}.{_name}"
    if importlib.util.find_spec(_path):
        importlib.import_module(_path)

WINDOWS = {"core": 3600, "search": 60, "graphql": 3600}
"""Seconds after which each rate bucket is full again."""


class GitHubServer:
    """The state of the little GitHub: its repositories, the faults to come, and the requests that it got.

    Attributes:
        repositories: what GitHub says of each, by number.
        old_names: the numbers of repositories that had these names, in lower case.
        refusals: what repositories that are not to be had answer instead, by number.
        tokens: the tokens that it accepts; requests without one are anonymous.
        login: the user whom the tokens belong to.
        scopes: what classic tokens may do; None for fine-grained ones, which do not say.
        requests: every request that came in, in order.
        limits: requests that each rate bucket holds when it is full.
        remaining: requests left in each rate bucket; at none it answers as GitHub does.
        resets: when each bucket is full again, in epoch seconds of `clock`.
        latency: seconds that every answer takes.
        fail_every: every so-manieth request gets a proxy's error page; 0 for none.
        reachable: results that one search can give.
        largest_page: results on a page at most.
        incomplete_answers: how many search answers to come are called incomplete.
        omitted_one_in: a search leaves out about one result in so many, others in another sort order; 0 for none.
        total_count: what a search says to have found in all; None for the truth.
        next_link: replaces the address of every next page; None for the right one.
        most_aliases: repositories that one GraphQL query may ask for.
        most_in_flight: most requests that were answered at once, by bucket.
        git: the git repositories behind the repositories, by number; one without is empty.
        most_entries: files that one listing of a tree can tell of.
        largest_file: bytes of the largest file that it hands out.
        damaged: ids of blobs that arrive with other content.
    """

    def __init__(self, *, largest_page: int = 100, clock: Callable[[], float] = time.time) -> None:
        self.largest_page = largest_page
        self.clock = clock
        self.tokens: set[str] = set()
        self.login = "ada"
        self.scopes: str | None = "public_repo"
        self.requests: list[Request] = []
        self.limits = {"core": 5000, "search": 5000, "graphql": 5000}
        self.remaining = dict(self.limits)
        self.resets = {bucket: clock() + seconds for bucket, seconds in WINDOWS.items()}
        self.latency = 0.0
        self.fail_every = 0
        self.reachable = 1000
        self.incomplete_answers = 0
        self.omitted_one_in = 0
        self.total_count: int | None = None
        self.next_link: str | None = None
        self.most_aliases = 100
        self.most_in_flight: Counter[str] = Counter()
        self.repositories: dict[int, dict[str, Any]] = {}
        self.old_names: dict[str, int] = {}
        self.refusals: dict[int, Reply] = {}
        self.git: dict[int, GitRepository] = {}
        self.most_entries = 100_000
        self.largest_file = 100_000_000
        self.damaged: set[str] = set()
        self._in_flight: Counter[str] = Counter()
        self._faults: dict[str, list[Reply | None]] = {}
        self._lock = threading.Lock()
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
        self.repositories[number] = _repository(full_name, number, topics) | facts

    def remove(self, number: int) -> None:
        """Delete a repository."""
        del self.repositories[number]

    def refuse(self, number: int, reply: Reply) -> None:
        """Answer every question for a repository with this, by name or by id; no search finds it any more."""
        self.refusals[number] = reply

    def rename(self, number: int, full_name: str) -> None:
        """Give a repository another name, or another owner; the old name redirects to its id."""
        repository = self.repositories[number]
        self.old_names[repository["full_name"].lower()] = number
        fresh = _repository(full_name, number, ())
        names = ("full_name", "name", "owner", "html_url")
        self.repositories[number] = repository | {name: fresh[name] for name in names}

    def find(self, full_name: str) -> dict[str, Any] | None:
        """The repository that has this name now."""
        wanted = full_name.lower()
        return next((one for one in self.repositories.values() if one["full_name"].lower() == wanted), None)

    def fail(self, path: str, *replies: Reply | None) -> None:
        """Serve these, in order and once each, to the next requests for a path; None for the usual answer."""
        self._faults.setdefault(path, []).extend(replies)

    def empty(self, bucket: str, reset: float) -> None:
        """Use up a rate bucket until a time, in epoch seconds."""
        self.remaining[bucket], self.resets[bucket] = 0, reset

    def answer(self, request: Request) -> Reply:
        """What GitHub answers, with the request counted as in flight meanwhile."""
        found = [(route, groups) for route, groups in routes_to(request.path) if route.method == request.method]
        route, groups = found[0] if found else (None, ())
        bucket = (route.bucket if route else "core") or "free"
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
            self._in_flight[bucket] += 1
            self.most_in_flight[bucket] = max(self.most_in_flight[bucket], self._in_flight[bucket])
        if self.latency:
            time.sleep(self.latency)
        with self._lock:
            self._in_flight[bucket] -= 1  # before it is sent, for the client may ask on while the thread winds up
            return self._refusal(request, number) or self._within_limit(request, route, groups)

    def _refusal(self, request: Request, number: int) -> Reply | None:
        if not request.headers.get("user-agent"):
            return Reply(403, {"message": "Request forbidden by administrative rules. Please send a User-Agent"})
        if not self._knows_sender(request):
            return Reply(401, {"message": "Bad credentials"})
        fault = self._faults[request.path].pop(0) if self._faults.get(request.path) else None
        if fault:
            return fault
        return html(502) if self.fail_every and number % self.fail_every == 0 else None

    def _knows_sender(self, request: Request) -> bool:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return not kind or (kind == "Bearer" and token in self.tokens)

    def _within_limit(self, request: Request, route: Route | None, groups: tuple[str, ...]) -> Reply:
        bucket = route.bucket if route else "core"
        if bucket is None:
            return self._route(request, route, groups)
        if self.clock() >= self.resets[bucket]:
            self.remaining[bucket], self.resets[bucket] = self.limits[bucket], self.clock() + WINDOWS[bucket]
        if self.remaining[bucket] == 0:
            return rate_limited(self.resets[bucket], resource=bucket)
        reply = self._route(request, route, groups)
        if reply.status != 304 or "authorization" not in request.headers:  # a confirmation is free, but not for all
            self.remaining[bucket] -= 1
        headers = {
            "x-ratelimit-limit": str(self.limits[bucket]),
            "x-ratelimit-remaining": str(self.remaining[bucket]),
            "x-ratelimit-reset": str(int(self.resets[bucket])),
            "x-ratelimit-resource": bucket,
        }
        return Reply(reply.status, reply.body, {**headers, **reply.headers})

    def _route(self, request: Request, route: Route | None, groups: tuple[str, ...]) -> Reply:
        reply = route.answer(self, request, *groups) if route else NOT_FOUND
        return _conditional(request, reply) if route and route.bucket == "core" and reply.status == 200 else reply


def _conditional(request: Request, reply: Reply) -> Reply:
    """GitHub gives an ETag with every answer of the core bucket; an equal one that comes back is 304."""
    content = reply.content
    etag = f'W/"{hashlib.sha256(content).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Reply(304, b"", {"ETag": etag})
    return Reply(200, content, {"ETag": etag, **reply.headers})


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
            self._answer(None)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                self._answer(json.loads(content))
            except ValueError:
                self._send(Reply(400, {"message": "Problems parsing JSON"}))

        def _answer(self, body: Any) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            with contextlib.suppress(ConnectionError):  # a test may have hung up
                self._send(github.answer(Request(parts.path, query, headers, self.command, body)))

        def _send(self, reply: Reply) -> None:
            content = reply.content
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            if reply.status != 304:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if reply.status != 304:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean; `GitHubServer.requests` tells more."""

    return Handler
