"""Receivers on loopback: a server that takes posts and answers as told, and a mail server."""

import contextlib
import email
import email.message
import email.policy
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from kubestats_pipeline_tests.orchestration.live import free_port

TOPIC = "topic-that-is-secret"


class PostServer(ThreadingHTTPServer):
    """Remembers what was posted, as paths and texts, and answers 200 unless told otherwise.

    Attributes:
        answers: statuses of the next answers.
        delay: seconds before an answer.
        received: path, content type and body of each post.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.delay = 0.0
        self.received: list[tuple[str, str, str]] = []

    @property
    def ntfy(self) -> str:
        """An address of apprise for ntfy, which is secret."""
        return f"ntfy://127.0.0.1:{self.server_port}/{TOPIC}"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def bodies(self) -> list[str]:
        """What was posted."""
        return [body for _, _, body in self.received]


class _Handler(BaseHTTPRequestHandler):
    server: PostServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.received.append((self.path, self.headers["content-type"], body))
        time.sleep(self.server.delay)
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        with contextlib.suppress(OSError):  # nobody may wait for it any more
            self.end_headers()
            self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextlib.contextmanager
def listening() -> Iterator[PostServer]:
    """A server until the end of the block."""
    server = PostServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


class Mailbox:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        content: Any = envelope.content
        self.mails.append(email.message_from_bytes(content, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 taken"


@contextlib.contextmanager
def mail_server() -> Iterator[tuple[Mailbox, str]]:
    """A mailbox, and the address of apprise by which mails get there."""
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield mailbox, f"mailto://127.0.0.1:{port}?from=kubestats@example.org&to=ann@example.org"
    controller.stop()
