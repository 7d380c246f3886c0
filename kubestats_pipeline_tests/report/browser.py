"""A real browser on a site that is served as users serve it. What it says and asks for is collected."""

import contextlib
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.report.serve import served

CHROMIUM = shutil.which("chromium")

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)")


@dataclass
class Served:
    """A site in a browser.

    Attributes:
        browser: of playwright.
        root: the address of the site.
        said: messages of the console and errors of scripts.
        elsewhere: requests to other hosts.
    """

    browser: Any
    root: str
    said: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def page(self, address: str = "", **context: Any) -> Iterator[Any]:
        """A page in a window of its own. `context` has options such as `viewport` and `color_scheme`."""
        window = self.browser.new_context(**context)
        page = window.new_page()
        page.on("console", lambda message: self.said.append(f"{address}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"{address}: {error}"))
        page.on("request", lambda request: self._note(request.url))
        page.goto(self.root + address)
        try:
            yield page
        finally:
            window.close()

    def _note(self, url: str) -> None:
        if not url.startswith((self.root, "data:")):
            self.elsewhere.append(url)


@contextlib.contextmanager
def in_browser(site: Path) -> Iterator[Served]:
    """Serve a site and open a browser for it."""
    playwright = pytest.importorskip("playwright.sync_api")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        with served(site, server), playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield Served(browser, f"http://127.0.0.1:{server.getsockname()[1]}/")
            browser.close()
