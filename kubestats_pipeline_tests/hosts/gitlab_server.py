"""A strict little GitLab on loopback: topic search by keyset pages, projects by id, tokens, limits, faults."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

API = "/api/v4"
PARAMETERS = {"topic", "visibility", "per_page", "pagination", "order_by", "sort", "id_after"}


class GitLabServer:
    """Its projects by id, the answers to come, and the requests that it got.

    Attributes:
        page_size: projects on a page at most.
        failures: statuses, each served once to the next request.
        remaining: requests until the limit; None for an instance without limits.
    """

    def __init__(self, page_size: int = 2) -> None:
        self.page_size = page_size
        self.projects: dict[int, dict[str, Any]] = {}
        self.tokens: set[str] = set()
        self.failures: list[int] = []
        self.remaining: int | None = None
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, path: str, *, number: int, topics: tuple[str, ...] = ("kubesearch",), **facts: Any) -> None:
        self.projects[number] = {
            "id": number,
            "path_with_namespace": path,
            "web_url": f"{self.origin}/{path}",
            "http_url_to_repo": f"{self.origin}/{path}.git",
            "visibility": "public",
            "description": "A cluster",
            "topics": list(topics),
            "default_branch": "main",
            "archived": False,
            "created_at": "2022-01-02T03:04:05.678Z",
            "last_activity_at": "2026-05-06T07:08:09.000Z",
            "star_count": 7,
            "forks_count": 1,
            "open_issues_count": 2,
            "license": {"key": "mit", "name": "MIT License"},
        } | facts

    def answer(self, path: str, query: dict[str, str], token: str | None) -> tuple[int, Any, dict[str, str]]:
        self.requests.append(path)
        if token is not None and token not in self.tokens:
            return 401, {"message": "401 Unauthorized"}, {}
        if self.failures:
            status = self.failures.pop(0)
            return status, {"message": "later"}, {"Retry-After": "1"} if status == 429 else {}
        if path == f"{API}/projects":
            return self._search(query)
        number = path.removeprefix(f"{API}/projects/")
        project = self.projects.get(int(number)) if number.isdecimal() else None
        return (200, project, {}) if project else (404, {"message": "404 Project Not Found"}, {})

    def _search(self, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        if set(query) - PARAMETERS or (query.get("pagination") == "keyset") != (query.get("order_by") == "id"):
            return 405, {"error": "keyset pagination is only for order_by=id"}, {}
        after = int(query.get("id_after", "0"))
        hits = [one for number, one in sorted(self.projects.items()) if number > after]
        hits = [one for one in hits if query["topic"] in one["topics"] and one["visibility"] == query["visibility"]]
        size = min(int(query["per_page"]), self.page_size)
        page = [{name: fact for name, fact in one.items() if name != "license"} for one in hits[:size]]
        if len(hits) <= size:
            return 200, page, {}
        following = urlencode({**query, "id_after": page[-1]["id"]})
        return 200, page, {"Link": f'<{self.origin}{API}/projects?{following}>; rel="next"'}


def _handler(gitlab: GitLabServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
            status, body, headers = gitlab.answer(parts.path, dict(parse_qsl(parts.query)), token)
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean."""

    return Handler
