"""The table contracts as Dagster metadata: column schemas, table names and descriptions for the asset pages."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from kubestats_pipeline.contract import Table

COLUMN_SCHEMA = "dagster/column_schema"


def table_spec(
    table: Table,
    *,
    deps: Iterable[str] = (),
    partitions_def: dg.PartitionsDefinition[str] | None = None,
    skippable: bool = False,
    kinds: Iterable[str] = ("parquet",),
) -> dg.AssetSpec:
    """The asset of a table: described, keyed and typed as the contract declares it."""
    key = ", ".join(f"`{column}`" for column in table.key)
    return dg.AssetSpec(
        table.name,
        deps=list(deps),
        partitions_def=partitions_def,
        skippable=skippable,
        group_name=table.stage,
        kinds={*kinds},
        description=f"{table.grain.capitalize()}. Key: {key}.",
        metadata={COLUMN_SCHEMA: column_schema(table), "dagster/table_name": f"lake.{table.name}"},
        owners=["team:kubestats"],
        tags={"kubestats/partitioning": table.partitioning.value},
    )


def column_schema(table: Table) -> dg.TableSchema:
    """The columns of a table with types, meanings, and which may not be null."""
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


def view_schema(columns: Iterable[tuple[str, str, str]]) -> dg.TableSchema:
    """The columns of a view, given as name, type and meaning."""
    return dg.TableSchema(columns=[dg.TableColumn(name, kind, meaning) for name, kind, meaning in columns])


def failures_table(failures: Mapping[str, str], most: int = 50) -> Any:
    """A markdown table of what failed and why, for a run's metadata."""
    lines = ["| what | why |", "| --- | --- |"]
    lines += [f"| {_cell(name)} | {_cell(reason)} |" for name, reason in list(failures.items())[:most]]
    if len(failures) > most:
        lines.append(f"| … | {len(failures) - most} more |")
    return dg.MetadataValue.md("\n".join(lines))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
