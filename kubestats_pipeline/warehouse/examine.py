"""Looks at one table of the published warehouse and at its files in the lake: schema, references, equality, secrets.

`verify.py` holds the rules for which a build refuses to publish. Those here are looked at afterwards, by Dagster's
asset checks: files of an earlier version are read as far as they go, a repository that discovery has lost keeps its
history, and a text may look like a secret and be none. Nothing here changes anything; no message quotes a document.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import polars as pl

from kubestats_pipeline.contract import Partitioning, Table, Type, references
from kubestats_pipeline.frames import parquet_schema
from kubestats_pipeline.lake import Lake
from kubestats_pipeline.tables import TABLES
from kubestats_pipeline.warehouse.load import find_sources, select_rows
from kubestats_pipeline.warehouse.verify import Violation
from kubestats_pipeline.warehouse.withhold import WITHHELD

SECRETS: Mapping[str, str] = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a GitHub token": r"\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})",
    "a GitLab token": r"\bglpat-[\w-]{20,}",
    "a Slack token": r"\bxox[abeprs]-\d[\w-]{10,}",
    "an AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "an age key": r"AGE-SECRET-KEY-1[0-9A-Z]{50,}",
    "SOPS ciphertext": r"ENC\[AES256_GCM,data:",
}
"""What no table may hold, by its name and as RE2 knows it; written apart from the scanner's rules, to check them."""

TEXTS = (Type.TEXT, Type.TEXTS, Type.JSON)

NEWEST: Mapping[str, str] = {
    "repositories": "SELECT max(last_seen_at) FROM repositories",
    "snapshots": "SELECT max(last_sync_at) FROM snapshots",
    "ecosystem_stats": "SELECT (max(date) + 1)::TIMESTAMPTZ FROM ecosystem_stats",
    "warehouse": "SELECT built_at FROM warehouse_info",
}
"""What tells how old an asset's newest content is; a day of the statistics stands for its end."""

_GROUPS = {Partitioning.REPOSITORY: "repository_id", Partitioning.DATE: "date", Partitioning.WHOLE: "''"}


def find_other_columns(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> list[Violation]:
    """Files of the lake, and the published table itself, whose columns are not those of the contract."""
    found = []
    published = connection.execute(f"DESCRIBE {table.name}").fetchall()
    if [name for name, *_ in published] != list(table.column_names):
        detail = "published table has other columns than the contract; publish again"
        found.append(Violation("schema", table.name, 1, detail))
    for count, example in _shapes(connection, _files(lake, table)):
        shape = pl.read_parquet_schema(example)
        if shape != parquet_schema(table):
            lacking = sorted(set(table.column_names) - set(shape)) or ["other types"]
            detail = f"files of another version ({', '.join(lacking)}), such as {example}; scan them again"
            found.append(Violation("schema", table.name, count, detail))
    return found


def find_lost_references(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Violation]:
    """Rows whose `…_id` names a row that the table of that key does not have."""
    found = []
    for column, other in references(table, tuple(TABLES.values())):
        query = (
            f"SELECT count(*), min(example) FROM (SELECT {column} AS example FROM {table.name} "  # noqa: S608 - the contract's
            f"ANTI JOIN {other.name} USING ({column}) WHERE {column} IS NOT NULL GROUP BY {column})"
        )
        count, example = connection.execute(query).fetchall()[0]
        if count:
            detail = f"values of {column} that {other.name} does not have, such as {example}"
            found.append(Violation("references", table.name, count, detail))
    return found


def find_differences(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> list[Violation]:
    """Repositories or days whose rows in the warehouse are not those of the lake, by number and fingerprint.

    What was written to the lake after the build is left out, and so are columns of which the build withholds values.
    """
    group = _GROUPS[table.partitioning]
    columns = ", ".join(f'"{name}"' for name in table.column_names if name not in WITHHELD.get(table.name, ()))
    fingerprint = f"SELECT {group}::VARCHAR AS part, count(*) AS rows, bit_xor(hash({columns})) AS print"
    published = f"{fingerprint} FROM {table.name} AS each GROUP BY ALL"
    older, newer = _split_by_age(connection, lake, table)
    in_lake = "SELECT NULL AS part, 0 AS rows, 0::UBIGINT AS print WHERE FALSE"
    if older:
        in_lake = f"{fingerprint} FROM ({select_rows(connection, table, older, older=True)}) AS each GROUP BY ALL"
    query = (
        f"SELECT count(*), min(part) FROM ({published}) AS built FULL JOIN ({in_lake}) AS kept USING (part) "  # noqa: S608
        "WHERE NOT list_contains($moved, part) AND (built.rows, built.print) IS DISTINCT FROM (kept.rows, kept.print)"
    )
    parameters = {"moved": _moved(connection, group, newer), **({"files": older} if older else {})}
    count, example = connection.execute(query, parameters).fetchall()[0]
    detail = f"partitions differ between lake and warehouse, such as {example or table.name}; publish again"
    return [Violation("equals_lake", table.name, count, detail)] if count else []


def find_secrets(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Violation]:
    """Rows with something that looks like a secret, by column; the value is never told."""
    found = []
    for column in (column for column in table.columns if column.type in TEXTS):
        shapes = list(SECRETS.values())
        any_shape = "|".join(f"(?:{shape})" for shape in shapes)
        counts = ", ".join(f"count(*) FILTER (WHERE regexp_matches(text, '{shape}'))" for shape in shapes)
        query = (
            f'SELECT {counts} FROM (SELECT "{column.name}"::VARCHAR AS text FROM {table.name}) '  # noqa: S608 - our own
            f"WHERE regexp_matches(text, '{any_shape}')"
        )
        (numbers,) = connection.execute(query).fetchall()
        found += [
            Violation("no_secrets", table.name, number, f"rows in which {column.name} holds {name}")
            for name, number in zip(SECRETS, numbers, strict=True)
            if number
        ]
    return found


def newest(connection: duckdb.DuckDBPyConnection, asset: str) -> datetime.datetime | None:
    """Until when an asset of `NEWEST` is up to date; None where it is empty."""
    (moment,) = connection.execute(NEWEST[asset]).fetchall()[0]
    return moment.astimezone(datetime.UTC) if moment else None


def share_of_unread_files(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """How many files could not be read though they should, and how many there are with resources or such problems.

    Templates and files whose kind is encrypted are no mistakes of anybody, and what has only a few odd bytes was read.
    """
    files = "SELECT DISTINCT repository_id, file_path FROM"
    unread = f"{files} scan_problems WHERE problem NOT IN ('template', 'encrypted_kind', 'encoding_replaced')"
    read = f"{files} resources WHERE status = 'ACTIVE'"
    query = f"SELECT (SELECT count(*) FROM ({unread})), (SELECT count(*) FROM ({unread} UNION {read}))"  # noqa: S608
    bad, every = connection.execute(query).fetchall()[0]
    return bad, every


def _files(lake: Lake, table: Table) -> list[str]:
    return list(find_sources(lake, [table])[table.name])


def _shapes(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> Iterator[tuple[int, str]]:
    """One file for each set of columns, and how many have it: most tables have one in thousands of files."""
    if not files:
        return iter(())
    query = (
        "SELECT count(*), min(file_name) FROM (SELECT file_name, list((name, type, logical_type)) AS shape "
        "FROM parquet_schema($files) GROUP BY file_name) GROUP BY shape"
    )
    return iter(connection.execute(query, {"files": list(files)}).fetchall())


def _split_by_age(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> tuple[list[str], list[str]]:
    """The files that the build has read, and those that were written since."""
    (built_at,) = connection.execute("SELECT built_at FROM warehouse_info").fetchall()[0]
    began = built_at.astimezone(datetime.UTC).timestamp() * 1e9
    stamps = find_sources(lake, [table])[table.name]
    older = [path for path, (_, _, written) in stamps.items() if written < began]
    return older, [path for path in stamps if path not in set(older)]


def _moved(connection: duckdb.DuckDBPyConnection, group: str, files: Sequence[str]) -> list[str]:
    if not files:
        return []
    query = f"SELECT DISTINCT {group}::VARCHAR FROM read_parquet($files, hive_partitioning = false)"  # noqa: S608
    return [part for (part,) in connection.execute(query, {"files": list(files)}).fetchall()]
