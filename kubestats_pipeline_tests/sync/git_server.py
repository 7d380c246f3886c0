"""A real git server over HTTP on the loopback, which can be slow, refuse, and remembers what it was sent."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


class GitServer(ThreadingHTTPServer):
    """Serves the bare repositories below `root`.

    Attributes:
        status: answered instead of git's own where it is not 200.
        asked: set once a held request has come.
        open_gate: held requests wait for it.
        authorizations: the Authorization header of each request, None where it had none.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.status = 200
        self.held_path = "\0"
        self.asked = threading.Event()
        self.open_gate = threading.Event()
        self.authorizations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def hold(self, path: str) -> None:
        """Let requests whose path holds this text wait until `open_gate` is set."""
        self.held_path = path


class _Handler(BaseHTTPRequestHandler):
    server: GitServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(parts)

    def _answer(self, body: bytes) -> None:
        self.server.authorizations.append(self.headers.get("Authorization"))
        if self.server.held_path in self.path:
            self.server.asked.set()
            self.server.open_gate.wait(20)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        head, _, content = self._git(body).partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200")[:3]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _git(self, body: bytes) -> bytes:
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": unquote(path),
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        return subprocess.run(["git", "http-backend"], env=env, input=body, stdout=subprocess.PIPE, check=True).stdout


@contextmanager
def serve(root: Path) -> Iterator[GitServer]:
    """Serve the repositories below a folder for as long as the block runs."""
    server = GitServer(root)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.open_gate.set()
        server.shutdown()
        server.server_close()
