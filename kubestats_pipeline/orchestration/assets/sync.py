"""The Dagster skin of syncing: `snapshots`, many repositories a run."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from kubestats_pipeline.lake.lake import LakeError
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline.orchestration.base.asset_specs import table_spec
from kubestats_pipeline.orchestration.base.batches import Batch, BatchConfig, push, swept, targets
from kubestats_pipeline.orchestration.base.code_urls import code_url
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.partitions import repository_partitions
from kubestats_pipeline.orchestration.base.sharing import open_leases
from kubestats_pipeline.storage.bucket import StoreError
from kubestats_pipeline.sync.outcomes import Elsewhere, Empty, Result, Synced, TooLarge, Unchanged, Unsupported
from kubestats_pipeline.sync.retries import due

sync_runs = dg.AssetSpec(
    "sync_runs",
    deps=["snapshots"],
    group_name="sync",
    description="One entry per batch of repositories that was synced: how many changed, failed, and how long it took.",
    owners=["team:kubestats"],
    kinds={"dagster"},
    tags={"kubestats/partitioning": "none"},
)


@dg.multi_asset(
    name="sync",
    pool="sync",
    backfill_policy=dg.BackfillPolicy.single_run(),
    specs=[
        table_spec(
            SNAPSHOTS,
            deps=["discovery_runs"],
            partitions_def=repository_partitions,
            skippable=True,
            kinds=("git", "parquet"),
        )
    ],
)
def sync_assets(
    context: dg.AssetExecutionContext, config: BatchConfig, services: dg.ResourceParam[Services]
) -> Iterator[dg.MaterializeResult[None]]:
    """Fetch the mirrors of the run's repositories, or of all that are due."""
    from kubestats_pipeline.sync.sync import sync_all  # httpx: only the run pays for it

    started = services.now()
    batch = Batch(context, keys=("snapshots",))
    leases = open_leases(services)
    try:
        lake = services.pulled_lake()
        known = services.repositories()
    except (LakeError, StoreError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    wanted = targets(context, config, known) or due(swept(config, known), lake, started)
    batch.requested = len(wanted)
    with services.progress.track("sync", len(wanted)) as done:
        for result in sync_all(wanted, services.settings, lake, context.run.run_id, services.now, leases):
            _record(batch, result)
            done(result.repository.full_name)
    push(lake)
    batch.finish("sync_runs", seconds=(services.now() - started).total_seconds())
    yield from ()


def _record(batch: Batch, result: Result) -> None:
    outcome, name = result.outcome, result.repository.full_name
    if isinstance(outcome, Elsewhere):
        batch.leave(name, outcome.reason)
        return
    if isinstance(outcome, Empty | TooLarge | Unsupported):
        batch.note(name, outcome.reason, has_row=result.row is not None)
        return
    if not isinstance(outcome, Synced | Unchanged):
        row = result.row
        batch.fail(name, outcome.reason, next_attempt=row["next_attempt_at"] if row else None, has_row=bool(row))
        return
    metadata: dict[str, Any] = {
        "status": outcome.status,
        "commit": outcome.head,
        "branch": outcome.branch,
        "seconds": round(result.seconds, 3),
    }
    if isinstance(outcome, Synced):
        metadata["committed_at"] = dg.MetadataValue.timestamp(outcome.committed_at)
    if (url := code_url(result.repository, outcome.head)) is not None:
        metadata["code"] = dg.MetadataValue.url(url)
    changed = isinstance(outcome, Synced)
    batch.record(name, metadata, changed=changed, version=outcome.head, rows={"snapshots": 1})
