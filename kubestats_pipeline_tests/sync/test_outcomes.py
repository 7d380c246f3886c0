"""What a sync says of a repository that changed, did not, is empty, too large, gone or out of reach."""

import base64
import contextlib
import dataclasses
import datetime
import os
import shutil
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubestats_pipeline.git.command import GitError
from kubestats_pipeline.sync.outcomes import Gone, TooLarge, Unchanged, Unreachable
from kubestats_pipeline.sync.sync import explain
from kubestats_pipeline_tests.sync.git_server import GitServer, serve
from kubestats_pipeline_tests.sync.world import NOW, World

HEAD = ("default_branch", "head_commit", "head_committed_at", "history_since")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def server(world: World) -> Iterator[GitServer]:
    """The world's remote over HTTP."""
    with serve(world.remote.path.parent) as server:
        (world.remote.path.parent / "ops.git").symlink_to(world.remote.path)
        world.repository = dataclasses.replace(world.repository, clone_url=f"{server.url}/ops.git")
        yield server


def known(world: World) -> dict[str, object]:
    return {column: world.row[column] for column in HEAD}


def git_commands(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sync once and give the git commands that the sync started: a shell script first on PATH writes them down."""
    log, folder = world.tmp_path / "commands", world.tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    log.touch()
    script = folder / "git"
    script.write_text(f'#!/bin/sh\necho "$@" >> "{log}"\nexec "{shutil.which("git")}" "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        world.sync()
    return log.read_text().splitlines()


def test_a_first_sync_records_head_branch_and_times(world: World):
    commit = world.remote.commit({"apps/a.yaml": "kind: A"})
    assert world.sync() == "synced"
    assert world.row["head_commit"] == commit
    assert world.row["default_branch"] == "main"
    assert world.row["head_committed_at"] == world.row["history_since"] == world.remote.time
    assert (world.row["last_sync_at"], world.row["sync_run_id"], world.row["sync_error"]) == (NOW, "run", None)


def test_an_unchanged_repository_costs_one_ls_remote_and_no_other_git_command(
    world: World, server: GitServer, monkeypatch: pytest.MonkeyPatch
):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    before = known(world)
    commands = git_commands(world, monkeypatch)
    assert [command.split()[0] for command in commands if command != "http-backend"] == ["ls-remote"]
    assert world.row["sync_status"] == "unchanged"
    assert known(world) == before


def test_an_unchanged_repository_on_this_machine_costs_no_git_command(world: World, monkeypatch: pytest.MonkeyPatch):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    before = known(world)
    assert git_commands(world, monkeypatch) == []
    assert world.row["sync_status"] == "unchanged"
    assert known(world) == before
    second = world.remote.commit({"a.yaml": "kind: B"})
    assert {command.split()[0] for command in git_commands(world, monkeypatch)} >= {"ls-remote"}
    assert (world.row["sync_status"], world.row["head_commit"]) == ("synced", second)


def test_a_new_commit_is_fetched(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    second = world.remote.commit({"a.yaml": "kind: B"})
    assert world.sync() == "synced"
    assert world.row["head_commit"] == second == world.git("rev-parse", "HEAD")
    assert world.git("show", "HEAD:a.yaml") == "kind: B"


def test_a_rewritten_history_is_followed(world: World):
    first = world.remote.commit({"a.yaml": "kind: A"})
    world.remote.commit({"a.yaml": "kind: B"})
    world.sync()
    world.remote.reset_to(first)
    rewritten = world.remote.commit({"a.yaml": "kind: C"})
    assert world.sync() == "synced"
    assert world.mirrored() == [rewritten, first]


def test_a_renamed_default_branch_is_followed_with_and_without_a_new_commit(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    world.remote.rename_default_branch("trunk")
    assert world.sync() == "unchanged"
    assert world.row["default_branch"] == "trunk"
    second = world.remote.commit({"a.yaml": "kind: B"})
    assert world.sync() == "synced"
    assert (world.row["default_branch"], world.row["head_commit"]) == ("trunk", second)


def test_a_detached_remote_head_has_a_commit_and_no_branch(world: World):
    first = world.remote.commit({"a.yaml": "kind: A"})
    world.remote.commit({"a.yaml": "kind: B"})
    world.remote.detach_head(first)
    assert world.sync() == "synced"
    assert (world.row["default_branch"], world.row["head_commit"]) == (None, first)


def test_an_empty_repository_is_no_failure(world: World):
    assert world.sync() == "empty"
    assert world.row["head_commit"] is None
    assert "has no commit" in world.row["sync_error"]
    assert (world.row["consecutive_failures"], world.row["next_attempt_at"]) == (0, None)


def test_a_head_that_names_no_branch_counts_as_empty_and_says_so(world: World):
    world.remote.commit({"a.yaml": "kind: A"}, branch="main")
    world.remote.git("symbolic-ref", "HEAD", "refs/heads/never-pushed")
    assert world.sync() == "empty"
    assert "a branch that does not exist" in world.row["sync_error"]


def test_a_repository_that_becomes_empty_keeps_its_last_known_head_and_mirror(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    before = known(world)
    world.remote.delete_branches()
    assert world.sync() == "empty"
    assert known(world) == before
    assert world.mirrored() == [before["head_commit"]]


def test_a_vanished_repository_is_tried_again_ever_later_and_recovers(world: World):
    commit = world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    before = known(world)
    elsewhere = world.remote.path.rename(world.remote.path.with_name("elsewhere"))
    waits = []
    for _ in range(9):
        assert world.sync() == "gone"
        waits.append(world.row["next_attempt_at"] - NOW)
    assert waits[:4] == [datetime.timedelta(minutes=minutes) for minutes in (15, 30, 60, 120)]
    assert waits[-2:] == [datetime.timedelta(hours=24)] * 2
    assert world.row["consecutive_failures"] == 9
    assert known(world) == before
    assert world.mirrored() == [commit]
    elsewhere.rename(world.remote.path)
    assert world.sync() == "unchanged"
    assert (world.row["consecutive_failures"], world.row["next_attempt_at"], world.row["sync_error"]) == (0, None, None)


def test_a_repository_beyond_the_limit_is_not_kept(tmp_path: Path):
    world = World(tmp_path, max_repository_mb=1)
    first = world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    world.remote.commit({f"{number}.yaml": os.urandom(900_000) for number in range(2)})
    assert world.sync() == "too_large"
    assert isinstance(world.outcome, TooLarge)
    assert world.outcome.size_mb > 1.8
    assert "max_repository_mb = 1" in world.row["sync_error"]
    assert world.row["size_limit_mb"] == 1
    assert not world.mirror.exists()
    assert world.row["head_commit"] == first
    assert world.row["next_attempt_at"] == NOW + datetime.timedelta(minutes=15)
    world.set(max_repository_mb=3)
    assert world.sync() == "synced"


def test_a_mirror_that_outgrew_the_limit_is_made_anew_with_less_history(tmp_path: Path):
    world = World(tmp_path, max_repository_mb=1, history_days=0)
    world.remote.commit({"a.yaml": os.urandom(700_000)})
    world.sync()
    second = world.remote.commit({"a.yaml": os.urandom(700_000)})
    assert world.sync() == "synced"
    assert world.mirrored() == [second]


def test_a_closed_port_is_unreachable_and_not_gone(world: World, server: GitServer):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    server.shutdown()
    server.server_close()
    assert world.sync() == "error"
    assert isinstance(world.outcome, Unreachable)
    assert "connect" in world.row["sync_error"].lower()
    assert world.row["head_commit"] == world.remote.head


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, "gone"), (410, "gone"), (451, "gone"), (403, "error"), (500, "error"), (503, "error")],
)
def test_the_servers_answer_tells_gone_from_unreachable(world: World, server: GitServer, status: int, expected: str):
    server.status = status
    assert world.sync() == expected


def test_a_refused_login_is_unreachable_and_names_the_token(world: World, server: GitServer):
    server.status = 401
    assert world.sync() == "error"
    assert "github.token" in world.row["sync_error"]


def test_a_server_that_never_answers_hits_the_time_out_and_leaves_no_process(tmp_path: Path):
    world = World(tmp_path, sync={"timeout_seconds": 0.5})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/owner/ops.git"
        world.repository = dataclasses.replace(world.repository, clone_url=address)
        assert world.sync() == "error"
        assert "longer than 0.5 s" in world.row["sync_error"]
        assert not processes_with(address)


def test_the_token_goes_to_its_server_in_a_header_and_is_on_no_command_line(world: World, server: GitServer):
    world.set(github={"git_url": server.url, "token": "very-secret"})
    world.remote.commit({"a.yaml": "kind: A"})
    server.hold("git-upload-pack")
    seen: list[str] = []
    watcher = threading.Thread(target=lambda: (server.asked.wait(10), seen.extend(processes_with(server.url))))
    watcher.start()
    opener = threading.Thread(target=lambda: (watcher.join(), server.open_gate.set()))
    opener.start()
    assert world.sync() == "synced"
    opener.join()
    basic = base64.b64encode(b"x-access-token:very-secret").decode()
    assert set(server.authorizations) == {f"Basic {basic}"}
    assert any("remote-http" in command for command in seen)
    assert not any("very-secret" in command or basic in command for command in seen)
    kept = b"".join(path.read_bytes() for path in world.settings.data_dir.rglob("*") if path.is_file())
    assert b"very-secret" not in kept
    assert basic.encode() not in kept


def test_no_other_host_is_given_the_token(world: World, server: GitServer):
    world.set(github={"git_url": f"{server.url}/somebody", "token": "very-secret"})
    world.remote.commit({"a.yaml": "kind: A"})
    assert world.sync() == "synced"
    assert set(server.authorizations) == {None}


def test_the_same_outcome_twice_gives_equal_rows(world: World):
    world.remote.commit({"a.yaml": "kind: A"})
    world.sync()
    world.sync()
    row = world.row
    world.sync()
    assert world.row == row
    assert world.outcome == Unchanged(world.remote.head, "main")


@pytest.mark.parametrize(
    "words",
    [
        "remote: Repository not found.; fatal: repository 'https://github.com/a/b.git/' not found",
        "ERROR: Repository not found.; fatal: Could not read from remote repository.",
        "remote: The project you were looking for could not be found or you don't have permission to view it.",
        "fatal: '/srv/a.git' does not appear to be a git repository",
        "fatal: https://example.org/a/info/refs not valid: is this a git repository?",
    ],
)
def test_the_words_of_real_hosts_for_a_missing_repository_are_understood(words: str):
    assert isinstance(explain("https://example.org/a", GitError(words, 128)), Gone)


@pytest.mark.parametrize(
    "words",
    [
        "fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com",
        "ssh: Could not resolve hostname example.org: Name or service not known",
        "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
        "error: RPC failed; curl 18 transfer closed with outstanding read data remaining; fatal: early EOF",
        "git is not installed or not on PATH; install it (Debian: apt-get install git)",
    ],
)
def test_every_other_failure_is_passing(words: str):
    assert isinstance(explain("https://example.org/a", GitError(words, 128)), Unreachable)


def test_an_address_with_a_password_is_reported_without_it():
    outcome = explain("https://ann:hidden@example.org/a", GitError("https://ann:hidden@example.org/a refused", 128))
    assert "hidden" not in outcome.reason


def processes_with(text: str) -> list[str]:
    """The command lines of all running processes that hold a text."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            commands.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [command for command in commands if text in command]
