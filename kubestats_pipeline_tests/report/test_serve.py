"""The pages on this machine: to loopback alone, with our headers, and the newest site at once."""

import http.client
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kubestats_pipeline.loopback import listen
from kubestats_pipeline.report.render import POLICY
from kubestats_pipeline.report.serve import served
from kubestats_pipeline_tests.demo import KUBESTATS, Command, clean_environment, demo  # noqa: F401 - a fixture
from kubestats_pipeline_tests.orchestration.live import free_port
from kubestats_pipeline_tests.report.site_reader import ReadSite


@pytest.fixture
def address(demo_site: ReadSite) -> Iterator[str]:
    port = free_port()
    with served(demo_site.folder, listen(port)):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/charts/index.html", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/index.json", "application/json"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
def test_files_come_with_their_type_and_a_strict_policy(address: str, path: str, kind: str):
    answer = httpx.get(address + path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["content-security-policy"] == f"{POLICY}; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_host_name_is_refused_because_it_is_dns_rebinding(address: str):
    assert httpx.get(address, headers={"host": "evil.example"}).status_code == 400
    assert httpx.get(address, headers={"host": "localhost"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/../state.json", "/%2e%2e/state.json", "/..%2fstate.json", "/charts/../../state.json"]
)
def test_nothing_outside_of_the_site_is_served(address: str, path: str):
    connection = http.client.HTTPConnection(address.removeprefix("http://"))  # it sends the path as it is
    connection.request("GET", path)
    assert connection.getresponse().status == 404


def test_only_reading_is_possible(address: str):
    assert httpx.post(address).status_code == 405


def test_the_command_makes_the_pages_serves_them_and_ends_cleanly(demo: Command, tmp_path: Path):  # noqa: F811
    shutil.copytree(demo.data, tmp_path / "data", symlinks=True)
    shutil.rmtree(tmp_path / "data" / "report.sites")
    (tmp_path / "data" / "report").unlink()
    port = free_port()
    process = subprocess.Popen(
        [*KUBESTATS, "report", "--port", str(port)],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    lines = [process.stdout.readline(), process.stdout.readline()]
    assert re.match(r"\d+ pages, \d+ files written, 0 kept: .*/data/report/index\.html", lines[0])
    assert f"http://127.0.0.1:{port}/" in lines[1]
    transport = httpx.HTTPTransport(retries=20)
    with httpx.Client(transport=transport) as client:
        assert "Kubestats" in client.get(f"http://127.0.0.1:{port}/").text
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert process.stderr
    assert "Traceback" not in process.stderr.read()


def test_a_port_that_is_taken_is_one_line(demo: Command):  # noqa: F811
    port = free_port()
    taken = listen(port)
    finished = demo("report", "--port", str(port))
    taken.close()
    assert finished.returncode == 1
    assert re.fullmatch(r"error: port \d+ on 127\.0\.0\.1 is taken\..*\n", finished.stderr)


def test_without_a_published_file_the_command_says_what_to_do(tmp_path: Path):
    finished = Command(tmp_path)("report", "--build-only")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "Run `kubestats demo`" in finished.stderr


def test_the_demo_leaves_the_pages_and_says_where(demo: Command):  # noqa: F811
    assert (demo.data / "report" / "index.html").is_file()
    assert "report/index.html" in (demo.directory / "stdout").read_text()
