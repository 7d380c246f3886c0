"""The table contracts as Dagster metadata: column schemas and lineage, names and descriptions for the asset pages."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.plain_text import plain
from kubestats_pipeline.warehouse.column_lineage import DECLARED, Lineage

COLUMN_SCHEMA = "dagster/column_schema"
COLUMN_LINEAGE = "dagster/column_lineage"

MOST_SOURCES = 4
"""Sources that a column's description names. The lineage has them all."""


def table_spec(
    table: Table,
    *,
    deps: Iterable[str] = (),
    partitions_def: dg.PartitionsDefinition[str] | None = None,
    skippable: bool = False,
    kinds: Iterable[str] = ("parquet",),
    code_version: str | None = None,
) -> dg.AssetSpec:
    """The asset of a table: described, keyed and typed as the contract declares it."""
    key = ", ".join(f"`{column}`" for column in table.key)
    lineage = DECLARED.get(table.name, {})
    metadata: dict[str, Any] = {COLUMN_SCHEMA: column_schema(table), "dagster/table_name": f"lake.{table.name}"}
    if lineage:
        metadata[COLUMN_LINEAGE] = column_lineage(lineage)
    return dg.AssetSpec(
        table.name,
        deps=list(deps),
        partitions_def=partitions_def,
        skippable=skippable,
        group_name=table.stage,
        kinds={*kinds},
        description=f"{table.grain.capitalize()}. Key: {key}.",
        metadata=metadata,
        owners=["team:kubestats"],
        code_version=code_version,
        tags={"kubestats/partitioning": table.partitioning.value},
    )


def column_schema(table: Table) -> dg.TableSchema:
    """The columns of a table with types, descriptions and constraints."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type.value,
                column.meaning,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=table.key == (column.name,)),
            )
            for column in table.columns
        ]
    )


def mart_schema(columns: Iterable[tuple[str, str, str]], lineage: Lineage) -> dg.TableSchema:
    """The columns of a mart, given as name, type and description, each with where it comes from.

    The open-source UI draws no graph of columns, so that their descriptions are where a user sees it.
    """
    return dg.TableSchema(
        columns=[dg.TableColumn(name, kind, meaning + _told_sources(lineage, name)) for name, kind, meaning in columns]
    )


def column_lineage(lineage: Lineage) -> dg.TableColumnLineage:
    """Where each column comes from, as Dagster keeps it."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey(source.relation), source.column) for source in sources]
            for name, sources in lineage.items()
        }
    )


def _told_sources(lineage: Lineage, column: str) -> str:
    sources = lineage.get(column, ())
    more = [f"{len(sources) - MOST_SOURCES} more"] if len(sources) > MOST_SOURCES else []
    shown = [*(f"`{source}`" for source in sources[:MOST_SOURCES]), *more]
    return f" ← {', '.join(shown)}" if shown else ""


def failures_table(failures: Mapping[str, str], most: int = 50) -> Any:
    """A table of what failed and why, for a run's metadata. Its cells are texts, whatever strangers have written."""
    if not failures:
        return "none"
    shown = dict(list(failures.items())[:most])
    if len(failures) > most:
        shown["…"] = f"{len(failures) - most} more"
    records = [dg.TableRecord({"what": plain(name), "why": plain(reason)}) for name, reason in shown.items()]
    columns = [dg.TableColumn("what", "string"), dg.TableColumn("why", "string")]
    return dg.MetadataValue.table(records=records, schema=dg.TableSchema(columns=columns))
