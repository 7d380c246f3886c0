"""`kubestats sql`: one query against the published warehouse, its rows printed or written."""

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import duckdb
import orjson

from kubestats_pipeline.ask.statements import QueryError, refuse_changes, to_json, told_apart
from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.formats import Format
from kubestats_pipeline.plain_text import plain_json, plain_lines
from kubestats_pipeline.warehouse.connect import open_to_read

ROWS_AT_ONCE = 10_000
"""Rows of CSV that are in memory at one time."""


def run_query(warehouse: Path, query: str, output_format: Format, output: Path | None = None) -> None:
    """Run a query and print its rows, or write them to `output`.

    The file is opened read-only, and a publication at the same time does not disturb: it replaces the file.

    Raises:
        QueryError: the warehouse is missing, the query is wrong, or Parquet was asked for without an output file.
    """
    if not warehouse.is_file():
        raise QueryError(f"no warehouse at {warehouse}. Run `kubestats demo` or `kubestats run` first")
    try:
        with open_to_read(warehouse) as connection:
            refuse_changes(connection, query)
            if output_format is Format.PARQUET:
                _write_parquet(connection, query, output)
            else:
                _print_rows(connection, query, output_format, output)
    except duckdb.Error as error:
        raise QueryError(str(error)) from None
    except BrokenPipeError:  # who reads our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise QueryError(f"{output} cannot be written: {error.strerror}") from None


def _write_parquet(connection: duckdb.DuckDBPyConnection, query: str, output: Path | None) -> None:
    if output is None:
        raise QueryError("Parquet is not for a terminal. Name a file with --output")
    target = str(output).replace("'", "''")
    connection.execute(f"COPY ({query.strip().rstrip(';')}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def _print_rows(connection: duckdb.DuckDBPyConnection, query: str, output_format: Format, output: Path | None) -> None:
    cursor = connection.execute(query)
    names = told_apart([name for name, *_ in cursor.description or ()])
    if output is None:
        _write(names, cursor, output_format, sys.stdout)
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        _write(names, cursor, output_format, file)


def _write(names: Sequence[str], cursor: duckdb.DuckDBPyConnection, output_format: Format, file: IO[str]) -> None:
    on_terminal = file.isatty()
    if output_format is Format.CSV:
        writer = csv.writer(_Plain(file) if on_terminal else file, lineterminator="\n")
        writer.writerow(names)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):  # a whole table of events is more than memory should hold
            writer.writerows([_cell(value) for value in row] for row in rows)
    elif output_format is Format.JSON:
        records = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        text = to_json(records, orjson.OPT_INDENT_2)
        file.write((plain_json(text) if on_terminal else text) + "\n")
    else:
        terminal.show_rows(names, cursor.fetchall(), file)


class _Plain:
    """A terminal that is sent nothing to obey. A file or a pipe gets the data as they are."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(plain_lines(text))


def _cell(value: Any) -> Any:
    """A value as CSV holds it: lists, structs and maps as JSON, the rest as its text."""
    return to_json(value) if isinstance(value, list | dict) else value
