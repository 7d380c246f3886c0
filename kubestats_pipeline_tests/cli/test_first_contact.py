"""The first minutes with the command: before anything is known, after a run that failed, without a token."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kubestats_pipeline.hosts.github.costs import describe_first_calls
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.cli.terminal import Terminal
from kubestats_pipeline_tests.demo import KUBESTATS, Command, clean_environment, demo  # noqa: F401 - a fixture

NO_GITHUB = {"KUBESTATS_GITHUB__API_URL": "http://127.0.0.1:9", "KUBESTATS_GITHUB__MAX_WAIT_SECONDS": "0"}


@pytest.fixture
def kubestats(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_the_status_after_a_run_that_found_nothing_says_why(kubestats):
    """users.md 15: it said that nothing was there yet, and to run what had just failed."""
    ran = kubestats("run", env=NO_GITHUB | {"KUBESTATS_GITHUB__TOPICS": "a"})
    assert ran.returncode == 1
    (failed,) = [line for line in ran.stderr.splitlines() if not line.startswith("warning: check freshness")]
    assert failed.startswith("failed: topic:a: page 1 of the search failed"), "an empty file is published and checked"
    assert "No GITHUB_TOKEN: GitHub allows 10 searches a minute" in ran.stdout
    status = kubestats("status")
    assert (status.returncode, status.stdout, status.stderr.count("\n")) == (1, "", 1)
    assert "no repository is known yet. The discovery of " in status.stderr
    assert "UTC failed: topic:a: page 1 of the search failed: no answer from 127.0.0.1" in status.stderr
    assert "Check the network and github.api_url" in status.stderr


def test_the_doctor_is_content_after_a_demo_without_a_network(demo, kubestats):  # noqa: F811
    """users.md 15: it exited with 1."""
    offline = demo("doctor", env=NO_GITHUB)
    assert offline.returncode == 0, offline.stdout
    assert [line.split()[:2] for line in offline.stdout.splitlines() if "github" in line.split()[:2]] == [
        ["warning", "github"]
    ]
    assert kubestats("doctor", env=NO_GITHUB).returncode == 1, "the first run would fail"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"KUBESTATS_GITHUB__TOPICS": "a,b"}, "The search for 2 topics takes about 12 searches for each 1,000"),
        ({"KUBESTATS_GITHUB__TOPICS": "a", "GITHUB_TOKEN": "ghp_x"}, None),
    ],
)
def test_a_first_run_without_a_token_says_what_it_takes(kubestats, env, said):
    """It is the first thing that a run says."""
    terminal = Terminal(kubestats.directory, "run", width=160, env=NO_GITHUB | env)
    shown = terminal.read_until("discover").replace("\n", " ")
    terminal.process.kill()
    terminal.finish()
    assert (said in shown) if said else ("GITHUB_TOKEN" not in shown)


def test_names_take_a_call_each_and_more_than_an_hour_has_take_longer():
    assert describe_first_calls(0, 0, None) == ""
    assert "150 names take a call each, which are found over 3 hours." in describe_first_calls(0, 150, None)
    assert "3 names take a call each. Then all are fetched" in describe_first_calls(0, 3, None)
    assert "--limit" not in describe_first_calls(1, 0, 10)


def test_a_list_in_json_and_an_address_without_a_scheme_are_understood_by_a_run(kubestats):
    GitRepository(kubestats.directory / "home/cluster").commit(
        {"a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"}
    )
    listed = f'["{kubestats.directory}/home/cluster"]'
    ran = kubestats("run", env=NO_GITHUB | {"KUBESTATS_REPOSITORIES": listed})
    assert "1 repositories, 1 with news, 0 failed" in ran.stdout, ran.stderr


def completed(folder: Path, words: str) -> list[str]:
    env = clean_environment() | {"COMP_WORDS": f"kubestats {words}", "COMP_CWORD": str(len(words.split(" ")))}
    env |= {"_KUBESTATS_COMPLETE": "complete_bash"}
    run = (
        "import sys; sys.argv[0] = 'kubestats'; from kubestats_pipeline.cli.main import app; app(prog_name='kubestats')"
    )
    finished = subprocess.run(
        [KUBESTATS[0], "-c", run], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert finished.stderr == ""
    return finished.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("st", ["status"]),
        ("chart cert", ["cert-manager"]),
        ("block local/aurora/", ["local/aurora/home-cluster"]),
        ("sync local/aurora/", ["local/aurora/home-cluster"]),
        ("tables who_", ["who_runs"]),
        ("app no-such", []),
    ],
)
def test_a_shell_completes_commands_and_names(demo, words, offered):  # noqa: F811
    assert completed(demo.directory, words) == offered


def test_without_data_a_shell_completes_nothing_and_says_nothing(tmp_path):
    assert completed(tmp_path, "chart cert") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_one_that_it_reads(tmp_path, shell):
    env = clean_environment() | {"_KUBESTATS_COMPLETE": f"source_{shell}"}
    run = "from kubestats_pipeline.cli.main import app; app(prog_name='kubestats')"
    script = subprocess.run([KUBESTATS[0], "-c", run], env=env, capture_output=True, text=True, check=True).stdout
    assert "_KUBESTATS_COMPLETE" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, cwd=tmp_path, env=dict(os.environ))


def test_a_python_that_is_not_there_is_not_called_too_old(tmp_path):
    """users.md 15: `python3.99` was said to be older than 3.11."""
    shutil.copy(Path(__file__).parents[2] / "Makefile", tmp_path)
    make = ["make", "--no-print-directory", ".venv/bin/python", "PYTHON=python3.99"]
    made = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert made.stdout == "there is no python3.99; name another: make PYTHON=python3.12 …\n"


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [3, 12])
def test_a_demo_on_a_disk_that_is_full_tells_that_alone(kubestats, megabytes):
    """users.md 9: ten lines of SQLAlchemy, and a cause that was cut off."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(kubestats.directory)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a small disk, and not everywhere")
    try:
        finished = kubestats("demo")
    finally:
        subprocess.run(["umount", "-l", str(kubestats.directory)], check=True)
    assert finished.returncode == 1
    (line,) = finished.stderr.splitlines()
    assert "See that the disk is neither full nor read-only, and run again" in line
