"""What nginx with the example configuration lets whom do: everybody looks, administrators with a password act."""

import base64
import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.report.serve import HEADERS
from kubestats_pipeline_tests.orchestration.live import TOKEN, free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CONFIGURATION = Path(__file__).parent.parent / "deploy" / "nginx.conf"
UNIT = CONFIGURATION.with_name("kubestats-public.service")
PUBLIC, ADMIN = "kubestats.example.org", "admin.kubestats.example.org"
PASSWORD = ("ann", "correct horse")

pytestmark = pytest.mark.skipif(
    NGINX is None or shutil.which("openssl") is None,
    reason="needs nginx and openssl (Debian: apt-get install nginx openssl)",
)

REPOSITORY = '{repositoryLocationName: "kubestats", repositoryName: "__repository__"}'
JOB = REPOSITORY.replace("}", ', jobName: "publish_warehouse"}')
SCHEDULE = REPOSITORY.replace("}", ', scheduleName: "clean_up_schedule"}')
MUTATIONS = {
    "launch a run": f'launchRun(executionParams: {{selector: {JOB}, mode: "default"}})',
    "launch a backfill": 'launchPartitionBackfill(backfillParams: {assetSelection: [{path: ["snapshots"]}],'
    ' partitionNames: ["ann/one"]})',
    "start a schedule": f"startSchedule(scheduleSelector: {SCHEDULE})",
    "add a repository": f'addDynamicPartition(repositorySelector: {REPOSITORY}, partitionsDefName: "repository",'
    ' partitionKey: "ann/one")',
    "forget an asset": 'wipeAssets(assetPartitionRanges: [{assetKey: {path: ["scans"]}}])',
    "reload the code": 'reloadRepositoryLocation(repositoryLocationName: "kubestats")',
}


LOADED = """
{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } } }
"""

HANDSHAKE = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-key": base64.b64encode(bytes(16)).decode(),
    "sec-websocket-version": "13",
    "sec-websocket-protocol": "graphql-ws",
}

QUESTIONS = (
    "{ instance { info hasInfo } }",
    "{ assetNodes { description metadataEntries { label description } } }",
    "{ workspaceOrError { ... on Workspace { locationEntries { displayMetadata { key value } } } } }",
    "{ allTopLevelResourceDetailsOrError(repositorySelector: REPOSITORY) { ... on ResourceDetailsList"
    " { results { name description configuredValues { key value } } } } }".replace("REPOSITORY", REPOSITORY),
)
"""Where settings and environment might show."""


@dataclass(frozen=True)
class Proxy:
    """A running proxy with both webservers behind it."""

    port: int
    plain_port: int
    admin_port: int
    certificate: Path
    data: Path

    def client(self, name: str, auth: tuple[str, str] | None = None) -> httpx.Client:
        """A browser that came by one of the two names and trusts the certificate."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(base_url=f"https://{name}:{self.port}", auth=auth, transport=_Local(context), timeout=60)

    def partitions(self) -> Sequence[str]:
        with open_instance(Layout(self.data)) as instance:
            return instance.get_dynamic_partitions("repository")


class _Local(httpx.HTTPTransport):
    """Finds every name on this machine, as DNS would, and still checks that the certificate is of that name."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(request)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    data, code, public, admin = folder / "data", *(free_port() for _ in range(3))
    with open_instance(Layout(data)) as instance:
        instance.add_dynamic_partitions("repository", ["ann/zero"])
    write_pages(data / "report")
    proxy = Proxy(free_port(), free_port(), admin, make_certificate(folder), data)
    (folder / "workspace.yaml").write_text(
        f"load_from: [{{grpc_server: {{host: 127.0.0.1, port: {code}, location_name: kubestats}}}}]\n"
    )
    commands = [
        [sys.executable, "-m", "dagster", "api", "grpc", "-m", "kubestats_pipeline.definitions", "-p", str(code)],
        read_only_command(public),
        [sys.executable, "-m", "kubestats_pipeline.cli", "dev", "--port", str(admin)],
        [str(NGINX), "-p", str(folder), "-c", str(configure(folder, proxy, public, admin))],
    ]
    with contextlib.ExitStack() as stack:
        for command in commands:
            stack.enter_context(running(command, folder))
        for name, auth in ((PUBLIC, None), (ADMIN, PASSWORD)):
            wait_until_loaded(proxy.client(name, auth))
        yield proxy


def write_pages(site: Path) -> None:
    """A site with a start page and one answer for Renovate."""
    answer = site / "api/mc/json/helm/podinfo/6.5.0/6.5.1"
    answer.parent.mkdir(parents=True)
    answer.write_text('{"confidence": "high"}')
    (site / "index.html").write_text("the start page")


def read_only_command(port: int) -> list[str]:
    """What the unit for the public webserver starts, on another port."""
    (start,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(), re.MULTILINE)
    program, *arguments, _ = shlex.split(start)
    return [str(Path(sys.executable).parent / Path(program).name), *arguments, str(port)]


def make_certificate(folder: Path) -> Path:
    names = f"subjectAltName=DNS:{PUBLIC},DNS:{ADMIN}"
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    how = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={PUBLIC}", "-addext", names]
    command = ["openssl", "req", *how, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate


def configure(folder: Path, proxy: Proxy, public: int, admin: int) -> Path:
    """The example with this test's ports and files in place of its own, in nginx's smallest surroundings."""
    user, password = PASSWORD
    hashed = subprocess.run(["openssl", "passwd", "-apr1", password], check=True, capture_output=True, text=True).stdout
    (folder / "htpasswd").write_text(f"{user}:{hashed}")
    site = CONFIGURATION.read_text()
    places = {
        "listen 443 ssl": f"listen 127.0.0.1:{proxy.port} ssl",
        "listen 80": f"listen 127.0.0.1:{proxy.plain_port}",
        "/etc/ssl/certs/kubestats.pem": str(proxy.certificate),
        "/etc/ssl/private/kubestats.key": str(folder / "key.pem"),
        "/etc/nginx/kubestats.htpasswd": str(folder / "htpasswd"),
        "127.0.0.1:3001": f"127.0.0.1:{public}",
        "127.0.0.1:3000": f"127.0.0.1:{admin}",
        "/srv/kubestats/data/": f"{proxy.data}/",
    }
    for old, new in places.items():
        assert old in site, old
        site = site.replace(old, new)
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; master_process off; pid {folder / 'nginx.pid'}; error_log {folder / 'error.log'};\n"
        f"events {{}}\nhttp {{ access_log off; {temporary} include {folder / 'site.conf'}; }}\n"
    )
    return main


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path) -> Iterator[None]:
    """A server and all its children, until the end of the block."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("KUBESTATS_", "DAGSTER_"))}
    own = {
        "KUBESTATS_UI__HOSTS": ADMIN,
        "KUBESTATS_AUTOMATION__DISCOVER_MINUTES": "0",
        "KUBESTATS_AUTOMATION__SYNC_MINUTES": "0",
        "KUBESTATS_DATA_DIR": str(folder / "data"),
        "DAGSTER_HOME": str(folder / "data/dagster"),
        "GITHUB_TOKEN": TOKEN,
    }
    with (folder / "servers.log").open("a") as log:
        process = subprocess.Popen(command, cwd=folder, env=env | own, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_loaded(client: httpx.Client) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
            (entry,) = ask(client, LOADED)["workspaceOrError"]["locationEntries"]
            if entry["locationOrLoadError"]["__typename"] == "RepositoryLocation":
                return
        time.sleep(0.5)
    raise AssertionError("the webservers did not load the pipeline")


def with_names(proxy: Proxy, name: str, headers: dict[str, str]) -> dict[str, str]:
    return {key: value.replace("NAME", name).replace("PORT", str(proxy.port)) for key, value in headers.items()}


def listening(proxy: Proxy, name: str, headers: dict[str, str]) -> int:
    """The status with which the opening of a websocket is answered."""
    authorization = base64.b64encode(":".join(PASSWORD).encode()).decode()
    wanted = {"host": f"{name}:{proxy.port}", "authorization": f"Basic {authorization}", **HANDSHAKE, **headers}
    lines = ["GET /graphql HTTP/1.1", *(f"{key}: {value}" for key, value in wanted.items()), "", ""]
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    with (
        socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.recv(1000).split()[1])


def ask(client: httpx.Client, query: str, headers: Mapping[str, str] | None = None) -> dict:
    response = client.post("/graphql", json={"query": query}, headers=headers)
    response.raise_for_status()
    return response.json()["data"]


def answer_to(client: httpx.Client, mutation: str) -> str:
    ((_, answer),) = ask(client, f"mutation {{ {mutation} {{ __typename }} }}").items()
    return answer["__typename"]


def test_nobody_travels_in_the_clear(proxy: Proxy):
    response = httpx.get(f"http://127.0.0.1:{proxy.plain_port}/runs", headers={"Host": PUBLIC})
    assert (response.status_code, response.headers["location"]) == (301, f"https://{PUBLIC}/runs")


def test_everybody_may_look(proxy: Proxy):
    public = proxy.client(PUBLIC)
    page = public.get("/")
    assert page.status_code == 200
    assert page.headers["x-frame-options"] == "DENY"
    assert "max-age" in page.headers["strict-transport-security"]
    assets = ask(public, "{ assetNodes { assetKey { path } } }")["assetNodes"]
    assert ["warehouse"] in [node["assetKey"]["path"] for node in assets]


def test_everybody_reads_the_pages_and_nobody_writes_there(proxy: Proxy):
    public = proxy.client(PUBLIC)
    page = public.get("/pages/")
    assert (page.status_code, page.text) == (200, "the start page")
    assert page.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert public.get("/pages/missing.html").status_code == 404
    assert public.put("/pages/index.html", content=b"x").status_code == 403


def test_renovate_gets_an_answer_or_404_however_often_it_asks(proxy: Proxy):
    public = proxy.client(PUBLIC)
    answer = public.get("/pages/api/mc/json/helm/podinfo/6.5.0/6.5.1")
    assert (answer.json(), answer.headers["content-type"]) == ({"confidence": "high"}, "application/json")
    asked = [public.get(f"/pages/api/mc/json/helm/podinfo/6.5.0/7.0.{number}").status_code for number in range(150)]
    assert set(asked) == {404}, "more than the pages allow in a burst"


@pytest.mark.parametrize("what", MUTATIONS)
def test_nobody_may_change_anything_without_a_password(proxy: Proxy, what: str):
    assert answer_to(proxy.client(PUBLIC), MUTATIONS[what]) == "UnauthorizedError"
    assert proxy.partitions() == ["ann/zero"]


@pytest.mark.parametrize("auth", [None, ("ann", "wrong"), ("bob", "correct horse")])
def test_the_administrators_side_opens_only_with_a_password(proxy: Proxy, auth: tuple[str, str] | None):
    admin = proxy.client(ADMIN, auth)
    assert admin.get("/").status_code == 401
    assert admin.post("/graphql", json={"query": "{ version }"}).status_code == 401


def test_an_administrator_may_act(proxy: Proxy):
    admin = proxy.client(ADMIN, PASSWORD)
    assert admin.get("/").status_code == 200
    assert answer_to(admin, MUTATIONS["add a repository"]) == "AddDynamicPartitionSuccess"
    assert answer_to(admin, MUTATIONS["launch a backfill"]) == "LaunchBackfillSuccess"
    assert answer_to(admin, MUTATIONS["reload the code"]) == "WorkspaceLocationEntry"


@pytest.mark.parametrize("name", [PUBLIC, ADMIN])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"origin": "https://elsewhere.example"}, id="another site"),
        pytest.param({"origin": "https://NAME.elsewhere.example:PORT"}, id="a name that begins like ours"),
        pytest.param({"origin": "http://NAME:PORT"}, id="our name in the clear"),
        pytest.param({"origin": "null"}, id="a sandboxed page"),
        pytest.param({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, id="a form of another site"),
        pytest.param({"sec-fetch-site": "same-site"}, id="a neighbour"),
        pytest.param({"content-type": "text/plain; a=application/json"}, id="JSON as a parameter"),
        pytest.param({"host": "elsewhere.example"}, id="a foreign name"),
    ],
)
def test_nobody_asks_through_another_pages_browser(proxy: Proxy, name: str, headers: dict[str, str]):
    sent = {"content-type": "application/json"} | with_names(proxy, name, headers)
    response = proxy.client(name, PASSWORD).post("/graphql", content='{"query": "{ version }"}', headers=sent)
    assert response.status_code == 403


@pytest.mark.parametrize("name", [PUBLIC, ADMIN])
def test_a_question_in_an_address_and_a_strangers_picture_are_refused(proxy: Proxy, name: str):
    client = proxy.client(name, PASSWORD)
    assert client.get("/graphql", params={"query": "{ version }"}).status_code == 403
    assert client.get("/%67raphql?query={version}").status_code == 403
    assert client.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}).status_code == 403
    assert client.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}).status_code == 200


@pytest.mark.parametrize("name", [PUBLIC, ADMIN])
def test_our_own_pages_ask_and_listen(proxy: Proxy, name: str):
    own = with_names(proxy, name, {"origin": "https://NAME:PORT", "sec-fetch-site": "same-origin"})
    assert ask(proxy.client(name, PASSWORD), "{ version }", own)["version"]
    assert listening(proxy, name, own) == 101
    assert listening(proxy, name, {}) == 101
    assert listening(proxy, name, own | {"origin": "https://elsewhere.example"}) == 403
    assert listening(proxy, name, own | {"sec-fetch-site": "cross-site"}) == 403


def test_kubestats_dev_itself_keeps_foreign_names_out(proxy: Proxy):
    """Whoever comes past the proxy, from this machine, meets the same rules."""
    url = f"http://127.0.0.1:{proxy.admin_port}/graphql"
    statuses = {
        name: httpx.post(url, json={"query": "{ version }"}, headers={"host": name}).status_code
        for name in ("127.0.0.1", ADMIN, PUBLIC, "elsewhere.example")
    }
    assert statuses == {"127.0.0.1": 200, ADMIN: 200, PUBLIC: 403, "elsewhere.example": 403}


def test_nothing_that_the_public_can_ask_for_holds_the_token(proxy: Proxy):
    public = proxy.client(PUBLIC)
    told = [public.get("/server_info").text, *(str(ask(public, question)) for question in QUESTIONS)]
    assert "dagster" in told[0]
    assert [text for text in told if TOKEN in text] == []
