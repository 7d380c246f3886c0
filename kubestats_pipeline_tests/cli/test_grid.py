"""Rows as a table: no column, no row and no part of a value goes without a sign of it."""

import datetime

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kubestats_pipeline.cli.answers.grid import lay_down, lay_out
from kubestats_pipeline.cli.answers.rows import as_lines

NAMES = [f"column_{number:02}" for number in range(12)]
ROWS = [[f"value {number} of {row}" for number in range(12)] for row in range(40)]

cells = st.one_of(st.none(), st.integers(), st.text(max_size=60), st.lists(st.text(max_size=5), max_size=3))
tables = st.integers(1, 12).flatmap(
    lambda width: st.tuples(
        st.lists(st.text(min_size=1, max_size=30), min_size=width, max_size=width),
        st.lists(st.lists(cells, min_size=width, max_size=width), max_size=5),
    )
)


@given(tables, st.integers(20, 220))
def test_no_line_is_wider_than_the_terminal_and_each_column_is_shown_or_named(table, width):
    names, rows = table
    grid = lay_out(names, rows, width)
    assert max(map(cell_len, grid.lines)) <= width
    assert len(grid.lines) == len(rows) + 2
    assert len(grid.left_out) < len(names)


@given(tables)
def test_without_a_terminal_nothing_is_cut(table):
    names, rows = table
    grid = lay_out(names, rows)
    assert grid.left_out == ()
    assert sum(line.count("…") for line in grid.lines) == sum(
        text.count("…")
        for row in [names, *rows]
        for cell in row
        for text in (cell if isinstance(cell, list) else [cell])
        if isinstance(text, str)
    )


def test_columns_in_the_middle_make_room_for_a_sign_and_are_named_below():
    lines = as_lines(NAMES, ROWS, 40, 80)
    header = lines[0].split()
    assert header == ["column_00", "column_01", "column_02", "…", "column_10", "column_11"]
    assert lines[2].split("  ")[3].strip() == "…"
    assert lines[-1].startswith("… 7 of 12 columns left out: column_03, column_04")
    assert lines[-1].endswith("column_09. `--format vertical` shows them")


def test_few_rows_of_many_columns_stand_one_value_a_line():
    lines = as_lines(NAMES, ROWS[:2], 2, 80)
    assert lines[0].startswith("─── 1 of 2 ───")
    assert lines[1:13] == [f"column_{number:02}  value {number} of 0" for number in range(12)]
    assert lines[-1] == "(2 rows)"


def test_more_rows_than_are_shown_are_counted():
    assert as_lines(["n"], [[1]], 24_499, 80)[-1] == "… 1 of 24,499 rows. `--rows 0` shows all, `--format csv` too"
    assert as_lines(["n"], [[1]], 1, 80)[-1] == "(1 row)"


def test_a_cut_value_says_so_and_one_value_a_line_cuts_nothing():
    (cut,) = lay_out(["a", "b"], [["x" * 100, "y" * 100]], 40).lines[2:]
    assert cut == "x" * 18 + "…  " + "y" * 18 + "…"
    assert lay_down(["a", "long"], [["x" * 100, "one\ntwo"]], 40)[1:] == [
        "a     " + "x" * 100,
        "long  one",
        "      two",
    ]


def test_numbers_stand_to_the_right_and_values_are_for_people():
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=datetime.UTC)
    rows = [[1, moment, ["a", "b"], {"n": 1}, None], [22, moment, [], {}, "x"]]
    assert lay_out(["n", "at", "list", "struct", "text"], rows).lines[2:] == [
        " 1  2026-01-02 03:04:05  a, b  " + '{"n":1}',
        "22  2026-01-02 03:04:05        {}       x",
    ]


def test_wide_characters_take_two_cells():
    lines = lay_out(["name", "n"], [["家庭集群", 1], ["home", 2]]).lines
    assert lines[2:] == ["家庭集群  1", "home      2"]
