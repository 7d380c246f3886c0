"""Jobs, schedules and sensors: what runs when.

Schedules are the heartbeat: each job sweeps everything that is due, so the pipeline converges whatever a sensor missed.
Sensors make it quick: a push that discovery saw is fetched, new heads are scanned after a sync, and changes are
published after a scan. No job is started while it is queued or running.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from kubestats_pipeline.batches import CHANGED_TAG
from kubestats_pipeline.checks import CHECKS
from kubestats_pipeline.lake import LakeError
from kubestats_pipeline.services import Services
from kubestats_pipeline.settings import AutomationSettings, Settings
from kubestats_pipeline.tables import REPOSITORIES
from kubestats_pipeline.warehouse.marts import MARTS

RETRIES = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For what a step did not expect; failures of single repositories are rows with their own time of the next attempt."""

BATCH_SIZE = 500
"""Repositories of one run that a sensor asks for: a retry stays cheap and the launchpad readable."""

SHORTLY_AFTER_MIDNIGHT = "10 0 * * *"

UNFINISHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
ACTIVE = [*UNFINISHED, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


Job = Any
"""What `define_asset_job` returns; Dagster does not export its type."""


def build_jobs(retries: dg.RetryPolicy | None) -> tuple[Job, Job, Job, Job, Job]:
    """The jobs in the order of the flow; without retries for a run that somebody waits for."""

    def job(name: str, selection: dg.AssetSelection, description: str, hours: int) -> Job:
        tags = {"dagster/max_runtime": str(hours * 3600)}
        return dg.define_asset_job(name, selection, description=description, tags=tags, op_retry_policy=retries)

    def assets(*names: str) -> dg.AssetSelection:
        return dg.AssetSelection.assets(*names).without_checks()

    published = assets("warehouse", *(mart.name for mart in MARTS)) | dg.AssetSelection.checks(*CHECKS)
    return (
        job(
            "discover_repositories",
            assets("repositories", "repository_metrics"),
            "Ask all sources for repositories and record the day's numbers.",
            hours=1,
        ),
        job("sync_repositories", assets("snapshots"), "Fetch the mirrors of all repositories that are due.", hours=4),
        job(
            "scan_repositories",
            assets("resource_events", "scan_problems", "helm_values", "resources", "scans"),
            "Replay the new commits of all repositories whose head has moved.",
            hours=6,
        ),
        job(
            "record_statistics",
            assets("ecosystem_stats"),
            "Compute every day whose row is missing or stale.",
            hours=1,
        ),
        job(
            "publish_warehouse",
            published,
            "Build the DuckDB file from the lake, check it and rename it into place.",
            hours=1,
        ),
    )


JOBS = build_jobs(RETRIES)
discover_repositories, sync_repositories, scan_repositories, record_statistics, publish_warehouse = JOBS


def build_schedules(cadence: AutomationSettings) -> list[dg.ScheduleDefinition]:
    """One schedule a job; a cadence of 0 minutes leaves it out."""
    cadences = (
        (discover_repositories, cadence.discover_minutes),
        (sync_repositories, cadence.sync_minutes),
        (scan_repositories, cadence.scan_minutes),
        (publish_warehouse, cadence.publish_minutes),
    )
    sweeps = [_schedule(job, cron_of(minutes)) for job, minutes in cadences if minutes]
    return [*sweeps, _schedule(record_statistics, SHORTLY_AFTER_MIDNIGHT)]


def cron_of(minutes: int) -> str:
    """A cron line for a cadence that divides an hour, or a day in whole hours."""
    if minutes < 60:
        return f"*/{minutes} * * * *"
    return f"0 */{minutes // 60} * * *" if minutes < 1440 else "0 0 * * *"


def _schedule(job: Job, cron: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        job=job,
        cron_schedule=cron,
        name=f"{job.name}_schedule",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{job.description} Skipped while the job is queued or running.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _unless_active(context.instance, job.name) or dg.RunRequest()

    return tick


def build_sensors(cadence: AutomationSettings) -> list[dg.SensorDefinition]:
    """The sensors that react faster than the schedules."""
    return [
        _push_sensor(cadence.sensor_seconds),
        _chain("scan_after_sync", sync_repositories, scan_repositories, cadence.sensor_seconds),
        _chain("publish_after_scan", scan_repositories, publish_warehouse, cadence.sensor_seconds),
    ]


def _push_sensor(seconds: int) -> dg.SensorDefinition:
    @dg.sensor(
        job=sync_repositories,
        name="sync_after_push",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Syncs repositories that are new, or were pushed to since their last sync, after a discovery.",
    )
    def tick(
        context: dg.SensorEvaluationContext, services: dg.ResourceParam[Services]
    ) -> dg.SensorResult | dg.SkipReason:
        path = services.lake.path(REPOSITORIES)
        seen = str(path.stat().st_mtime_ns) if path.exists() else ""
        if seen == (context.cursor or ""):
            return dg.SkipReason("no discovery since the last look")
        if (busy := _unless_active(context.instance, sync_repositories.name)) is not None:
            return busy
        try:
            names = _pushed(services)
        except LakeError as error:
            return dg.SkipReason(str(error))
        return dg.SensorResult(run_requests=list(_batches(names, seen)), cursor=seen)

    return tick


def _pushed(services: Services) -> list[str]:
    from kubestats_pipeline.sync.pushes import pushed_since_sync

    return pushed_since_sync(services.lake, list(services.repositories().values()), services.now())


def _batches(names: list[str], seen: str) -> Iterator[dg.RunRequest]:
    for start in range(0, len(names), BATCH_SIZE):
        config = {"ops": {"sync": {"config": {"repositories": names[start : start + BATCH_SIZE]}}}}
        yield dg.RunRequest(run_key=f"push-{seen}-{start}", run_config=config)


def _chain(
    name: str,
    after: Job,
    request: Job,
    seconds: int,
) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name=name,
        monitored_jobs=[after],
        request_job=request,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Starts {request.name} after a {after.name} that changed something.",
    )
    def tick(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run = context.instance.get_run_by_id(context.dagster_run.run_id) or context.dagster_run
        if run.tags.get(CHANGED_TAG, "0") == "0":
            return dg.SkipReason(f"{after.name} changed nothing")
        queued = context.instance.get_runs(dg.RunsFilter(job_name=request.name, statuses=UNFINISHED), limit=1)
        if queued:
            return dg.SkipReason(f"a queued {request.name} will see the change")
        return dg.RunRequest(run_key=f"{request.name}-after-{run.run_id}")

    return tick


def _unless_active(instance: dg.DagsterInstance, job_name: str) -> dg.SkipReason | None:
    active = instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=ACTIVE), limit=1)
    return dg.SkipReason(f"{job_name} is queued or running") if active else None


def build_automation(settings: Settings) -> tuple[list[dg.ScheduleDefinition], list[dg.SensorDefinition]]:
    """All schedules and sensors for the settings."""
    return build_schedules(settings.automation), build_sensors(settings.automation)
