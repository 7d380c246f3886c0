"""What a machine lacks is told in one line that says what to do, by whichever command, and never by a traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kubestats_pipeline_tests.demo import Command, clean_environment

LIMITED = """
import resource, runpy, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.argv = ["kubestats", *sys.argv[1:]]
runpy.run_module("kubestats_pipeline.cli", run_name="__main__")
"""
"""A process that cannot write a byte, which is how a full disk looks to it."""

slow = pytest.mark.slow


@pytest.fixture
def kubestats(tmp_path: Path) -> Command:
    return Command(tmp_path)


def said(finished: "subprocess.CompletedProcess[str]", status: int) -> str:
    """The one line on standard error."""
    assert finished.returncode == status, finished.stderr
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("command", ["demo", "run", "dev"])
def test_a_missing_git_is_named_with_how_to_get_it(kubestats: Command, command: str):
    line = said(kubestats(command, env={"PATH": "/nowhere", "KUBESTATS_REPOSITORIES": "a/b"}), 1)
    assert line == "error: git is not installed or not on PATH; install it (Debian: apt-get install git)"
    assert not (kubestats.data / "lake").exists(), "nothing was tried"


@pytest.mark.parametrize("data_dir", ["file", "file/below"])
@pytest.mark.parametrize(
    "command", ["status", *(pytest.param(name, marks=slow) for name in ("run", "doctor", "metrics", "dev"))]
)
def test_a_data_directory_that_is_a_file_is_a_wrong_setting(kubestats: Command, command: str, data_dir: str):
    (kubestats.directory / "file").write_text("a file stands where the folder should be")
    line = said(kubestats(command, env={"KUBESTATS_DATA_DIR": data_dir}), 2)
    assert "data_dir (or KUBESTATS_DATA_DIR): it is a file, or lies below one. Give a folder" in line


@pytest.mark.parametrize(
    "command", ["run", *(pytest.param(name, marks=slow) for name in ("clean", "block a/b --unknown-too", "dev"))]
)
def test_a_full_disk_is_one_line(kubestats: Command, command: str):
    arguments = [sys.executable, "-c", LIMITED, *command.split()]
    env = clean_environment() | {"KUBESTATS_REPOSITORIES": str(kubestats.directory), "COLUMNS": "200"}
    finished = subprocess.run(arguments, cwd=kubestats.directory, env=env, capture_output=True, text=True, check=False)
    assert any(word in said(finished, 1) for word in ("disk", "File too large", "cannot be written"))


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists(), reason="root reads everything")
def test_the_doctor_goes_on_where_a_folder_cannot_be_read(kubestats: Command):
    """As another user, where the tests run as root."""
    kubestats.data.mkdir()
    (kubestats.data / "lake").mkdir()
    kubestats.data.chmod(0)
    as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    env = clean_environment() | {"KUBESTATS_GITHUB__API_URL": "http://127.0.0.1:9", "KUBESTATS_REPOSITORIES": "."}
    for folder in (kubestats.directory, *kubestats.directory.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o755) if as_user else None
    command = [*as_user, sys.executable, "-m", "kubestats_pipeline.cli", "doctor"]
    finished = subprocess.run(command, cwd=kubestats.directory, env=env, capture_output=True, text=True, check=False)
    kubestats.data.chmod(0o755)
    marks = {line.split()[1]: line.split()[0] for line in finished.stdout.splitlines()}
    assert finished.stderr == ""
    assert [subject for subject, mark in marks.items() if mark == "failed"] == [
        *("disk", "lake", "warehouse", "dagster", "daemons", "age")
    ]


def test_a_port_that_is_taken_is_told_with_how_to_choose_another(kubestats: Command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = said(kubestats("dev", "--port", str(port)), 1)
    assert f"port {port} on 127.0.0.1 is taken" in line
    assert "choose another with --port" in line
    assert not kubestats.data.exists(), "nothing was started"
