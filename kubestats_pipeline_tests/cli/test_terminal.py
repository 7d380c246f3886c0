"""What a person at a terminal sees: a real one of 80 or 200 columns, with the command in it."""

import csv
import json
from pathlib import Path

import duckdb
import pytest
from rich.cells import cell_len

from kubestats_pipeline_tests.cli.terminal import on_terminal
from kubestats_pipeline_tests.demo import Command, demo  # noqa: F401 - a fixture

MANY = "SELECT range AS number, 'value ' || range AS text FROM range(24499)"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A file to ask, which holds nothing: these queries need no tables."""
    command = Command(tmp_path_factory.mktemp("published"))
    command.data.mkdir()
    duckdb.connect(str(command.data / "kubestats.duckdb")).close()
    return command


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("query", ["FROM repositories", "FROM helm_values", "FROM chart_popularity", "FROM kinds"])
def test_a_table_names_every_column_and_no_line_is_wider_than_the_terminal(demo, width, query):  # noqa: F811
    """users.md 7: at 80 columns 2 of 4 were shown, and nothing said so."""
    status, lines = on_terminal(demo.directory, "sql", "--no-pager", query, width=width)
    assert status == 0
    with duckdb.connect(str(demo.data / "kubestats.duckdb"), read_only=True) as connection:
        columns = [name for name, *_ in connection.execute(query).description]
    is_vertical = lines[0].startswith("───")
    shown = [line.split(" ")[0] for line in lines] if is_vertical else lines[0].split()
    left_out = lines[-1].partition(" left out: ")[2].replace(",", "").replace(".", "").split()
    cut = tuple(name.rstrip("…") for name in shown if name.endswith("…") and name != "…")
    assert [name for name in columns if name not in shown + left_out and not name.startswith(cut)] == []
    assert is_vertical or max(cell_len(line) for line in lines if not line.startswith("…")) <= width


def test_a_terminal_shows_the_first_rows_and_says_of_how_many(published):
    """users.md 7: `FROM helm_values` was 24,499 lines and 13 s CPU."""
    status, lines = on_terminal(published.directory, "sql", "--no-pager", MANY)
    assert (status, len(lines)) == (0, 203)
    assert lines[-1] == "… 200 of 24,499 rows. `--rows 0` shows all, `--format csv` too"
    _, lines = on_terminal(published.directory, "sql", "--no-pager", "--rows", "3", MANY)
    assert len(lines) == 6
    _, lines = on_terminal(published.directory, "sql", "--no-pager", "--rows", "0", MANY)
    assert lines[-1] == "(24,499 rows)"


def test_a_program_gets_all_rows_and_columns(published):
    assert len(json.loads(published("sql", MANY, "--format", "json").stdout)) == 24_499
    assert len(list(csv.reader(published("sql", MANY, "--format", "csv").stdout.splitlines()))) == 24_500
    piped = published("sql", MANY, env={"PAGER": "false"}).stdout.splitlines()
    assert (len(piped), piped[-1]) == (24_502, "(24,499 rows)")
    wide = f"SELECT {', '.join(f'repeat(chr(97), 100) AS c{number}' for number in range(30))}"
    assert published("sql", wide).stdout.count("a" * 100) == 30


def test_what_is_wider_stands_one_value_a_line_and_so_does_what_asks_for_it(published):
    wide = f"SELECT {', '.join(f'{number} AS column_{number}' for number in range(30))}"
    _, lines = on_terminal(published.directory, "sql", "--no-pager", wide)
    assert lines[1] == "column_0   0"
    assert lines[30] == "column_29  29"
    _, lines = on_terminal(published.directory, "sql", "--format", "vertical", "SELECT 1 AS a, 'x' AS b", width=200)
    assert [line for line in lines if line] == [
        "─── 1 of 1 ─────────────────────────────────────────────────",
        "a  1",
        "b  x",
        "(1 row)",
    ]


@pytest.mark.parametrize(
    ("rows", "options", "pager", "is_paged"),
    [
        ("60", (), "tee paged", True),
        ("60", ("--no-pager",), "tee paged", False),
        ("5", (), "tee paged", False),
        ("60", (), "no-such-pager", False),
    ],
)
def test_what_is_longer_than_the_screen_goes_through_the_users_pager(published, rows, options, pager, is_paged):
    paged = Path(published.directory / "paged")
    paged.unlink(missing_ok=True)
    status, lines = on_terminal(published.directory, "sql", f"FROM range({rows})", *options, PAGER=pager)
    assert (status, paged.is_file()) == (0, is_paged)
    assert lines[-1] == f"({rows} rows)"


def test_statements_that_no_other_one_may_hold_are_counted_too(published):
    query = "CALL duckdb_settings()"
    known = len(json.loads(published("sql", query, "--format", "json").stdout))
    _, lines = on_terminal(published.directory, "sql", "--rows", "2", "--no-pager", query, width=200)
    assert f"… 2 of {known} rows." in lines[-1]
