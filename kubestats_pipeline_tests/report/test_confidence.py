"""Merge confidence: which answers there are, and that servers of files give them to each Renovate as it asks."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from kubestats_pipeline.report import confidence
from kubestats_pipeline_tests.orchestration.live import free_port
from kubestats_pipeline_tests.report.received import HOME, publish, serve_files, write_answers
from kubestats_pipeline_tests.warehouse.small_lake import day
from kubestats_pipeline_tests.warehouse.told_history import History, image, put, release

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
REGISTRY = "oci://registry.example.org:5000/charts/podinfo"
HIGH, LOW = {"confidence": "high"}, {"confidence": "low"}


def level(files: dict[str, bytes], path: str) -> object:
    return orjson.loads(files[f"api/mc/json/{path}"])["confidence"]


def runs_image(number: int, name: str, registry: str) -> History:
    one = [image(name, f"v1.{minor}.0", registry=registry) for minor in range(2)]
    return (
        History(number, f"user{number}/home")
        .commit(day(1, 1), put("web", images=one[:1]), put("later", images=one[:1]))
        .commit(day(1, 10), put("web", images=one[1:]))
        .commit(day(1, 30), put("end"))
    )


def test_a_chart_is_answered_by_its_bare_name_where_one_family_has_it(tmp_path: Path):
    files = write_answers(publish(tmp_path, chart_url=HOME), tmp_path / "site")
    assert set(files) == {
        "api/mc/availability",
        "api/mc/json/helm/podinfo/6.5.0/7.0.0",
        "api/mc/json/helm/podinfo/6.6.0/7.0.0",
    } | {"api/mc/json/helm/podinfo/6.5.0/6.5.1"}
    assert level(files, "helm/podinfo/6.5.0/6.5.1") == "high"
    assert level(files, "helm/podinfo/6.6.0/7.0.0") == level(files, "helm/podinfo/6.5.0/7.0.0") == "low"


def test_a_name_of_two_families_has_no_answer(tmp_path: Path):
    other = History(20, "other/home").commit(
        day(1, 1), release("x", "podinfo", "1.0.0", chart_url="https://other.example")
    )
    files = write_answers(publish(tmp_path, other, chart_url=HOME), tmp_path / "site")
    assert list(files) == ["api/mc/availability"]


def test_a_chart_in_a_registry_is_asked_for_by_its_address_and_never_by_its_name(tmp_path: Path):
    files = write_answers(publish(tmp_path, chart_url=REGISTRY), tmp_path / "site")
    assert level(files, "docker/registry.example.org:5000/charts/podinfo/6.5.0/6.5.1") == "high"
    assert not [path for path in files if "/helm/" in path]


def test_an_image_is_answered_in_every_spelling_of_its_name_and_tags(tmp_path: Path):
    histories = [runs_image(number, "library/web", "docker.io") for number in range(20, 25)]
    histories.append(
        History(30, "user30/home").commit(
            day(1, 1), put("web", images=[image("library/web", "1.0.0", registry="docker.io")])
        )
    )
    files = write_answers(publish(tmp_path, *histories, chart_url=REGISTRY), tmp_path / "site")
    for name in ("web", "library/web", "docker.io/web", "docker.io/library/web"):
        assert level(files, f"docker/{name}/v1.0.0/v1.1.0") == level(files, f"docker/{name}/1.0.0/v1.1.0") == "high"


def test_what_cannot_be_a_file_beside_the_others_is_left_out(tmp_path: Path):
    """An image whose name is the address of another one's answer, and names that no registry allows."""
    histories = [runs_image(number, "a/b", "ghcr.io") for number in range(20, 25)]
    histories += [runs_image(number, "a/b/v1.0.0/v1.1.0", "ghcr.io") for number in range(30, 35)]
    histories += [runs_image(number, "../../../../escape", "ghcr.io") for number in range(40, 45)]
    files = write_answers(publish(tmp_path, *histories, chart_url=REGISTRY), tmp_path / "site")
    assert [path for path in files if "ghcr.io" in path] == ["api/mc/json/docker/ghcr.io/a/b/v1.0.0/v1.1.0"]


def test_the_number_of_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(confidence, "JUDGED_VERSIONS", 1)
    monkeypatch.setattr(confidence, "RUNNING_VERSIONS", 1)
    files = write_answers(publish(tmp_path, chart_url=HOME), tmp_path / "site")
    assert set(files) == {"api/mc/availability", "api/mc/json/helm/podinfo/6.6.0/7.0.0"}


@contextlib.contextmanager
def nginx_of(site: Path, folder: Path) -> Iterator[int]:
    """A real nginx that serves the files of a folder."""
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off;"
        f" client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fast;"
        f" uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;"
        f" server {{ listen 127.0.0.1:{port}; root {site}; }} }}"
    )
    folder.chmod(0o755)
    with subprocess.Popen([str(NGINX), "-c", str(configuration), "-g", "user root;"]) as process:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield port
        process.terminate()


SPELLINGS = {
    "the first releases of 39": "registry.example.org:5000%2fcharts/podinfo",
    "later ones": "registry.example.org:5000%2fcharts%2fpodinfo",
    "44": "registry.example.org%3A5000%2fcharts%2fpodinfo",
    "a person": "registry.example.org:5000/charts/podinfo",
}


@pytest.mark.parametrize(
    "server",
    ["python", pytest.param("nginx", marks=pytest.mark.skipif(NGINX is None, reason="needs nginx"))],
)
def test_a_server_of_files_answers_each_spelling_of_a_path(server: str, tmp_path: Path):
    site = tmp_path / "site"
    write_answers(publish(tmp_path, chart_url=REGISTRY), site)
    (tmp_path / "nginx").mkdir()
    serving = serve_files(site) if server == "python" else nginx_of(site, tmp_path / "nginx")
    with serving as port:
        base = f"http://127.0.0.1:{port}/api/mc"
        assert httpx.get(f"{base}/availability").status_code == 200
        found = {who: httpx.get(f"{base}/json/docker/{name}/6.5.0/6.5.1").json() for who, name in SPELLINGS.items()}
        unknown = [httpx.get(f"{base}/json/{path}").status_code for path in ("helm/nothing/1/2", "docker/a%2fb/1/2")]
    assert found == dict.fromkeys(SPELLINGS, HIGH)
    assert unknown == [404, 404]
