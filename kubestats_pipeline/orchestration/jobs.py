"""The jobs: what can be started, by a schedule, a sensor, a person or the command line.

Those of the flow sweep everything that is due unless their run config names repositories. The others are for a person:
choose partitions, or give run config. When they run is decided in `automation.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from kubestats_pipeline.orchestration.assets.scan import WRITTEN, build_retire_events
from kubestats_pipeline.orchestration.base.console_log import LOGGED
from kubestats_pipeline.orchestration.checks import CHECKS
from kubestats_pipeline.orchestration.repairs.clean_up import build_clean_up
from kubestats_pipeline.orchestration.retries import STEP_RETRIES
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.warehouse.marts import MARTS

Job = Any
"""A job, or what `define_asset_job` returns. Dagster does not export its type."""


@dataclass(frozen=True)
class _Plan:
    """A job before it is made: `hours` is the longest that it may take, `config` its run config unless one is given."""

    name: str
    selection: dg.AssetSelection
    description: str
    hours: int
    config: Mapping[str, Any] | None = None


def _assets(*names: str) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*names).without_checks()


_SCANNED = _assets(*WRITTEN)

_PLANS = (
    _Plan(
        "discover_repositories",
        _assets("repositories", "repository_metrics"),
        "Ask all sources for repositories and record the day's numbers.",
        hours=1,
    ),
    _Plan(
        "sync_repositories",
        _assets("snapshots"),
        "Fetch the mirrors of all repositories that are due. Pick a partition for one of them, due or not.",
        hours=4,
    ),
    _Plan(
        "scan_repositories",
        _SCANNED,
        "Replay the new commits of all repositories whose head has moved. Pick a partition for one of them.",
        hours=6,
    ),
    _Plan("record_statistics", _assets("ecosystem_stats"), "Compute every day whose row is missing or stale.", hours=1),
    _Plan(
        "publish_warehouse",
        _assets("warehouse", *(mart.name for mart in MARTS), "report") | dg.AssetSelection.checks(*CHECKS),
        "Build the DuckDB file from the lake, check it and rename it into place. Then make its pages.",
        hours=1,
    ),
    _Plan(
        "rescan_repositories",
        _SCANNED,
        "Replay repositories from the start of their mirrors: those of the chosen partitions or of the run config, "
        "else all. Events before the first commit of a mirror stay.",
        hours=12,
        config={"ops": {"scan": {"config": {"anew": True}}}},
    ),
)


def parallel_runs(settings: Settings) -> dict[str, int]:
    """The number of runs into which the sweep of each job is split, by the job's op and pool."""
    return {"sync": settings.sync.parallel_runs, "scan": settings.scan.parallel_runs}


def build_jobs(retries: dg.RetryPolicy | None) -> tuple[Job, ...]:
    """The jobs, those of the flow first and in its order. Without retries for a run that somebody waits for."""
    flow = (
        dg.define_asset_job(
            plan.name,
            plan.selection,
            description=plan.description,
            tags={"dagster/max_runtime": str(plan.hours * 3600)},
            op_retry_policy=retries,
            config={**LOGGED, **(plan.config or {})},
        )
        for plan in _PLANS
    )
    return (*flow, build_clean_up(retries), build_retire_events(retries))


JOBS = build_jobs(STEP_RETRIES)
(
    discover_repositories,
    sync_repositories,
    scan_repositories,
    record_statistics,
    publish_warehouse,
    rescan_repositories,
    clean_up,
    retire_events,
) = JOBS

SPLIT = {sync_repositories.name: "sync", scan_repositories.name: "scan"}
"""The jobs whose sweeps can be split into several runs, with the op that does it. Its pool has the same name."""

LEADING = {
    discover_repositories.name: "repositories",
    sync_repositories.name: "snapshots",
    scan_repositories.name: "scans",
    record_statistics.name: "ecosystem_stats",
    publish_warehouse.name: "warehouse",
}
"""The asset by which a run of the UI or a backfill is known to do the same work as a job."""
