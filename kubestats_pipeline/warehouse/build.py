"""Builds the DuckDB file from the lake's Parquet beside the published one and renames it into place.

One table is read by `load.py`, marts come from `marts.py`, and `verify.py` checks before publishing. A
reader has the old file or the new one, whole. A build that fails or dies changes nothing that anybody reads.

Every build reads the whole lake. To replace the rows of the few repositories that changed, in a copy of the published
file, would spare the load of resources and events, and neither the marts nor the checks nor the values that may be
published, all of which depend on every repository: not enough to have two ways to the same file that must agree.
"""

import datetime
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.storage import flush
from kubestats_pipeline.lake.tables import RESOURCES, TABLES
from kubestats_pipeline.locks import is_alive
from kubestats_pipeline.warehouse.connect import open_to_build
from kubestats_pipeline.warehouse.known_places import refuse_contradictions
from kubestats_pipeline.warehouse.known_secrets import FINDINGS_TYPE, SecretFinding, as_rows, withhold_secrets
from kubestats_pipeline.warehouse.load import (
    Sources,
    WarehouseError,
    count_rows,
    find_sources,
    load_table,
    some_columns,
)
from kubestats_pipeline.warehouse.marts import FUNCTIONS, INFO, MACROS, MARTS
from kubestats_pipeline.warehouse.verify import verify
from kubestats_pipeline.warehouse.withhold import DECIDING, WITH_DOCUMENTS, PublishRule, withhold_values

ATTEMPTS = 3
"""How often a build is tried while a scan goes on replacing files under it: events and resources are two files."""

INFO_COMMENT = "one row: this build of the warehouse"
INFO_COLUMNS = {
    "built_at": ("TIMESTAMPTZ", "when the build began to read the lake"),
    "schema_version": ("VARCHAR", "digest of all tables' and views' columns. Another one means another schema"),
    "source_rows": ("MAP(VARCHAR, BIGINT)", "rows of each table in the lake's files"),
    "withheld": (FINDINGS_TYPE, "texts of the lake with the shape of a secret that were withheld from this file"),
    "publish_values": ("VARCHAR", "the rule by which values of settings are published: looks or strict"),
}


@dataclass(frozen=True)
class WarehouseReport:
    """The results of a build.

    Attributes:
        path: the published file.
        built_at: when the build began to read the lake.
        rows: rows of each table.
        views: the views and stored marts, in the order in which they were created.
        size_bytes: size of the file.
        seconds: wall time of the build.
        withheld: texts of the lake with the shape of a secret. The file does not hold them.
    """

    path: Path
    built_at: datetime.datetime
    rows: Mapping[str, int]
    views: tuple[str, ...]
    size_bytes: int
    seconds: float
    withheld: tuple[SecretFinding, ...] = ()


def build_warehouse(lake: Lake, publish_values: PublishRule = "looks") -> WarehouseReport:
    """Build the warehouse from everything in the lake and publish it.

    Every row of every partition is published. When the lake was written to during a build that failed, the build is
    repeated, at most `ATTEMPTS` times in all.

    Raises:
        WarehouseError: a file is damaged, the rows break a rule of `verify.py`, or the disk is full or read-only. The
            published file is as it was and nothing is left beside it.
    """
    started = time.monotonic()
    target = lake.layout.warehouse
    _remove_leftovers(target)
    for _ in range(ATTEMPTS - 1):
        sources = find_sources(lake, tuple(TABLES.values()))
        try:
            return _build(target, sources, started, publish_values)
        except WarehouseError:
            if find_sources(lake, tuple(TABLES.values())) == sources:
                raise
    return _build(target, find_sources(lake, tuple(TABLES.values())), started, publish_values)


def schema_version() -> str:
    """Digest of the names and types of all columns. It changes exactly when the schema does."""
    tables = [(table.name, [(column.name, column.type.value) for column in table.columns]) for table in TABLES.values()]
    views = [(mart.name, [name for name, _ in mart.columns]) for mart in (*MARTS, *MACROS)]
    return hashlib.sha256(repr((tables, views)).encode()).hexdigest()[:12]


def _build(target: Path, sources: Sources, started: float, publish_values: PublishRule) -> WarehouseReport:
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    built_at = datetime.datetime.now(datetime.UTC)
    try:
        _remove(temporary)
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_to_build(temporary) as connection:
            rows = _load(connection, sources, publish_values)
            withheld = withhold_secrets(connection)
            _write_info(connection, built_at, rows, withheld, publish_values)
            _describe(connection)
            refuse_contradictions(connection)
            _refuse_violations(connection)
            connection.execute("CHECKPOINT")
        _publish(temporary, target)
        size = target.stat().st_size
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:  # a full disk can be any of them
        problem = f"{target} cannot be built ({type(error).__name__})"
        raise WarehouseError(f"{problem}. See that the disk is neither full nor read-only, and run again") from error
    finally:
        _remove(temporary)
    views = tuple(mart.name for mart in MARTS)
    seconds = round(time.monotonic() - started, 3)
    return WarehouseReport(target, built_at, rows, views, size, seconds, tuple(withheld))


def _load(connection: duckdb.DuckDBPyConnection, sources: Sources, publish_values: PublishRule) -> dict[str, int]:
    """Fill all tables with what may be published. Give the rows that the lake's files say that they have.

    Documents come last: what they may show is decided by all other tables and columns.
    """
    for table in TABLES.values():
        if table.name not in WITH_DOCUMENTS:
            load_table(connection, table, list(sources[table.name]))
    with some_columns(connection, RESOURCES, list(sources[RESOURCES.name]), DECIDING):
        shown = withhold_values(connection, publish_values)
    for name in WITH_DOCUMENTS:
        load_table(connection, TABLES[name], list(sources[name]), shown.teach(connection, name))
    return {name: count_rows(connection, list(sources[name])) for name in TABLES}


def _write_info(
    connection: duckdb.DuckDBPyConnection,
    built_at: datetime.datetime,
    rows: Mapping[str, int],
    withheld: Sequence[SecretFinding],
    publish_values: PublishRule,
) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in INFO_COLUMNS.items())
    connection.execute(f"CREATE TABLE {INFO} ({columns})")
    values = [built_at, schema_version(), list(rows), list(rows.values()), as_rows(withheld), publish_values]
    connection.execute(f"INSERT INTO {INFO} VALUES (?, ?, map(?, ?), ?, ?)", values)  # noqa: S608 - a constant name


def _describe(connection: duckdb.DuckDBPyConnection) -> None:
    """Create marts and macros and comment everything, as one transaction: three hundred would be flushed one by one."""
    connection.execute("BEGIN")
    for table in TABLES.values():
        comments = ((column.name, column.meaning) for column in table.columns)
        _comment(connection, "TABLE", table.name, table.grain, comments)
    _comment(connection, "TABLE", INFO, INFO_COMMENT, ((name, meaning) for name, (_, meaning) in INFO_COLUMNS.items()))
    for function in FUNCTIONS:
        connection.execute(f"CREATE MACRO {function.signature} AS {function.sql}")
        connection.execute(f"COMMENT ON MACRO {function.name} IS {_quote(function.description)}")
    for mart in MARTS:
        connection.execute(f"CREATE {mart.relation} {mart.name} AS {mart.sql}")
        _comment(connection, mart.relation, mart.name, mart.description, mart.columns)
    for macro in MACROS:
        connection.execute(f"CREATE MACRO {macro.signature} AS TABLE {macro.sql}")
        connection.execute(f"COMMENT ON MACRO TABLE {macro.name} IS {_quote(macro.description)}")
    connection.execute("COMMIT")


def _comment(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, comment: str, columns: Iterable[tuple[str, str]]
) -> None:
    connection.execute(f"COMMENT ON {kind} {name} IS {_quote(comment)}")
    for column, meaning in columns:
        connection.execute(f'COMMENT ON COLUMN {name}."{column}" IS {_quote(meaning)}')


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _refuse_violations(connection: duckdb.DuckDBPyConnection) -> None:
    violations = verify(connection)
    if violations:
        lines = [f"{found.table}: {found.count} {found.detail} [{found.check}]" for found in violations]
        remedy = "Scan the repositories named again, or restore their partitions. The published warehouse is unchanged"
        raise WarehouseError(f"{'; '.join(lines)}. {remedy}")


def _publish(temporary: Path, target: Path) -> None:
    flush(temporary)
    # Who opened the old file for writing and died left a log, beside which DuckDB refuses to open the new file.
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    temporary.replace(target)
    flush(target.parent)


def _remove(temporary: Path) -> None:
    """Remove a temporary database with its log and the folder that it spilled to."""
    for suffix in ("", ".wal"):
        temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)
    shutil.rmtree(temporary.with_name(temporary.name + ".tmp"), ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Remove what builds that were killed left behind. A build that still runs in another process keeps its own."""
    pattern = re.compile(re.escape(target.name) + r"\.(\d+)\.tmp(\.wal|\.tmp)?")
    for path in target.parent.glob(f"{target.name}.*"):
        match = pattern.fullmatch(path.name)
        if match and (int(match[1]) == os.getpid() or not is_alive(int(match[1]))):
            _remove(target.with_name(f"{target.name}.{match[1]}.tmp"))
