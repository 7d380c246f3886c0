"""`kubestats sql`: one query against the published warehouse, its rows printed or written."""

import csv
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import duckdb
import orjson

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.plain_text import plain_json, plain_lines
from kubestats_pipeline.warehouse.connect import open_to_read

READING = {"SELECT", "EXPLAIN", "PRAGMA", "CALL", "RELATION"}
"""Kinds of statements that only read. DESCRIBE, SHOW and SUMMARIZE are SELECTs to DuckDB."""


ROWS_AT_ONCE = 10_000
"""Rows of CSV that are in memory at one time."""


class QueryError(ExplainedError):
    """The query cannot be run. The text says why."""


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


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
            _check(connection, query)
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


def _check(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Refuse what is not exactly one statement that only reads."""
    kinds = [statement.type.name for statement in connection.extract_statements(query)]
    if len(kinds) != 1:
        raise QueryError(f"give one statement, not {len(kinds)}")
    if kinds[0] not in READING:
        raise QueryError(f"{kinds[0]} is not a query. Give a SELECT, FROM, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN")


def _write_parquet(connection: duckdb.DuckDBPyConnection, query: str, output: Path | None) -> None:
    if output is None:
        raise QueryError("Parquet is not for a terminal. Name a file with --output")
    target = str(output).replace("'", "''")
    connection.execute(f"COPY ({query.strip().rstrip(';')}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def _print_rows(connection: duckdb.DuckDBPyConnection, query: str, output_format: Format, output: Path | None) -> None:
    cursor = connection.execute(query)
    names = _told_apart([name for name, *_ in cursor.description or ()])
    if output is None:
        _write(names, cursor, output_format, sys.stdout)
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        _write(names, cursor, output_format, file)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Number columns of the same name, for in JSON one would replace the other."""
    return [name if names.index(name) == place else f"{name}_{place + 1}" for place, name in enumerate(names)]


def _write(names: Sequence[str], cursor: duckdb.DuckDBPyConnection, output_format: Format, file: IO[str]) -> None:
    on_terminal = file.isatty()
    if output_format is Format.CSV:
        writer = csv.writer(_Plain(file) if on_terminal else file, lineterminator="\n")
        writer.writerow(names)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):  # a whole table of events is more than memory should hold
            writer.writerows([_cell(value) for value in row] for row in rows)
    elif output_format is Format.JSON:
        records = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        text = _to_json(records, orjson.OPT_INDENT_2)
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
    return _to_json(value) if isinstance(value, list | dict) else value


def _to_json(value: Any, option: int = 0) -> str:
    """JSON text. Numbers beyond 64 bits, decimals and what else JSON has no type for are text in it."""
    return orjson.dumps(_within_bounds(value), default=str, option=option | orjson.OPT_NON_STR_KEYS).decode()


def _within_bounds(value: Any) -> Any:
    if isinstance(value, list):
        return [_within_bounds(item) for item in value]
    if isinstance(value, dict):
        return {key: _within_bounds(item) for key, item in value.items()}
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value
