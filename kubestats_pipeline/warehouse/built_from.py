"""The files of the lake that the published file was built from, and who shares which setting.

A DuckDB file beside the published one, which nobody else reads. The next build compares it with the lake and builds
only what has changed. It belongs to one published file, by the moment of its build. Without it, or with that of another
file, the next build is a whole one: it may be deleted at any time. It holds digests of settings, never their values.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.storage.folder import Stamp
from kubestats_pipeline.warehouse.connect import open_to_read, quote
from kubestats_pipeline.warehouse.sources import Sources

Files = Mapping[str, Mapping[str, tuple[Stamp, int]]]
"""The Parquet files of each table by path, each with its stamp and the number of its rows."""

_INFO = "built_at, whole_at, whole_bytes, rules, refreshed"
_SCHEMA = """
CREATE TABLE {place}.info (
    built_at TIMESTAMPTZ, whole_at TIMESTAMPTZ, whole_bytes BIGINT, rules VARCHAR, refreshed VARCHAR[]
);
CREATE TABLE {place}.files (table_name VARCHAR, path VARCHAR, stamp BIGINT[], file_rows BIGINT);
CREATE TABLE {place}.setting_shares AS FROM {shares}
"""


@dataclass(frozen=True)
class BuiltFrom:
    """The origin of one published file.

    Attributes:
        built_at: when the build of that file began to read the lake.
        whole_at: the same of the last build that read all of it.
        whole_bytes: the size of the file that this one gave.
        rules: digest of the code that built it and of its settings.
        files: the files that the file was built from.
        refreshed: the folders of the repositories whose rows were replaced since that whole build.
    """

    built_at: datetime.datetime
    whole_at: datetime.datetime
    whole_bytes: int
    rules: str
    files: Files
    refreshed: frozenset[str] = frozenset()


def rows_of(files: Files) -> dict[str, int]:
    """The rows of each table in the lake's files."""
    return {table: sum(rows for _, rows in of_table.values()) for table, of_table in files.items()}


def read_built_from(layout: Layout) -> BuiltFrom | None:
    """The origin of the published file, or None where it is not known."""
    if not (layout.built_from.exists() and layout.warehouse.exists()):
        return None
    try:
        with open_to_read(layout.warehouse) as connection:
            (built_at,) = connection.execute("SELECT built_at FROM warehouse_info").fetchall()[0]
        with open_to_read(layout.built_from) as connection:
            found = connection.execute(f"SELECT {_INFO} FROM info").fetchall()[0]  # noqa: S608 - ours
            rows = connection.execute("SELECT table_name, path, stamp, file_rows FROM files").fetchall()
    except (duckdb.Error, IndexError):  # a file of another version, or a damaged one
        return None
    files: dict[str, dict[str, tuple[Stamp, int]]] = {}
    for table, file, (inode, size, written), count in rows:
        files.setdefault(table, {})[str(layout.data_dir / file)] = (Stamp(inode, size, written), count)
    made_at, whole_at, whole_bytes, rules, refreshed = found
    origin = BuiltFrom(made_at, whole_at, whole_bytes, rules, files, frozenset(refreshed))
    return origin if made_at == built_at else None


def write_built_from(connection: duckdb.DuckDBPyConnection, path: Path, origin: BuiltFrom, shares: str) -> None:
    """Write the origin to a new file in the data directory. `shares` is an SQL source like `setting_shares`."""
    connection.execute(f"ATTACH {quote(str(path))} AS origin")
    connection.execute(_SCHEMA.format(place="origin", shares=shares))
    info = [origin.built_at, origin.whole_at, origin.whole_bytes, origin.rules, sorted(origin.refreshed)]
    connection.execute("INSERT INTO origin.info VALUES (?, ?, ?, ?, ?)", info)
    rows = [
        (table, Path(file).relative_to(path.parent).as_posix(), list(stamp), count)
        for table, files in origin.files.items()
        for file, (stamp, count) in files.items()
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    unnested = "unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::BIGINT[][]), unnest(?::BIGINT[])"
    connection.execute(f"INSERT INTO origin.files SELECT {unnested}", columns)
    connection.execute("CHECKPOINT origin; DETACH origin")


def with_rows(connection: duckdb.DuckDBPyConnection, sources: Sources, known: Files | None = None) -> Files:
    """The files with the number of their rows: that of `known` for a file with the same stamp, or from its footer."""
    known = known or {}
    found: dict[str, dict[str, tuple[Stamp, int]]] = {}
    for table, files in sources.items():
        before = known.get(table, {})
        changed = [path for path, stamp in files.items() if before.get(path, (None, 0))[0] != stamp]
        counted = _count_rows(connection, changed)
        rows = {**{path: count for path, (_, count) in before.items()}, **counted}
        found[table] = {path: (stamp, rows[path]) for path, stamp in files.items()}
    return found


def _count_rows(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> dict[str, int]:
    """The rows that Parquet files say that they have, from their footers alone."""
    if not files:
        return {}
    query = "SELECT file_name, num_rows FROM parquet_file_metadata($files)"
    return dict(connection.execute(query, {"files": list(files)}).fetchall())
