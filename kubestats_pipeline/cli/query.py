"""`kubestats sql`: one query against the published warehouse, its rows printed or written.

For a program, which asks for CSV, JSON or Parquet, the rows are complete. For a person at a terminal a table has the
first ones and says of how many. Long ones are paged, wide ones stand one value a line.
"""

import csv
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb
import orjson

from kubestats_pipeline.ask.statements import QueryError, refuse_changes, to_json, told_apart
from kubestats_pipeline.cli.answers.formats import Format
from kubestats_pipeline.cli.answers.interrupts import stopping
from kubestats_pipeline.cli.answers.pager import show_lines
from kubestats_pipeline.cli.answers.rows import as_lines
from kubestats_pipeline.plain_text import plain_json, plain_lines
from kubestats_pipeline.warehouse.connect import open_to_read

ROWS_AT_ONCE = 10_000
"""Rows of CSV that are in memory at one time."""

ROWS_ON_TERMINAL = 200
"""Rows of a table that a terminal shows where the user names no number."""


@dataclass(frozen=True)
class Showing:
    """How an answer is shown.

    Attributes:
        rows: how many of a table, 0 for all. None leaves it to where the table goes.
        paged: a terminal may show a long one through a pager.
    """

    form: Format = Format.TABLE
    output: Path | None = None
    rows: int | None = None
    paged: bool = True


def run_query(warehouse: Path, query: str, showing: Showing) -> None:
    """Run a query and show its rows.

    The file is opened read-only, and a publication at the same time does not disturb: it replaces the file.

    Raises:
        QueryError: the warehouse is missing, the query is wrong, or Parquet was asked for without an output file.
    """
    if not warehouse.is_file():
        raise QueryError(f"no warehouse at {warehouse}. Run `kubestats demo` or `kubestats run` first")
    try:
        opened = open_to_read(warehouse)
    except duckdb.Error:
        raise QueryError(f"{warehouse} is damaged. Delete it and publish it anew: `kubestats run`") from None
    try:
        with opened as connection, stopping(connection):
            refuse_changes(connection, query)
            if showing.form is Format.PARQUET:
                _write_parquet(connection, query, showing.output)
            else:
                with stopping(connection.cursor()) as cursor:  # the connection itself may have to count
                    _print_rows(connection, cursor.execute(query), query, showing)
    except duckdb.Error as error:
        raise QueryError(str(error)) from None
    except BrokenPipeError:  # who reads our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise QueryError(f"{showing.output} cannot be written: {error.strerror}") from None


def _write_parquet(connection: duckdb.DuckDBPyConnection, query: str, output: Path | None) -> None:
    if output is None:
        raise QueryError("Parquet is not for a terminal. Name a file with --output")
    target = str(output).replace("'", "''")
    connection.execute(f"COPY ({query.strip().rstrip(';')}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def _print_rows(
    connection: duckdb.DuckDBPyConnection, cursor: duckdb.DuckDBPyConnection, query: str, showing: Showing
) -> None:
    names = told_apart([name for name, *_ in cursor.description or ()])
    if showing.output is None and showing.form in (Format.TABLE, Format.VERTICAL):
        is_terminal = sys.stdout.isatty()
        most = showing.rows if showing.rows is not None else ROWS_ON_TERMINAL if is_terminal else 0
        rows, total = _first_rows(connection, query, cursor, most)
        width = shutil.get_terminal_size().columns if is_terminal else None
        lines = as_lines(names, rows, total, width, is_vertical=showing.form is Format.VERTICAL)
        show_lines(lines, paged=showing.paged)
    elif showing.output is None:
        _write(names, cursor, showing.form, sys.stdout)
    else:
        with showing.output.open("w", encoding="utf-8", newline="") as file:
            _write(names, cursor, showing.form, file)


def _first_rows(
    connection: duckdb.DuckDBPyConnection, query: str, cursor: duckdb.DuckDBPyConnection, most: int
) -> tuple[list[tuple[Any, ...]], int]:
    """The first rows, all where `most` is 0, and the number of all. To count is cheaper than to fetch."""
    if not most:
        rows = cursor.fetchall()
        return rows, len(rows)
    rows = cursor.fetchmany(most + 1)
    if len(rows) <= most:
        return rows, len(rows)
    try:
        counted = connection.execute(f"SELECT count(*) FROM ({query.strip().rstrip(';')}\n)")  # noqa: S608 - the user's own
        (total,) = counted.fetchone() or (0,)
    except duckdb.Error:  # not every statement may stand in another one
        total = len(rows) + len(cursor.fetchall())
    return rows[:most], total


def _write(names: Sequence[str], cursor: duckdb.DuckDBPyConnection, form: Format, file: IO[str]) -> None:
    on_terminal = file.isatty()
    if form is Format.CSV:
        writer = csv.writer(_Plain(file) if on_terminal else file, lineterminator="\n")
        writer.writerow(names)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):  # a whole table of events is more than memory should hold
            writer.writerows([_cell(value) for value in row] for row in rows)
    elif form is Format.JSON:
        records = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        text = to_json(records, orjson.OPT_INDENT_2)
        file.write((plain_json(text) if on_terminal else text) + "\n")
    else:
        rows = cursor.fetchall()
        lines = as_lines(names, rows, len(rows), None, is_vertical=form is Format.VERTICAL)
        file.writelines(f"{line}\n" for line in lines)


class _Plain:
    """A terminal that is sent nothing to obey. A file or a pipe gets the data as they are."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(plain_lines(text))


def _cell(value: Any) -> Any:
    """A value as CSV holds it: lists, structs and maps as JSON, the rest as its text."""
    return to_json(value) if isinstance(value, list | dict) else value
