"""Looks at one table of the published warehouse and at its files in the lake: schema, references, equality, secrets.

`verify.py` holds the rules for which a build refuses to publish. Those here are looked at afterwards, by Dagster's
asset checks: files of an earlier version are read as far as they go, a repository that discovery has lost keeps its
history, and a text may only look like a secret. Nothing here changes anything. No message quotes a document.
"""

import datetime
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import PurePath

import duckdb
import polars as pl

from kubestats_pipeline.lake.contract import Partitioning, Table, references
from kubestats_pipeline.lake.frames import parquet_schema
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.built_from import read_built_from
from kubestats_pipeline.warehouse.changes import OWNED, find_ids
from kubestats_pipeline.warehouse.connect import quote
from kubestats_pipeline.warehouse.load import select_rows
from kubestats_pipeline.warehouse.sources import find_sources
from kubestats_pipeline.warehouse.values.known_secrets import find_secrets, read_withheld
from kubestats_pipeline.warehouse.values.withhold import WITHHELD
from kubestats_pipeline.warehouse.verify import Violation

NEWEST: Mapping[str, str] = {
    "repositories": "SELECT max(last_seen_at) FROM repositories",
    "snapshots": "SELECT max(last_sync_at) FROM snapshots",
    "ecosystem_stats": "SELECT (max(date) + 1)::TIMESTAMPTZ FROM ecosystem_stats",
    "warehouse": "SELECT built_at FROM warehouse_info",
}
"""Time of an asset's newest content. A day of the statistics counts as its end."""

_GROUPS = {
    Partitioning.REPOSITORY: "repository_id",
    Partitioning.DATE: "date",
    Partitioning.YEAR: "date",
    Partitioning.WHOLE: "''",
}


def find_other_columns(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> list[Violation]:
    """Files of the lake, and the published table itself, whose columns are not those of the contract."""
    found = []
    published = connection.execute(f"DESCRIBE {table.name}").fetchall()
    if [name for name, *_ in published] != list(table.column_names):
        detail = "published table has other columns than the contract. Publish again"
        found.append(Violation("schema", table.name, 1, detail))
    for count, example in _shapes(connection, _files(lake, table)):
        shape = pl.read_parquet_schema(example)
        if shape != parquet_schema(table):
            lacking = sorted(set(table.column_names) - set(shape)) or ["other types"]
            detail = f"files of another version ({', '.join(lacking)}), such as {example}. Scan them again"
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


def narrow_to_refreshed(connection: duckdb.DuckDBPyConnection, lake: Lake) -> Container[str] | None:
    """Let all questions about repositories' tables be about the rows that were replaced since all were built.

    All others were looked at then. Give the folders of these repositories in the lake, or None for a whole build.
    """
    origin = read_built_from(lake.layout)
    if origin is None or origin.built_at == origin.whole_at:
        return None
    found = find_ids(connection, find_sources(lake, OWNED), origin.refreshed)
    ids = ", ".join(map(quote, sorted(found))) or "''"
    ((catalog,),) = connection.execute("SELECT current_database()").fetchall()
    for table in OWNED:
        rows = f'FROM "{catalog}".main.{table.name} WHERE repository_id IN ({ids})'
        connection.execute(f"CREATE TEMP VIEW {table.name} AS {rows}")
    return origin.refreshed


def find_differences(
    connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, folders: Container[str] | None = None
) -> list[Violation]:
    """Repositories or days whose rows in the warehouse are not those of the lake, by number and fingerprint.

    Later additions to the lake are left out, and so are columns of which the build withholds values. `folders` are
    those of `narrow_to_refreshed`.
    """
    group = _GROUPS[table.partitioning]
    unlike = {finding.column for finding in read_withheld(connection) if finding.table == table.name}
    unlike |= set(WITHHELD.get(table.name, ()))
    columns = ", ".join(f'"{name}"' for name in table.column_names if name not in unlike)
    fingerprint = f"SELECT {group}::VARCHAR AS part, count(*) AS rows, bit_xor(hash({columns})) AS print"
    groups = "GROUP BY ALL HAVING count(*) > 0"  # a constant makes a group of no rows
    published = f"{fingerprint} FROM {table.name} AS each {groups}"
    older, newer = _split_by_age(connection, lake, table)
    if folders is not None and table in OWNED:
        older = _within(older, folders)
    in_lake = "SELECT NULL AS part, 0 AS rows, 0::UBIGINT AS print WHERE FALSE"
    if older:
        in_lake = f"{fingerprint} FROM ({select_rows(connection, table, older, older=True)}) AS each {groups}"
    query = (
        f"SELECT count(*), min(part) FROM ({published}) AS built FULL JOIN ({in_lake}) AS kept USING (part) "  # noqa: S608
        "WHERE NOT list_contains($moved, part) AND (built.rows, built.print) IS DISTINCT FROM (kept.rows, kept.print)"
    )
    parameters = {"moved": _moved(connection, group, newer), **({"files": older} if older else {})}
    count, example = connection.execute(query, parameters).fetchall()[0]
    detail = f"partitions differ between lake and warehouse, such as {example or table.name}. Publish again"
    return [Violation("equals_lake", table.name, count, detail)] if count else []


def find_published_secrets(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Violation]:
    """Rows of the published file with something that has the shape of a secret, by column. The value is never shown."""
    return [
        Violation("no_secrets", table.name, finding.rows, f"rows in which {finding.column} holds {finding.kind}")
        for finding in find_secrets(connection, table)
    ]


def find_withheld_secrets(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Violation]:
    """The same of the lake's rows when the file was built, from which the build has withheld it."""
    return [
        Violation("no_secrets", table.name, finding.rows, f"lake rows in which {finding.column} holds {finding.kind}")
        for finding in read_withheld(connection)
        if finding.table == table.name
    ]


def newest(connection: duckdb.DuckDBPyConnection, asset: str) -> datetime.datetime | None:
    """Until when an asset of `NEWEST` is up to date. None where it is empty."""
    (moment,) = connection.execute(NEWEST[asset]).fetchall()[0]
    return moment.astimezone(datetime.UTC) if moment else None


def share_of_unread_files(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """How many files could not be read though they should, and how many there are with resources or such problems.

    Templates and files whose kind is encrypted are not mistakes, and a file with only a few odd bytes was read.
    """
    files = "SELECT DISTINCT repository_id, file_path FROM"
    unread = (
        f"{files} scan_problems WHERE problem NOT IN ('template', 'encrypted_kind', 'encoding_replaced', 'not_built')"
    )
    read = f"{files} resources WHERE status = 'ACTIVE'"
    query = f"SELECT (SELECT count(*) FROM ({unread})), (SELECT count(*) FROM ({unread} UNION {read}))"  # noqa: S608
    bad, every = connection.execute(query).fetchall()[0]
    return bad, every


def _files(lake: Lake, table: Table) -> list[str]:
    return list(find_sources(lake, [table])[table.name])


def _within(files: Sequence[str], folders: Container[str]) -> list[str]:
    return [path for path in files if PurePath(path).parent.name in folders]


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
