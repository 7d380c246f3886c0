"""The basis of the published file: the files of the lake that it was built from, and who shares which setting.

It lies beside the published file as a DuckDB file of its own, which nobody else reads. The next build compares it with
the lake and builds only what has changed. It belongs to one published file, by the moment of its build. Without it, or
with that of another file, the next build is a whole one: it may be deleted at any time. It holds digests of settings,
never their values.
"""

import datetime
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.warehouse.connect import open_to_read, quote
from kubestats_pipeline.warehouse.load import Sources, Stamp
from kubestats_pipeline.warehouse.values.withhold import PublishRule

PACKAGE = Path(__file__).parents[1]
RULES = ("lake", "redaction", "warehouse")
"""The folders of the package whose code and SQL decide what a published file holds."""

Files = Mapping[str, Mapping[str, tuple[Stamp, int]]]
"""The Parquet files of each table by path, each with its stamp and the number of its rows."""

_SCHEMA = """
CREATE TABLE {place}.info (built_at TIMESTAMPTZ, whole_at TIMESTAMPTZ, rules VARCHAR, publish_values VARCHAR);
CREATE TABLE {place}.files (table_name VARCHAR, path VARCHAR, stamp BIGINT[], file_rows BIGINT);
CREATE TABLE {place}.setting_shares AS FROM {shares}
"""


@dataclass(frozen=True)
class Basis:
    """The basis of one published file.

    Attributes:
        built_at: when the build of that file began to read the lake.
        whole_at: the same of the last build that read all of it.
        rules: digest of the code that built it, see `rules_digest`.
        publish_values: the rule by which values of settings were published.
        files: the files that the file was built from.
    """

    built_at: datetime.datetime
    whole_at: datetime.datetime
    rules: str
    publish_values: PublishRule
    files: Files

    @property
    def rows(self) -> dict[str, int]:
        """The rows of each table in the lake's files."""
        return {table: sum(rows for _, rows in files.values()) for table, files in self.files.items()}


@functools.cache
def rules_digest() -> str:
    """Digest of everything in this program that decides what a file built from given files holds."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for folder in RULES:
        for path in sorted((PACKAGE / folder).rglob("*")):
            if path.suffix in (".py", ".sql"):
                digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def read_basis(layout: Layout) -> Basis | None:
    """The basis of the published file, or None where there is none."""
    if not (layout.basis.exists() and layout.warehouse.exists()):
        return None
    try:
        with open_to_read(layout.warehouse) as connection:
            (built_at,) = connection.execute("SELECT built_at FROM warehouse_info").fetchall()[0]
        with open_to_read(layout.basis) as connection:
            found = connection.execute("FROM info").fetchall()[0]
            rows = connection.execute("SELECT table_name, path, stamp, file_rows FROM files").fetchall()
    except (duckdb.Error, IndexError):  # a file of another version, or a damaged one
        return None
    files: dict[str, dict[str, tuple[Stamp, int]]] = {}
    for table, file, (inode, size, written), count in rows:
        files.setdefault(table, {})[str(layout.data_dir / file)] = ((inode, size, written), count)
    made_at, whole_at, rules, rule = found
    return Basis(made_at, whole_at, rules, rule, files) if made_at == built_at else None


def write_basis(connection: duckdb.DuckDBPyConnection, path: Path, layout: Layout, basis: Basis, shares: str) -> None:
    """Write a basis to a new file. `shares` is a query's source with who shares which setting."""
    connection.execute(f"ATTACH {quote(str(path))} AS basis")
    connection.execute(_SCHEMA.format(place="basis", shares=shares))
    info = [basis.built_at, basis.whole_at, basis.rules, basis.publish_values]
    connection.execute("INSERT INTO basis.info VALUES (?, ?, ?, ?)", info)
    rows = [
        (table, layout.name_of(Path(file)), list(stamp), count)
        for table, files in basis.files.items()
        for file, (stamp, count) in files.items()
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    unnested = "unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::BIGINT[][]), unnest(?::BIGINT[])"
    connection.execute(f"INSERT INTO basis.files SELECT {unnested}", columns)
    connection.execute("CHECKPOINT basis; DETACH basis")


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
