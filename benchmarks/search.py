"""Time of the search in a real browser: until the names are there, and for a query of them.

It needs Chromium and playwright, and gives no lines without them.
"""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Cost, Runs
from benchmarks.report import Goal, Line
from kubestats_pipeline.report.serve import served

GROUP = "search"
READY_GOAL_MS, QUERY_GOAL_MS = 1000, 50
QUERIES = ("cilium", "home", "cert man", "ghcr.io", "e", "qqqq")

LOAD = "async () => { const begun = performance.now(); await loadNames(); return performance.now() - begun; }"
QUERY = """async (text) => {
  const all = await loadNames();
  const begun = performance.now();
  results.replaceChildren(...showNames(findNames(all, text.split(" "))));
  results.getBoundingClientRect();
  return performance.now() - begun;
}"""


def search_lines(site: Path) -> Iterator[Line]:
    """Milliseconds in the browser, as wall time: nobody waits for less."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return
    if chromium is None:
        return
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        with served(site, server), sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.getsockname()[1]}/")
            ready = page.evaluate(LOAD)
            queries = {text: page.evaluate(QUERY, text) for text in QUERIES}
            browser.close()
    size = (site / "search" / "names.txt").stat().st_size
    slowest = max(queries, key=lambda text: queries[text])
    yield _line(f"names ready, {size / 1e6:.1f} MB", ready, READY_GOAL_MS)
    yield _line(f"the slowest of {len(queries)} queries of names: {slowest}", queries[slowest], QUERY_GOAL_MS)


def _line(what: str, milliseconds: float, limit: float) -> Line:
    goal = Goal(f"≤ {limit:g} ms wall", milliseconds <= limit)
    return Line(GROUP, what, Runs((Cost(0.0, milliseconds / 1000, 0.0),)), goals=(goal,))
