"""The Dagster skin of scanning: the asset of every table that a scan writes, many repositories a run, and retention."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import LakeError
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import (
    APPLIED_EVENTS,
    APPLIED_RESOURCES,
    HELM_VALUES,
    RESOURCE_EVENTS,
    RESOURCES,
    SCAN_PROBLEMS,
    SCANS,
)
from kubestats_pipeline.orchestration.base.asset_specs import table_spec
from kubestats_pipeline.orchestration.base.batches import Batch, BatchConfig, push, swept, targets
from kubestats_pipeline.orchestration.base.code_urls import code_url
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.partitions import repository_partitions
from kubestats_pipeline.orchestration.base.sharing import open_leases, scan_turns
from kubestats_pipeline.plain_text import plain
from kubestats_pipeline.scan.outcomes import NotSynced, ScanFailed, Scanned, ScannedElsewhere, ScanOutcome
from kubestats_pipeline.scan.store.scanner_version import SCANNER_VERSION
from kubestats_pipeline.storage.bucket import StoreError

scan_runs = dg.AssetSpec(
    "scan_runs",
    deps=["scans"],
    group_name="scan",
    description="One entry per batch of repositories that was scanned: changed, failed, events, problems, time.",
    owners=["team:kubestats"],
    kinds={"dagster"},
    tags={"kubestats/partitioning": "none"},
)


WRITTEN = (
    "resource_events",
    "applied_events",
    "scan_problems",
    "helm_values",
    "applied_resources",
    "resources",
    "scans",
)
"""The tables that a scan writes. A failure stands at the first of them."""


class ScanConfig(BatchConfig):
    """The repositories to scan, and `from_start` to replay their mirrors from the first commit."""

    anew: bool = False


def _spec(table: Table, *deps: str) -> dg.AssetSpec:
    return table_spec(
        table, deps=deps, partitions_def=repository_partitions, skippable=True, code_version=SCANNER_VERSION
    )


@dg.multi_asset(
    name="scan",
    pool="scan",
    backfill_policy=dg.BackfillPolicy.single_run(),
    specs=[
        _spec(RESOURCE_EVENTS, "sync_runs"),
        _spec(SCAN_PROBLEMS, "sync_runs"),
        _spec(HELM_VALUES, "sync_runs"),
        _spec(APPLIED_EVENTS, "sync_runs"),
        _spec(APPLIED_RESOURCES, "sync_runs"),
        _spec(RESOURCES, "sync_runs"),
        _spec(SCANS, *WRITTEN[:-1]),
    ],
)
def scan_assets(
    context: dg.AssetExecutionContext, config: ScanConfig, services: dg.ResourceParam[Services]
) -> Iterator[dg.MaterializeResult[None]]:
    """Replay the new commits of the run's repositories, or of all whose head has moved. All commits where asked to."""
    from kubestats_pipeline.scan.scan import scan_all  # the scanner: only the run pays for it

    started = services.now()
    batch = Batch(context, keys=WRITTEN)
    events = problems = 0
    leases = open_leases(services)
    try:
        lake = services.pulled_lake()
        known = services.repositories()
    except (LakeError, StoreError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    wanted = targets(context, config, known) or swept(config, known)
    batch.requested = len(wanted)
    with services.progress.track("scan", len(wanted)) as done:
        run_id, turns = context.run.run_id, scan_turns(services, leases)
        outcomes = scan_all(wanted, lake, services.settings, run_id, services.now, anew=config.anew, turns=turns)
        for repository, outcome in outcomes:
            _record(batch, repository, outcome)
            if isinstance(outcome, Scanned):
                events, problems = events + outcome.new_events, problems + outcome.problems
            done(repository.full_name)
    push(lake)
    batch.finish("scan_runs", seconds=(services.now() - started).total_seconds(), events=events, problems=problems)
    yield from ()


def _record(batch: Batch, repository: Repository, outcome: ScanOutcome) -> None:
    if isinstance(outcome, ScanFailed):
        batch.fail(repository.full_name, outcome.reason)
        return
    if isinstance(outcome, ScannedElsewhere):
        batch.leave(repository.full_name, outcome.reason)
        return
    if isinstance(outcome, NotSynced):
        return
    metadata: dict[str, Any] = {"commit": outcome.commit}
    if (url := code_url(repository, outcome.commit)) is not None:
        metadata["code"] = dg.MetadataValue.url(url)
    rows: dict[str, int] = {}
    if isinstance(outcome, Scanned):
        rows = {
            "resource_events": outcome.events,
            "scan_problems": outcome.problems,
            "helm_values": outcome.settings,
            "applied_events": outcome.applied_events,
            "applied_resources": outcome.applied,
            "resources": outcome.resources + outcome.deleted,
            "scans": 1,
        }
        metadata |= {
            "resources": outcome.resources,
            "events": outcome.events,
            "new_events": outcome.new_events,
            "problems": outcome.problems,
            "seconds": round(outcome.seconds, 3),
        }
    changed = isinstance(outcome, Scanned)
    batch.record(repository.full_name, metadata, changed=changed, version=outcome.commit, rows=rows)


RETIRING = (
    "Move events, or their documents and field changes, that are older than the settings keep into data/archive. Each "
    "resource's last event stays, so that the present and every younger moment are shown as before."
)


@dg.op(pool="scan", description=RETIRING, out=dg.Out(dg.Nothing))
def retire(context: dg.OpExecutionContext, services: dg.ResourceParam[Services]) -> Iterator[dg.Output[None]]:
    """Retire what is due of every repository, and report how much it was."""
    from kubestats_pipeline.scan.store.retire import RetireFailed, retire_all  # the scanner: only the run pays for it

    try:
        lake = services.pulled_lake()
    except StoreError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    outcomes = list(retire_all(lake, services.settings.retention, services.now().date()))
    push(lake)
    failed = [outcome for outcome in outcomes if isinstance(outcome, RetireFailed)]
    for outcome in failed:
        context.log.error("%s: %s", plain(outcome.full_name), plain(outcome.reason))
    if failed:
        raise dg.Failure(f"{len(failed)} repositories failed, the first with: {failed[0].reason}")
    events = sum(outcome.events for outcome in outcomes if not isinstance(outcome, RetireFailed))
    yield dg.Output(None, metadata={"repositories": len(outcomes), "events": events})


@dg.graph(name="retire_events")
def _retire_events() -> None:
    """The op alone."""
    retire()


def build_retire_events(retries: dg.RetryPolicy | None) -> dg.JobDefinition:
    """The job. Without retries for a run that somebody waits for."""
    tags = {"dagster/max_runtime": str(4 * 3600)}
    return _retire_events.to_job("retire_events", RETIRING, tags=tags, op_retry_policy=retries)
