"""The two ways in which a DuckDB file is opened: to build one, and to read the published one.

Both think in UTC and print no progress bars, which DuckDB would write into the output of whoever asked.
"""

import contextlib
from pathlib import Path

import duckdb

SESSION: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "4GB",  # the promised bound of a build. DuckDB spills to disk beyond it
    "TimeZone": "UTC",  # dates are cut from times in UTC wherever the build runs
    "autoinstall_known_extensions": False,  # a build never fetches code from the network
    "parquet_metadata_cache": True,  # a build asks thousands of files three times for their footers
    "storage_compatibility_version": "v1.2.0",  # the oldest DuckDB that opens the published file
    "threads": 1,  # with two, rows that keep their order are gathered and copied once more, at up to a quarter more CPU
    "disabled_compression_methods": "fsst",  # zstd makes less of ids, digests and paths, in less time
    "zstd_min_string_length": 16,  # of such texts, where they seldom repeat
}
"""Settings of a build."""

KEPT_MEMORY = "500MB"
"""What a build keeps of the file in memory before it computes the marts."""


def open_to_build(path: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A database to write, in memory without a path."""
    connection = duckdb.connect(str(path or ":memory:"), config=SESSION)
    connection.execute("SET enable_progress_bar = false")
    return connection


def forget_blocks(connection: duckdb.DuckDBPyConnection) -> None:
    """Let go of what is kept of the file in memory. Most of it is documents, which few marts read."""
    with contextlib.suppress(duckdb.OutOfMemoryException):  # more than that is in use, and stays
        connection.execute(f"SET memory_limit = '{KEPT_MEMORY}'")
    connection.execute(f"SET memory_limit = '{SESSION['memory_limit']}'")


def open_to_read(path: Path) -> duckdb.DuckDBPyConnection:
    """The published file, read-only. A publication at the same time replaces the file and does not disturb.

    DuckDB looks at a path several times while it opens it. If the file is replaced in between, opening fails once, so
    it is tried once more.

    Raises:
        duckdb.IOException: the file is missing or damaged.
    """
    with contextlib.suppress(duckdb.IOException):
        return _open(path)
    return _open(path)


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path), read_only=True)
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def quote(text: str) -> str:
    """A text as SQL writes it, where a placeholder cannot stand."""
    return "'" + text.replace("'", "''") + "'"
