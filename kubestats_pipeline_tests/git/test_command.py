"""git is run so that no stranger's repository, slow server or configuration of the machine can hurt."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubestats_pipeline.git import command as git
from kubestats_pipeline_tests.builders import GitRepository

TOKEN = "ghp_0123456789abcdef"


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    built = GitRepository(tmp_path / "owner" / "name.git")
    built.commit({"a.yaml": "a: 1"})
    return built


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/owner/name.git"


def processes_of_session(session: int) -> list[str]:
    """The command lines of the living processes of a session, zombies left out."""
    lines = subprocess.run(["ps", "-eo", "sess=,stat=,args="], stdout=subprocess.PIPE, text=True, check=True).stdout
    fields = [line.split(None, 2) for line in lines.splitlines()]
    return [args for sess, stat, args in fields if sess == str(session) and not stat.startswith("Z")]


def test_a_command_gives_what_git_prints(repository: GitRepository):
    assert git.run(["rev-parse", "HEAD"], directory=repository.path) == repository.head.encode() + b"\n"
    assert git.run(["hash-object", "--stdin"], directory=repository.path, stdin=b"") == (
        b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\n"
    )


def test_a_failure_carries_gits_own_words_and_its_status(repository: GitRepository):
    with pytest.raises(git.GitError, match="fatal: Needed a single revision") as error:
        git.run(["rev-parse", "--verify", "missing"], directory=repository.path)
    assert error.value.status == 128


def test_a_failure_without_words_names_the_command(repository: GitRepository):
    with pytest.raises(git.GitError, match="git cat-file failed") as error:
        git.run(["cat-file", "-e", "1" * 40], directory=repository.path)
    assert error.value.status == 1


def test_a_slow_command_is_stopped_in_time_with_the_helpers_that_it_started(silent_server: str):
    began = time.monotonic()
    process = git.start(["ls-remote", silent_server])
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.5)
    assert any("remote-http" in args for args in processes_of_session(process.pid)), "git has started a helper"
    git.kill(process)
    deadline = time.monotonic() + 5
    while processes_of_session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes_of_session(process.pid) == []
    assert time.monotonic() - began < 10


def test_a_time_out_is_an_error_that_says_how_long_was_waited(silent_server: str):
    with pytest.raises(git.GitError, match=r"git ls-remote took longer than 0\.3 s and was stopped") as error:
        git.run(["ls-remote", silent_server], timeout=0.3)
    assert error.value.status is None


def test_a_command_that_has_ended_can_be_killed_without_harm(repository: GitRepository):
    process = git.start(["rev-parse", "HEAD"], directory=repository.path)
    process.communicate()
    git.kill(process)
    assert process.returncode == 0


def test_an_interrupt_while_waiting_stops_git_too(silent_server: str):
    # Started by a shell's background job, a process would inherit that interrupts are ignored.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{heed}\nfrom kubestats_pipeline.git import command\ncommand.run(['ls-remote', '{silent_server}'])"
    child = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        listed: list[str] = []
        deadline = time.monotonic() + 10
        while not listed and time.monotonic() < deadline:
            listed = _git_commands(silent_server)
            time.sleep(0.02)
        assert listed, "git has started"
        os.kill(child.pid, 2)
        child.wait(timeout=10)
    finally:
        child.kill()
        child.wait()
    assert _git_commands(silent_server) == []


def _git_commands(text: str) -> list[str]:
    lines = subprocess.run(["ps", "-eo", "args="], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return [line for line in lines if line.startswith("git") and text in line]


def test_no_credentials_stand_in_an_error(repository: GitRepository):
    with pytest.raises(git.GitError) as error:
        git.run(["fetch", f"http://ann:{TOKEN}@127.0.0.1:9/owner/name.git"], directory=repository.path)
    assert TOKEN not in str(error.value)
    assert "ann" not in str(error.value)
    assert "127.0.0.1" in str(error.value)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://ann:pw@host/a b", "https://host/a b"),
        ("https://token@host/a and ssh://git:pw@other/b", "https://host/a and ssh://other/b"),
        ("https://host/a@b", "https://host/a@b"),
        ("git@github.com:a/b", "git@github.com:a/b"),
    ],
)
def test_credentials_are_taken_out_of_every_url(text: str, left: str):
    assert git.without_credentials(text) == left


def test_the_token_is_in_a_header_for_its_own_server_only():
    env = git.environment(TOKEN, "https://github.com/")
    assert TOKEN not in str(env), "the header holds it encoded"
    names = [name for name in env if name.startswith("GIT_CONFIG_KEY_")]
    headers = [env[name] for name in names if "extraHeader" in env[name]]
    assert headers == ["http.https://github.com/.extraHeader"]
    assert git.environment(None, "https://github.com") == git.environment(TOKEN, None) == git.environment()


def test_without_git_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(git.GitError, match="git is not installed or not on PATH; install it"):
        git.run(["--version"])


def test_the_configuration_of_user_and_system_is_ignored(repository: GitRepository, tmp_path: Path, monkeypatch):
    (tmp_path / ".gitconfig").write_text(f'[url "{tmp_path}/nowhere"]\n\tinsteadOf = {repository.url}\n')
    for name in ("GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, str(tmp_path / ".gitconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(["git", "ls-remote", repository.url], check=True, capture_output=True)
    assert repository.head.encode() in git.run(["ls-remote", repository.url])


def test_no_hook_of_a_repository_runs(repository: GitRepository, tmp_path: Path):
    ran, hook = tmp_path / "ran", repository.path / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    git.run(["update-ref", "refs/heads/one", repository.head], directory=repository.path)
    assert not ran.exists()
    repository.git("update-ref", "refs/heads/two", repository.head)
    assert ran.exists(), "a git without our configuration runs it"


def test_git_never_asks_a_person(repository: GitRepository):
    answered = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_refuse, args=(server, answered), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/owner/name.git"
        with pytest.raises(git.GitError, match=r"Authentication failed|could not read"):
            git.run(["ls-remote", url], timeout=10)
    assert answered.is_set()


def _refuse(server: socket.socket, answered: threading.Event) -> None:
    answer = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    for _ in range(4):
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            connection.sendall(answer)
            answered.set()


@pytest.mark.parametrize("lines", [3, 8, 60])
def test_the_cause_and_the_end_of_a_complaint_are_told(lines):
    """users.md 9 and 15: of a full disk the last four lines alone were told, and they were cut."""
    said = "; ".join(f"echo 'error: line {number} {'x' * 40}' >&2" for number in range(lines))
    with pytest.raises(git.GitError) as error:
        git.run(["-c", f"alias.complain=!{said}; exit 9", "complain"])
    told = str(error.value)
    assert told.startswith("error: line 0 ")
    assert f"error: line {lines - 1} {'x' * 40}" in told
    assert ("…" in told) == (lines > 8)
    assert len(told) < 2_100
