"""A proxy before the S3 server, which notes every request: what a sweep costs is what it says."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx

PASSED_ON = ("transfer-encoding", "connection", "content-length")


@dataclass
class Requests:
    """Requests as `METHOD key`, a listing as `LIST prefix`."""

    port: int = 0
    seen: list[str] = field(default_factory=list)

    def note(self, method: str, address: str) -> None:
        """Note a request by its method and its address."""
        parts = urlsplit(address)
        if prefix := parse_qs(parts.query).get("prefix"):
            self.seen.append(f"LIST {prefix[0]}")
        else:
            self.seen.append(f"{method} {parts.path}")


@contextlib.contextmanager
def counted(upstream: int) -> Iterator[Requests]:
    """Listen on a free port and pass all on to another one."""
    requests = Requests()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            requests.note(self.command, self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with httpx.Client(base_url=f"http://127.0.0.1:{upstream}") as client:
                answer = client.request(self.command, self.path, content=body, headers=dict(self.headers.items()))
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in PASSED_ON:
                    self.send_header(name, value)
            length = answer.headers.get("content-length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815 - the library's names

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    requests.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
