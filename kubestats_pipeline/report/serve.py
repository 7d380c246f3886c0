"""Serves the site on this machine: to look at it before it is published, or beside the UI.

It only reads files. A request must name a loopback host, because another name is DNS rebinding by another web page. A
new site is served as soon as it is in its place.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kubestats_pipeline.report.render import POLICY

HOSTS = ["127.0.0.1", "localhost"]

HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""Headers of every answer. nginx.conf sends the same, but lets files be cached for a while."""

LAST_ANSWERS_SECONDS = 2


class SafeHeaders:
    """An ASGI application that adds our headers to what another one answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the other application does, with more headers."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_safely)


def app_of(site: Path) -> ASGIApp:
    """The application that serves the folder of a site, which may be replaced at any time."""
    files = StaticFiles(directory=site, html=True, follow_symlink=True, check_dir=False)
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    return Starlette(routes=[Mount("/", files)], middleware=[Middleware(SafeHeaders), hosts])


def serve(site: Path, server: socket.socket) -> None:
    """Serve a site on a socket that listens, until an interrupt."""
    with contextlib.suppress(KeyboardInterrupt):
        _server_of(site).run(sockets=[server])


@contextlib.contextmanager
def served(site: Path, server: socket.socket) -> Iterator[None]:
    """Serve a site beside something else, until the end of the block."""
    web = _server_of(site)
    thread = threading.Thread(target=web.run, kwargs={"sockets": [server]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        web.should_exit = True
        thread.join(LAST_ANSWERS_SECONDS * 2)


def _server_of(site: Path) -> uvicorn.Server:
    config = uvicorn.Config(
        app_of(site), log_level="warning", lifespan="off", timeout_graceful_shutdown=LAST_ANSWERS_SECONDS
    )
    return uvicorn.Server(config)
