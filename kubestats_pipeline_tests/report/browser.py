"""A real browser on a site that is served as users serve it. What it says and asks for is collected."""

import contextlib
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.report.serve import served
from kubestats_pipeline_tests.report.site_reader import ReadSite

CHROMIUM = shutil.which("chromium")

PHONE = 360
"""Width of a small phone, in CSS pixels."""

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


def one_of_each_kind(site: ReadSite) -> list[str]:
    """The largest page of each kind: of those that are as deep in folders of the same name."""
    kinds: dict[str, str] = {}
    for address in site.addresses:
        top, _, rest = address.partition("/")
        kind = f"{top}/{rest.count('/')}/{re.sub('[0-9]+', 'n', rest.rpartition('/')[2])}"
        size = (site.folder / address).stat().st_size
        if kind not in kinds or size > (site.folder / kinds[kind]).stat().st_size:
            kinds[kind] = address
    return sorted(kinds.values())


def examine(pages: Served, kinds_of_pages: list[str]) -> dict[str, Any]:
    """Open each page in the light and in the dark, with everything folded out, and on a phone. Give what is wrong."""
    assert len(kinds_of_pages) >= 15
    axe = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    pages.said.clear()
    faults: dict[str, Any] = {}
    for address in kinds_of_pages:
        with pages.page(address, bypass_csp=True, color_scheme="light") as page:
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            page.evaluate(axe)
            found = page.evaluate("axe.run()")
            page.emulate_media(color_scheme="dark")
            dark = page.evaluate("axe.run({ runOnly: ['color-contrast'] })")
            assert len(found["passes"]) > 10
            assert dark["passes"] or dark["incomplete"]
            page.set_viewport_size({"width": PHONE, "height": 740})
            width = page.evaluate("document.documentElement.scrollWidth")
        rules = [*found["violations"], *dark["violations"]]
        if rules:
            faults[address] = {rule["id"]: [node["target"] for node in rule["nodes"]][:3] for rule in rules}
        if width > PHONE:
            faults[f"{address} on a phone"] = width
    noted = {"said": pages.said, "asked": pages.elsewhere}
    return faults | {what: texts for what, texts in noted.items() if texts}
