"""A real browser opens a page of another origin that tries to change something in the UI, and nothing is changed."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Self

import pytest

from kubestats_pipeline_tests.orchestration.guarded_ui import MUTATION, GuardedUi, guarded_ui

CHROMIUM = shutil.which("chromium")
PATIENCE = 120
"""Seconds for a browser to start and to try everything, however busy the machine is."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)")

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)

PAGE = """<!doctype html><body><script>
const mutation = MUTATION, tried = {};
const settled = (name, attempt) => attempt.then(how => tried[name] = how, () => tried[name] = "refused");
const submit = (name, type, address) => settled(name, new Promise(resolve => {
  const frame = Object.assign(document.createElement("iframe"), {name});
  const form = Object.assign(document.createElement("form"), {target: name, method: "post", enctype: type});
  form.action = address;
  document.body.append(frame, form);
  frame.onload = () => resolve("sent");
  form.submit();
}));
const question = ui => `${ui}/graphql?query=${encodeURIComponent(mutation)}`;
const attempts = UIS.flatMap((ui, number) => [
  settled(`text ${number}`, fetch(`${ui}/graphql`, {method: "POST", mode: "no-cors", credentials: "include",
    headers: {"content-type": "text/plain"}, body: JSON.stringify({query: mutation})}).then(() => "sent")),
  settled(`json ${number}`, fetch(`${ui}/graphql`, {method: "POST",
    headers: {"content-type": "application/json"}, body: JSON.stringify({query: mutation})}).then(() => "sent")),
  submit(`form${number}`, "text/plain", `${ui}/graphql`),
  submit(`address${number}`, "application/x-www-form-urlencoded", question(ui)),
  settled(`image ${number}`, new Promise((resolve, reject) => Object.assign(new Image(),
    {onload: resolve, onerror: () => resolve("sent"), src: question(ui)}))),
  settled(`websocket ${number}`, new Promise((resolve, reject) => {
    const socket = new WebSocket(`${ui.replace("http", "ws")}/graphql`, "graphql-ws");
    socket.onopen = () => resolve("opened");
    socket.onerror = reject;
  })),
]);
Promise.all(attempts).then(() => fetch("/tried", {method: "POST", body: JSON.stringify(tried)}));
</script>"""


class OtherSite:
    """Another program on this machine that serves the page, and hears from it what came of its attempts."""

    def __init__(self, page: str) -> None:
        self.tried: Queue[dict[str, str]] = Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(page, self.tried))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(page: str, tried: "Queue[dict[str, str]]") -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def do_POST(self) -> None:
            tried.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean."""

    return Handler


@pytest.fixture
def ui(tmp_path: Path) -> Iterator[GuardedUi]:
    with guarded_ui(tmp_path / "data") as ui:
        yield ui


def open_in_browser(url: str, folder: Path) -> "subprocess.Popen[bytes]":
    profile = f"--user-data-dir={folder / 'profile'}"
    quiet = subprocess.DEVNULL
    return subprocess.Popen([str(CHROMIUM), *OPTIONS, profile, url], stdout=quiet, stderr=quiet)


def test_a_page_of_another_origin_reaches_nothing_through_a_browser(ui: GuardedUi, tmp_path: Path):
    """By one name the UI is another site to the page, by the other the same site on another port."""
    names = [f"http://{name}:{ui.port}" for name in ("127.0.0.1", "localhost")]
    page = PAGE.replace("MUTATION", json.dumps(MUTATION)).replace("UIS", json.dumps(names))
    with OtherSite(page) as site:
        browser = open_in_browser(site.url, tmp_path)
        try:
            tried = site.tried.get(timeout=PATIENCE)
        finally:
            browser.terminate()
            browser.wait(30)
    assert len(tried) == 12
    assert [name for name, how in tried.items() if how == "opened"] == []
    assert {how for name, how in tried.items() if name.startswith(("text", "form"))} == {"sent"}, "the page did try"
    assert not ui.take_change()
