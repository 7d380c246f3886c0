"""Dagster's own records of what has happened since a sensor last acted, and of what is under way.

It does not matter which run brought the news: one of a schedule, a backfill (Dagster runs those in a job of its own
that run-status sensors cannot watch), one started by hand or from the command line. The decision is made in
`automation.py`.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Not among them is a run that was made and never queued, for a moment or, after a crash, for ever."""

BROKEN_OFF = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def broken_off(job: Any) -> dg.RunsFilter:
    """Runs of a job that may have changed tables and died before they reported it."""
    return dg.RunsFilter(job_name=job.name, statuses=BROKEN_OFF)


def succeeded(job: Any) -> dg.RunsFilter:
    """Runs of a job that changes tables without materializing them."""
    return dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus.SUCCESS])


def latest_news(instance: dg.DagsterInstance, assets: Sequence[str], runs: Sequence[dg.RunsFilter]) -> str:
    """A mark of the newest materialization of each asset and of the newest run of each sort.

    It changes with every news and is empty before the first. Marks are compared for equality only: deleting old runs
    moves them back, which costs one run that finds nothing, and never hides anything.
    """
    marks = [_latest_materialization(instance, asset) for asset in assets]
    records = (record for sort in runs for record in instance.get_run_records(sort, limit=1))
    return " ".join([*filter(None, marks), *(record.dagster_run.run_id for record in records)])


def is_active(instance: dg.DagsterInstance, job_name: str, asset: str | None = None) -> bool:
    """True if a run of the job, or one that was started for the asset itself, is queued or running."""
    return bool(active_runs(instance, job_name, asset))


def active_runs(instance: dg.DagsterInstance, job_name: str, asset: str | None = None) -> list[dg.DagsterRun]:
    """The runs of a job, and those that were started for the asset itself, that are queued or running."""
    runs = instance.get_runs(dg.RunsFilter(statuses=ACTIVE))
    keys = {dg.AssetKey(asset)} if asset else set()
    return [run for run in runs if run.job_name == job_name or keys & (run.asset_selection or set())]


def _latest_materialization(instance: dg.DagsterInstance, asset: str) -> str:
    """Number and time: SQLite gives a number again after the rows with the highest ones were deleted."""
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=1).records
    return f"{records[0].storage_id}@{records[0].timestamp}" if records else ""
