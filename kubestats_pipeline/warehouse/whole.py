"""Fills an empty DuckDB file: all tables from files of the lake, all marts, functions, macros and comments.

The files are those of the whole lake, or of a few repositories: `refresh.py` lays these over the published ones. What
may not be published is withheld before anything is computed.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence

import duckdb

from kubestats_pipeline.lake.tables import RESOURCES, TABLES
from kubestats_pipeline.warehouse.connect import quote
from kubestats_pipeline.warehouse.load import load_table, some_columns
from kubestats_pipeline.warehouse.marts import FUNCTIONS, INFO, MACROS, MARTS
from kubestats_pipeline.warehouse.sources import Sources
from kubestats_pipeline.warehouse.values.known_secrets import FINDINGS_TYPE, SecretFinding, as_rows
from kubestats_pipeline.warehouse.values.withhold import DECIDING, WITH_DOCUMENTS, PublishRule, withhold_values

INFO_COMMENT = "one row: this build of the warehouse"
INFO_COLUMNS = {
    "built_at": (
        "TIMESTAMPTZ",
        "when the build began to read the lake. Later looks at repositories that found nothing new are not "
        "in the file, for six hours at most",
    ),
    "schema_version": ("VARCHAR", "digest of all tables' and views' columns. Another one means another schema"),
    "source_rows": ("MAP(VARCHAR, BIGINT)", "rows of each table in the lake's files"),
    "withheld": (FINDINGS_TYPE, "texts of the lake with the shape of a secret that were withheld from this file"),
    "publish_values": ("VARCHAR", "the rule by which values of settings are published: looks or strict"),
}


def load_tables(
    connection: duckdb.DuckDBPyConnection, sources: Sources, rule: PublishRule, shares: str = "setting_shares"
) -> None:
    """Fill all tables with what may be published, `shares` as in `withhold_values`.

    Documents come last: what they may show is decided by all other tables and columns.

    Raises:
        WarehouseError: as in `load_table`.
    """
    for table in TABLES.values():
        if table.name not in WITH_DOCUMENTS:
            load_table(connection, table, list(sources[table.name]))
    with some_columns(connection, RESOURCES, list(sources[RESOURCES.name]), DECIDING):
        shown = withhold_values(connection, rule, shares)
    for name in WITH_DOCUMENTS:
        load_table(connection, TABLES[name], list(sources[name]), shown.teach(connection, name))


def write_info(
    connection: duckdb.DuckDBPyConnection,
    built_at: datetime.datetime,
    schema: str,
    rows: Mapping[str, int],
    withheld: Sequence[SecretFinding],
    rule: PublishRule,
) -> None:
    """Write down when and from what the file is built."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in INFO_COLUMNS.items())
    connection.execute(f"CREATE TABLE {INFO} ({columns})")
    values = [built_at, schema, list(rows), list(rows.values()), as_rows(withheld), rule]
    connection.execute(f"INSERT INTO {INFO} VALUES (?, ?, map(?, ?), ?, ?)", values)  # noqa: S608 - a constant name


def create_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """Create marts and macros and comment everything, as one transaction: three hundred would be flushed one by one."""
    connection.execute("BEGIN")
    for table in TABLES.values():
        comments = ((column.name, column.meaning) for column in table.columns)
        _comment(connection, "TABLE", table.name, table.grain, comments)
    _comment(connection, "TABLE", INFO, INFO_COMMENT, ((name, meaning) for name, (_, meaning) in INFO_COLUMNS.items()))
    for function in FUNCTIONS:
        connection.execute(f"CREATE MACRO {function.signature} AS {function.sql}")
        connection.execute(f"COMMENT ON MACRO {function.name} IS {quote(function.description)}")
    for mart in MARTS:
        connection.execute(f"CREATE {mart.relation} {mart.name} AS {mart.sql}")
        _comment(connection, mart.relation, mart.name, mart.description, mart.columns)
    for macro in MACROS:
        connection.execute(f"CREATE MACRO {macro.signature} AS TABLE {macro.sql}")
        connection.execute(f"COMMENT ON MACRO TABLE {macro.name} IS {quote(macro.description)}")
    connection.execute("COMMIT")


def _comment(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, comment: str, columns: Iterable[tuple[str, str]]
) -> None:
    connection.execute(f"COMMENT ON {kind} {name} IS {quote(comment)}")
    for column, meaning in columns:
        connection.execute(f'COMMENT ON COLUMN {name}."{column}" IS {quote(meaning)}')
