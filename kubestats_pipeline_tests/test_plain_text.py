"""Nothing that a stranger wrote is obeyed by a terminal: in tables, status, summaries, errors and logs."""

import datetime
import json
import logging
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.orchestration.base.console_log import JsonFormatter, PlainFormatter
from kubestats_pipeline.plain_text import plain, plain_json, plain_lines
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.demo import KUBESTATS, clean_environment

TODAY = datetime.datetime.now(datetime.UTC)
HOSTILE = "\x1b[31mred\x9b2J\x07\x08\r\x7f\u202eesrever\u2066\u200f"
HARMLESS = "␛[31mred\\u009b2J␇␈␍␡\\u202eesrever\\u2066\\u200f"
BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def is_obeyed(character: str) -> bool:
    """Whether a terminal would do something at it: Unicode's own word, for every character that there is."""
    is_mark = character in "\u061c\u200e\u200f"
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in BIDIRECTIONAL
        or is_mark
    )


def test_every_character_that_a_terminal_obeys_and_no_other_one_is_replaced():
    everything = [chr(code) for code in range(sys.maxunicode + 1)]
    assert [each for each in everything if (plain(each) != each) != is_obeyed(each)] == []
    replaced = plain("".join(everything))
    assert not any(map(is_obeyed, replaced))


def test_lines_and_tabs_stay_where_a_text_may_have_them():
    assert plain_lines(f"a\n\tb{HOSTILE}") == f"a\n\tb{HARMLESS}"
    assert plain("a\n\tb") == "a␊␉b"


def test_json_stays_the_same_document():
    text = json.dumps({"a": HOSTILE, "\u202eb": 1}, ensure_ascii=False)
    assert json.loads(plain_json(text)) == {"a": HOSTILE, "\u202eb": 1}
    assert not any(map(is_obeyed, plain_json(text)))


@pytest.mark.parametrize("formatter", [PlainFormatter(), JsonFormatter()])
def test_a_log_line_holds_nothing_to_obey(formatter: logging.Formatter):
    record = logging.makeLogRecord({"msg": f"{HOSTILE} is now ours", "levelno": logging.INFO})
    record.dagster_meta = {"orig_message": record.msg, "job_name": HOSTILE}
    line = formatter.format(record)
    assert "esrever" in line
    assert not any(map(is_obeyed, line))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a warehouse holds a stranger's words."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "data").mkdir()
    with duckdb.connect(str(folder / "data/kubestats.duckdb")) as connection:
        connection.execute("CREATE TABLE events AS SELECT $1::TEXT AS subject", [HOSTILE])
    return folder


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run has gone over a repository whose folder, commit and files speak to the terminal."""
    folder = tmp_path_factory.mktemp("scanned")
    remote = GitRepository(folder / "home" / f"ops{HOSTILE}")
    manifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
    remote.commit({f"a{HOSTILE}.yaml": manifest, f"b{HOSTILE}.yaml": f"{manifest}a: ["}, message=HOSTILE, at=TODAY)
    shown = on_terminal(folder, "run")
    assert "failed:" in shown, "an entry that leads nowhere is in the summary"
    assert_harmless(shown)
    return folder


def environment(folder: Path) -> dict[str, str]:
    own = {"KUBESTATS_DATA_DIR": str(folder / "data"), "KUBESTATS_REPOSITORIES": f"{folder / 'home'},./gone{HOSTILE}"}
    return clean_environment() | own | {"TERM": "xterm-256color", "COLUMNS": "200"}


def on_terminal(folder: Path, *arguments: str) -> str:
    """What a command writes to a real pseudo-terminal, output and errors."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*KUBESTATS, *arguments], env=environment(folder), stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while read := os.read(ours, 65536):
            shown += read
    except OSError:  # Linux says so at the end
        pass
    os.close(ours)
    process.wait(60)
    return shown.decode()


def assert_harmless(shown: str) -> None:
    """Colours and progress bars are rich's own; what the stranger wrote is not among them."""
    assert "␛[31mred\\u009b2J" in shown
    assert "\x1b[31mred" not in shown
    assert not {"\x9b", "\x07", "\x08", "\x7f", "\u202e", "\u2066", "\u200f"} & set(shown)


@pytest.mark.parametrize(
    "arguments",
    [
        ("SELECT * FROM events",),
        ("SELECT * FROM events", "--format", "csv"),
        ("SELECT * FROM events", "--format", "json"),
        (f'SELECT 1 AS "{HOSTILE}"',),
        (f'SELECT * FROM "{HOSTILE}"',),
    ],
)
def test_the_rows_of_a_query_and_its_errors_say_nothing_to_a_terminal(published: Path, arguments: tuple[str, ...]):
    shown = on_terminal(published, "sql", *arguments)
    assert_harmless(shown.replace("\\u001b", "␛") if "json" in arguments else shown)  # JSON's own way of writing it


def test_a_pipe_gets_the_data_as_they_are(published: Path):
    def answer(kind: str) -> str:
        asked = [*KUBESTATS, "sql", "FROM events", "--format", kind]
        return subprocess.run(asked, env=environment(published), capture_output=True, check=True).stdout.decode()

    assert answer("csv") == f"subject\n{HOSTILE}\n"
    assert json.loads(answer("json")) == [{"subject": HOSTILE}]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("status", "--json"),
        ("sql", "SELECT commit_subject, file_path, full_name FROM resource_events"),
        ("sql", "SELECT file_path, message FROM scan_problems"),
        ("block", f"local/home/ops{HOSTILE}"),
        ("unblock", f"local/home/ops{HOSTILE}"),
    ],
)
def test_what_a_run_recorded_says_nothing_to_a_terminal(scanned: Path, arguments: tuple[str, ...]):
    shown = on_terminal(scanned, *arguments)
    assert_harmless(shown.replace("\\u001b", "␛") if "--json" in arguments else shown)
