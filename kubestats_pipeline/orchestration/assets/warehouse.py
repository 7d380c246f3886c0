"""The Dagster skin of publishing: `ecosystem_stats` by day, and `warehouse` with one asset for each of its marts."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from kubestats_pipeline.lake.lake import LakeError
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS, REPOSITORIES, TABLES
from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.orchestration.asset_pages.days import materialized_day, rows_of_days
from kubestats_pipeline.orchestration.asset_pages.figures import ROWS, figures, numbers_before, page_finder
from kubestats_pipeline.orchestration.asset_pages.mart_groups import GROUP_OF
from kubestats_pipeline.orchestration.asset_pages.sources import code_version, sql_of
from kubestats_pipeline.orchestration.assets.report import link_to_pages
from kubestats_pipeline.orchestration.base.asset_specs import (
    COLUMN_LINEAGE,
    COLUMN_SCHEMA,
    column_lineage,
    failures_table,
    mart_schema,
    table_spec,
)
from kubestats_pipeline.orchestration.base.batches import is_partitioned
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.partitions import register_days, statistics_days, unregistered_days
from kubestats_pipeline.storage.bucket import StoreError
from kubestats_pipeline.warehouse.column_lineage import read_traced
from kubestats_pipeline.warehouse.marts import MARTS, Mart


@dg.multi_asset(
    name="statistics",
    pool="statistics",
    backfill_policy=dg.BackfillPolicy.single_run(),
    specs=[
        table_spec(
            ECOSYSTEM_STATS,
            deps=["discovery_runs", "scan_runs"],
            partitions_def=statistics_days,
            skippable=True,
            kinds=("duckdb", "parquet"),
        )
    ],
)
def statistics_assets(
    context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]
) -> Iterator[dg.MaterializeResult[None]]:
    """Compute the run's days, or all days whose row is missing or out of date."""
    from kubestats_pipeline.warehouse.basis import note_statistics, read_basis
    from kubestats_pipeline.warehouse.sources import WarehouseError  # duckdb: only the run pays for it
    from kubestats_pipeline.warehouse.statistics.ecosystem import backfill_ecosystem_stats, record_due_days

    try:
        with services.progress.track("statistics", 1) as done:
            if is_partitioned(context):
                days = [date.fromisoformat(key) for key in context.partition_keys]
                written = set(backfill_ecosystem_stats(services.pulled_lake(), days))
            else:
                before, today = read_basis(services.pulled_lake(), ""), services.now().date()
                days = record_due_days(services.lake, today)
                written = set(days)
                note_statistics(services.lake, before, today)
            done(f"{len(written)} days")
        known = rows_of_days(services.lake)
    except (WarehouseError, LakeError, BusyError, StoreError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info("%d days computed", len(written), extra={"fields": {"days": len(written)}})
    shown = sorted({*days, *unregistered_days(context.instance, statistics_days, known)})
    register_days(context.instance, statistics_days, ECOSYSTEM_STATS.name, shown)
    for day in shown:
        context.log_event(materialized_day(day, known.get(day)))
    yield from ()


_LINEAGES = read_traced()

warehouse_spec = dg.AssetSpec(
    "warehouse",
    deps=list(TABLES),
    group_name="warehouse",
    kinds={"duckdb"},
    description="The DuckDB file with all tables and marts, built beside the published one and renamed into place.",
    metadata={"dagster/storage_kind": "duckdb"},
    owners=["team:kubestats"],
    tags={"kubestats/partitioning": "none"},
)


def _mart_spec(mart: Mart) -> dg.AssetSpec:
    """The asset of a mart: it hangs on the marts that it reads, and on the warehouse for all tables."""
    marts = {mart.name for mart in MARTS}
    deps = sorted({name if name in marts else "warehouse" for name in mart.depends_on})
    return dg.AssetSpec(
        mart.name,
        deps=deps,
        group_name=GROUP_OF[mart.name],
        code_version=code_version(mart.sql),
        kinds={"duckdb", mart.relation.lower()},
        description=f"{mart.description}\n\n```sql\n{mart.sql}\n```",
        metadata={
            "dagster/table_name": f"kubestats.main.{mart.name}",
            "dagster/storage_kind": "duckdb",
            COLUMN_LINEAGE: column_lineage(_LINEAGES[mart.name]),
            **sql_of(mart),
        },
        owners=["team:kubestats"],
        tags={"kubestats/partitioning": "none"},
    )


@dg.multi_asset(name="publish", pool="warehouse", specs=[warehouse_spec, *(_mart_spec(mart) for mart in MARTS)])
def warehouse_assets(
    context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]
) -> Iterator[dg.MaterializeResult[None]]:
    """Build the file, check it, publish it, and describe what is in it."""
    from kubestats_pipeline.upgrade.redact_lake import redact_lake
    from kubestats_pipeline.warehouse.build import build_warehouse  # duckdb: only the run pays for it
    from kubestats_pipeline.warehouse.describe import count_syncs, describe
    from kubestats_pipeline.warehouse.sources import WarehouseError

    try:
        with services.progress.track("publish", 1) as done:
            redacted = redact_lake(services.pulled_lake())
            report = build_warehouse(services.lake, services.settings.publish_values)
            done(report.path.name)
    except (WarehouseError, LakeError, BusyError, StoreError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    if redacted.values:
        context.log.warning(redacted.text)
    withheld = {f"{found.kind} in {found.table}.{found.column}": f"{found.rows} rows" for found in report.withheld}
    for what, rows in withheld.items():
        context.log.warning("withheld from the published file: %s, %s", what, rows)
    before = numbers_before(context.instance, ["warehouse", *(mart.name for mart in MARTS)])
    tables_before = before.get("warehouse", {})
    yield dg.MaterializeResult(
        asset_key="warehouse",
        metadata={
            "path": dg.MetadataValue.path(report.path),
            "size_mb": round(report.size_bytes / 1e6, 2),
            "seconds": report.seconds,
            "built": f"as a whole: {report.whole_because}" if report.whole_because else "what has changed",
            "withheld_rows": sum(found.rows for found in report.withheld),
            "withheld": failures_table(withheld),
            **{f"rows_{table}": rows for table, rows in report.rows.items()},
        },
    )
    page_of = page_finder(link_to_pages(services.settings))
    for table in describe(report.path, tuple(TABLES)):
        shown = figures(table, tables_before.get(f"rows_{table.name}"), page_of(table.name))
        more = count_syncs(report.path) if table.name == REPOSITORIES.name else {}
        context.log_event(dg.AssetObservation(table.name, metadata={**shown, **more}))
    for mart in describe(report.path, [mart.name for mart in MARTS]):
        metadata: dict[str, Any] = {
            **figures(mart, before.get(mart.name, {}).get(ROWS), page_of(mart.name)),
            COLUMN_SCHEMA: mart_schema(mart.columns, _LINEAGES[mart.name]),
        }
        context.add_asset_metadata(metadata, mart.name)  # a result's own metadata would be in two events
        yield dg.MaterializeResult(asset_key=mart.name)
