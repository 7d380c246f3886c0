"""The published file as strangers' programs may ask it: read-only, without other files, with bounds of rows and time.

Assistants write the queries, and may have read strangers' texts before. So DuckDB opens nothing but the file, its
settings are locked, one answer has so many rows and characters, and a query ends after so many seconds. A publication
replaces the file. The next question then opens the new one.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from kubestats_pipeline.ask.statements import QueryError, refuse_changes, to_json, told_apart
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.plain_text import plain_lines
from kubestats_pipeline.warehouse.build import schema_version
from kubestats_pipeline.warehouse.connect import open_to_read

CLOSED = (
    "memory_limit = '2GB'",
    "temp_directory = ''",
    "python_enable_replacements = false",
    "enable_external_access = false",
    "lock_configuration = true",
)
"""Settings under which a query sees the file and nothing else. The last one keeps queries from changing them."""

MOST_ROWS = 500
MOST_SECONDS = 20.0
MOST_CHARACTERS = 100_000
"""Of the rows of one answer as JSON, about 25,000 tokens. The rest is left out and told."""

MOST_IN_CELL = 4_000
"""Characters of one text. Documents have more, and `grep` finds their lines."""

ROWS_AT_ONCE = 10_000


class UnusableFileError(ExplainedError):
    """The published file is missing, or this version cannot ask it. The text says what to do."""


@dataclass(frozen=True)
class QueryResult:
    """The rows of an answer.

    Attributes:
        rows: one object a row, with columns as they are called.
        shown: how many rows these are, of how many.
        built_at: when the file was built, in UTC.
    """

    rows: list[dict[str, Any]]
    shown: str
    built_at: str


class PublishedFile:
    """The published file at a path. One question at a time."""

    def __init__(self, path: Path, seconds: float = MOST_SECONDS) -> None:
        self._path, self._seconds = path, seconds
        self._lock = threading.Lock()
        self._opened: tuple[duckdb.DuckDBPyConnection, str] | None = None
        self._identity: tuple[int, ...] = ()

    def ask(self, query: str, values: Mapping[str, object] | None = None, rows: int = MOST_ROWS) -> QueryResult:
        """The answer to a query that only reads.

        Args:
            query: one statement.
            values: values of its `$name` parameters.
            rows: how many rows are given at most.

        Raises:
            QueryError: it is wrong, does more than read, or takes too long.
            UnusableFileError: the file is missing, damaged or of another version.
        """
        with self._lock:
            connection, built_at = self._open()
            timer = threading.Timer(self._seconds, connection.interrupt)
            timer.start()
            try:
                refuse_changes(connection, query)
                connection.execute(query, dict(values) if values else None)
                found, total = _fetch(connection, min(max(rows, 1), MOST_ROWS))
            except duckdb.InterruptException:
                raise QueryError(f"stopped after {self._seconds:g} s. Ask for fewer rows or tables") from None
            except duckdb.Error as error:
                raise QueryError(str(error)) from None
            finally:
                timer.cancel()
        return QueryResult(found, _shown(len(found), total), built_at)

    def _open(self) -> tuple[duckdb.DuckDBPyConnection, str]:
        """The connection and the file's time, both anew where a publication replaced the file."""
        try:
            now = self._path.stat()
        except OSError:
            raise UnusableFileError(
                f"no warehouse at {self._path}. Run `kubestats demo` or `kubestats run` first"
            ) from None
        identity = (now.st_dev, now.st_ino, now.st_mtime_ns, now.st_size)
        if self._opened is None or identity != self._identity:
            if self._opened is not None:
                self._opened[0].close()  # DuckDB would give the same path the file that it knows
            self._opened = None
            self._opened, self._identity = open_closed(self._path), identity
        return self._opened


def open_closed(path: Path) -> tuple[duckdb.DuckDBPyConnection, str]:
    """A connection that sees one published file and nothing else, and when that was built.

    Raises:
        UnusableFileError: it is missing, damaged, or of another version of Kubestats.
    """
    if not path.is_file():
        raise UnusableFileError(f"no warehouse at {path}. Run `kubestats demo` or `kubestats run` first")
    try:
        connection = open_to_read(path)
        found = connection.execute("SELECT schema_version, built_at::VARCHAR FROM warehouse_info").fetchone()
    except duckdb.Error:
        raise UnusableFileError(
            f"{path} is not a file that Kubestats published. Publish it anew: `kubestats run`"
        ) from None
    version, built_at = found or ("", "")
    if version != schema_version():
        connection.close()
        problem = f"{path} has the schema {version}, and this Kubestats knows {schema_version()}"
        raise UnusableFileError(f"{problem}. Take the version of Kubestats that published it, or publish it anew")
    for setting in CLOSED:
        connection.execute(f"SET {setting}")
    return connection, built_at


def _fetch(connection: duckdb.DuckDBPyConnection, most: int) -> tuple[list[dict[str, Any]], int]:
    """The first rows, as many as the bounds allow, and the number of all."""
    names = told_apart([name for name, *_ in connection.description or ()])
    found, characters = list[dict[str, Any]](), 0
    total, room = 0, True
    while rows := connection.fetchmany(ROWS_AT_ONCE):
        total += len(rows)
        for row in rows[: most - len(found)] if room else ():
            text = to_json(dict(zip(names, map(_cell, row), strict=True)))
            characters += len(text)
            room = characters <= MOST_CHARACTERS
            if not room:
                break
            found.append(orjson.loads(text))
    return found, total


def _cell(value: Any) -> Any:
    """A value without characters that a terminal obeys, and without the rest of a long text."""
    if isinstance(value, str):
        more = len(value) - MOST_IN_CELL
        return plain_lines(value[:MOST_IN_CELL]) + (f"… and {more:,} characters more" if more > 0 else "")
    if isinstance(value, list):
        return [_cell(item) for item in value]
    return {key: _cell(item) for key, item in value.items()} if isinstance(value, dict) else value


def _shown(shown: int, total: int) -> str:
    return f"{total:,} rows, all" if shown == total else f"{shown:,} of {total:,} rows. Ask for fewer rows or columns"
