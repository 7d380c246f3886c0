"""What the UI refuses and what it answers: a real webserver, and requests as browsers and programs send them."""

import base64
import os
import socket
from collections.abc import Iterator

import httpx
import pytest

from kubestats_pipeline_tests.orchestration.guarded_ui import MUTATION, GuardedUi, guarded_ui

PROXY = "kubestats.example.org"
JSON = {"content-type": "application/json"}
PROXIED = {"host": PROXY, "origin": f"https://{PROXY}", "sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedUi]:
    with guarded_ui(tmp_path_factory.mktemp("ui"), [PROXY]) as ui:
        yield ui


def own_origin(ui: GuardedUi, headers: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("PORT", str(ui.port)) for name, value in headers.items()}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a program"),
        pytest.param({"sec-fetch-site": "none"}, id="a browser without a page"),
        pytest.param({"origin": "http://127.0.0.1:PORT", "sec-fetch-site": "same-origin"}, id="our own page"),
        pytest.param({"host": "localhost:PORT", "origin": "http://localhost:PORT"}, id="under its other name"),
        pytest.param({"host": "[::1]:80", "origin": "http://[::1]:80"}, id="by IPv6"),
        pytest.param({"host": "localhost:9000", "origin": "http://localhost:9000"}, id="through a tunnel"),
        pytest.param(PROXIED, id="through a proxy"),
        pytest.param({"host": f"{PROXY}:8443", "origin": f"https://{PROXY}:8443"}, id="a proxy on another port"),
        pytest.param({"content-type": "application/json; charset=utf-8"}, id="with a charset"),
    ],
)
def test_our_own_pages_and_programs_may_change_something(ui: GuardedUi, headers: dict[str, str]):
    response = httpx.post(f"{ui.url}/graphql", json={"query": MUTATION}, headers=own_origin(ui, headers))
    assert response.json()["data"] == {"setConcurrencyLimit": True}
    assert ui.take_change()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"origin": "https://elsewhere.example"}, id="another site"),
        pytest.param({"origin": "http://127.0.0.1:1"}, id="another port of this machine"),
        pytest.param({"origin": "http://localhost:PORT"}, id="another name of this machine"),
        pytest.param({"origin": "null"}, id="a sandboxed page"),
        pytest.param({"origin": "http://127.0.0.1:PORT.elsewhere.example"}, id="a name that begins like ours"),
        pytest.param({"origin": "ftp://127.0.0.1:PORT"}, id="another scheme"),
        pytest.param({"sec-fetch-site": "cross-site"}, id="another site without an origin"),
        pytest.param({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, id="a form of another site"),
        pytest.param({"sec-fetch-site": "same-site"}, id="another port without an origin"),
        pytest.param({"origin": "http://127.0.0.1:PORT", "sec-fetch-site": "cross-site"}, id="both, at odds"),
        pytest.param({"content-type": "text/plain"}, id="a type that needs no leave"),
        pytest.param({"content-type": "text/plain; a=application/json"}, id="JSON as a parameter"),
        pytest.param({"content-type": "application/x-www-form-urlencoded"}, id="a form"),
        pytest.param({"content-type": ""}, id="no type"),
        pytest.param({"host": "elsewhere.example"}, id="a foreign name"),
        pytest.param({"host": "elsewhere.example:PORT", "origin": "http://elsewhere.example:PORT"}, id="rebinding"),
        pytest.param({"host": "127.0.0.1.elsewhere.example"}, id="a foreign name that begins like ours"),
        pytest.param({"host": f"x.{PROXY}", "origin": f"https://x.{PROXY}"}, id="a name below the proxy's"),
        pytest.param({"host": ""}, id="an empty name"),
        pytest.param({"host": "localhost:PORT/", "origin": "http://localhost:PORT/"}, id="a name that is none"),
        pytest.param({**PROXIED, "origin": "https://elsewhere.example"}, id="another site, through the proxy"),
    ],
)
def test_what_another_page_makes_a_browser_send_changes_nothing(ui: GuardedUi, headers: dict[str, str]):
    sent = JSON | own_origin(ui, headers)
    response = httpx.post(f"{ui.url}/graphql", json={"query": MUTATION}, headers=sent)
    assert response.status_code == 403
    assert response.text.count("\n") == 1, "one line"
    assert not ui.take_change()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/planted", "/anything"])
def test_every_method_that_is_not_for_reading_is_guarded(ui: GuardedUi, method: str, path: str):
    foreign = JSON | {"origin": "https://elsewhere.example"}
    assert httpx.request(method, f"{ui.url}{path}", headers=foreign).status_code == 403


@pytest.mark.parametrize("path", ["/graphql", "//graphql", "/%67raphql", "/graphql/"])
def test_a_change_in_an_address_is_refused(ui: GuardedUi, path: str):
    response = httpx.get(f"{ui.url}{path}", params={"query": MUTATION})
    assert response.status_code == 403
    assert not ui.take_change()


def test_pages_are_shown_by_links_of_other_sites_too_and_in_nobodys_frame(ui: GuardedUi):
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    for headers in ({}, link, {"host": PROXY}):
        response = httpx.get(f"{ui.url}/runs", headers=headers)
        assert (response.status_code, response.headers["x-frame-options"]) == (200, "DENY")
    assert httpx.get(f"{ui.url}/server_info", headers=link | {"sec-fetch-mode": "no-cors"}).status_code == 403
    assert httpx.get(f"{ui.url}/server_info", headers={"host": "elsewhere.example"}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 101),
        ({"origin": "http://127.0.0.1:PORT", "sec-fetch-site": "same-origin"}, 101),
        ({"origin": f"https://{PROXY}", "host": PROXY}, 101),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "elsewhere.example", "origin": "http://elsewhere.example"}, 403),
    ],
)
def test_a_websocket_opens_only_for_our_own_pages_and_for_programs(ui: GuardedUi, headers: dict[str, str], status: int):
    assert handshake(ui, own_origin(ui, headers)) == status


@pytest.mark.parametrize("name", ["origin", "host"])
def test_whoever_names_two_origins_or_two_hosts_is_refused(ui: GuardedUi, name: str):
    own = "http://127.0.0.1:PORT" if name == "origin" else "127.0.0.1:PORT"
    twice = own_origin(ui, {name: f"{own}\r\n{name}: elsewhere.example"})
    assert handshake(ui, twice) in (400, 403)


def handshake(ui: GuardedUi, headers: dict[str, str]) -> int:
    """The status with which the server answers the opening of a websocket (RFC 6455, section 4.1)."""
    wanted = {
        "host": f"127.0.0.1:{ui.port}",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": base64.b64encode(os.urandom(16)).decode(),
        "sec-websocket-version": "13",
        "sec-websocket-protocol": "graphql-ws",
        **headers,
    }
    lines = ["GET /graphql HTTP/1.1", *(f"{name}: {value}" for name, value in wanted.items()), "", ""]
    with socket.create_connection(("127.0.0.1", ui.port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.recv(1000).split()[1])
