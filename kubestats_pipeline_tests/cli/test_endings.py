"""How commands end: Ctrl-C in a real terminal, errors that nobody foresaw, and what `--debug` shows."""

import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.cli.explained import AFTER_INTERRUPT
from kubestats_pipeline.cli.main import app
from kubestats_pipeline.cli.progress import LEAST_DONE, LEAST_SECONDS, seconds_left
from kubestats_pipeline_tests.cli.terminal import Terminal
from kubestats_pipeline_tests.demo import Command, clean_environment


@pytest.fixture
def kubestats(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def published(kubestats: Command) -> Command:
    """A file to ask, which holds nothing."""
    kubestats.data.mkdir()
    duckdb.connect(str(kubestats.data / "kubestats.duckdb")).close()
    return kubestats


def test_ctrl_c_in_a_run_says_what_is_safe_and_how_to_go_on_and_gives_the_cursor_back(kubestats):
    """users.md 15: it printed nothing."""
    terminal = Terminal(kubestats.directory, "demo", width=160, env={})
    terminal.read_until("sync")
    terminal.press("\x03")
    assert terminal.finish() == 130
    last = terminal.shown.strip().splitlines()[-1]
    safe = "All that was done is kept, nothing is half written"
    assert last.endswith(f"error: interrupted. {safe}, and `kubestats demo` goes on from there")
    assert kubestats("demo").returncode == 0


@pytest.mark.parametrize("attempt", range(3))  # the work is in any of DuckDB's threads
def test_ctrl_c_in_a_query_says_that_nothing_was_changed(published, attempt):
    query = "SELECT count(*) FROM range(1000000000000) AS t(a) WHERE a % 7 = 3"
    terminal = Terminal(published.directory, "sql", query, env={})
    assert _is_asking(terminal)
    terminal.press("\x03")
    assert terminal.finish() == 130
    assert terminal.shown.endswith("error: interrupted. Nothing was changed\n")


def _is_asking(terminal: Terminal) -> bool:
    """Wait until DuckDB is at work with the query: the process has worked for a second since DuckDB was loaded."""
    process = Path(f"/proc/{terminal.process.pid}")
    loaded = None
    while terminal.process.poll() is None:
        ticks = int((process / "stat").read_text().rpartition(")")[2].split()[11])
        if loaded is None and "duckdb" in (process / "maps").read_text():
            loaded = ticks
        if loaded is not None and ticks - loaded > os.sysconf("SC_CLK_TCK"):
            return True
        time.sleep(0.05)
    return False


def test_every_command_that_changes_something_says_what_an_interrupt_leaves():
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    reading = {
        "status",
        "sql",
        "tables",
        "doctor",
        "metrics",
        "mcp",
        "review",
        "chart",
        "app",
        "image",
        "repo",
        "grep",
        "watch",
    }
    assert names - reading == set(AFTER_INTERRUPT)


UNFORESEEN = """
import sys
from kubestats_pipeline.cli import main, status
def fail(layout): raise KeyError("nobody thought of ghp_abcdefghijklmnopqrstuvwxyz0123456789")
status.read_status = fail
main.app(sys.argv[1:])
"""


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_an_error_that_nobody_foresaw_is_one_line_and_a_traceback_for_who_wants_it(kubestats, options):
    ended = subprocess.run(
        [sys.executable, "-c", UNFORESEEN, *options, "status"],
        cwd=kubestats.directory,
        env=clean_environment() | {"COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    *before, last = ended.stderr.splitlines()
    assert last.startswith("error: unexpected KeyError: ")
    assert "`kubestats --debug status …`" in last
    assert "ghp_abcdefghijklmnopqrstuvwxyz0123456789" not in last
    assert bool(before) == bool(options)
    assert ("Traceback" in ended.stderr) == bool(options)


def test_debug_shows_the_traceback_of_what_is_explained_too(kubestats):
    ended = kubestats("--debug", "sql", "SELECT 1")
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("error: no warehouse at ")


def test_who_has_read_enough_of_an_output_sees_no_error():
    command = f"{sys.executable} -m kubestats_pipeline.cli tables | head -1"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=clean_environment(), check=True)
    assert (ended.stdout, ended.stderr) == ("# Data dictionary\n", "")


def test_the_rest_of_a_stage_is_estimated_from_all_that_is_done():
    assert seconds_left(10, 40, 60.0) == 180
    assert seconds_left(LEAST_DONE - 1, 40, 60.0) is None
    assert seconds_left(10, 40, LEAST_SECONDS - 1) is None
    assert seconds_left(40, 40, 60.0) is None


def test_a_damaged_published_file_is_named_with_what_to_do(kubestats, tmp_path):
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "kubestats.duckdb").write_bytes(b"no database")
    ended = kubestats("sql", "SELECT 1")
    assert ended.returncode == 1
    assert ended.stderr.endswith("kubestats.duckdb is damaged. Delete it and publish it anew: `kubestats run`\n")
