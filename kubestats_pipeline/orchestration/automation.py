"""Schedules and sensors: what runs when.

Schedules are the heartbeat: each job sweeps everything that is due, so the pipeline converges whatever a sensor
missed. Sensors make it quick: a push that discovery saw is fetched, new heads are scanned, changes are published. They
look at what is there (`activity.py`) and not at single runs, so that nothing is lost between two looks, over a
restart, or because a backfill brought it. No job is started while it is queued or running, and none is made up for:
after a week of downtime each schedule ticks once. A sweep that is split (`base/shares.py`) is several runs, and no
share of it is started while that share is under way.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import dagster as dg

from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.orchestration.alerts import build_alerts
from kubestats_pipeline.orchestration.base.activity import broken_off, is_active, latest_news, succeeded
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.queues import live_queues, tags_of
from kubestats_pipeline.orchestration.base.shares import SHARE_TAG, Share, free_shares
from kubestats_pipeline.orchestration.decision_jobs import DECISION_JOBS
from kubestats_pipeline.orchestration.jobs import (
    LEADING,
    SPLIT,
    Job,
    clean_up,
    discover_repositories,
    parallel_runs,
    publish_warehouse,
    record_statistics,
    retire_events,
    scan_repositories,
    sync_repositories,
)
from kubestats_pipeline.orchestration.repairs.orphaned_runs import fail_orphans
from kubestats_pipeline.orchestration.repairs.pools import fit_pools, wake_waiting
from kubestats_pipeline.orchestration.standing import NOTHING_NEW, find_standing
from kubestats_pipeline.orchestration.watch import TELL_CHANGES
from kubestats_pipeline.setting_sections import AutomationSettings
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.storage.bucket import StoreError

BATCH_SIZE = 500
"""Repositories of one run that a sensor asks for: a retry stays cheap and the launchpad readable."""

SHORTLY_AFTER_MIDNIGHT = "10 0 * * *"
AN_HOUR_LATER = "10 1 * * *"
AT_NIGHT = "40 3 * * *"


def build_schedules(
    cadence: AutomationSettings, runs: Mapping[str, int] = MappingProxyType({})
) -> list[dg.ScheduleDefinition]:
    """One schedule a job. A cadence of 0 minutes leaves it out. `runs` are those of `parallel_runs`."""
    cadences = (
        (discover_repositories, cadence.discover_minutes),
        (sync_repositories, cadence.sync_minutes),
        (scan_repositories, cadence.scan_minutes),
        (publish_warehouse, cadence.publish_minutes),
    )
    sweeps = [_schedule(job, cron_of(minutes), runs) for job, minutes in cadences if minutes]
    daily = (
        (record_statistics, SHORTLY_AFTER_MIDNIGHT),
        (retire_events, AN_HOUR_LATER),  # days whose events are archived cannot be computed any more
        (clean_up, AT_NIGHT),
    )
    return [*sweeps, *(_schedule(job, cron) for job, cron in daily)]


def cron_of(minutes: int) -> str:
    """A cron line for a cadence that divides an hour, or a day in whole hours."""
    if minutes < 60:
        return f"*/{minutes} * * * *"
    return f"0 */{minutes // 60} * * *" if minutes < 1440 else "0 0 * * *"


def _schedule(job: Job, cron: str, runs: Mapping[str, int] = MappingProxyType({})) -> dg.ScheduleDefinition:
    @dg.schedule(
        job=job,
        cron_schedule=cron,
        name=f"{job.name}_schedule",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{job.description} Skipped while the job is queued or running.",
    )
    def tick(
        context: dg.ScheduleEvaluationContext, services: dg.ResourceParam[Services]
    ) -> dg.RunRequest | list[dg.RunRequest] | dg.SkipReason:
        if (number := runs.get(SPLIT.get(job.name, ""), 1)) > 1:
            free = free_shares(context.instance, job.name, LEADING.get(job.name), number)
            if not free:
                return dg.SkipReason(f"every share of {job.name} is queued or running")
            return list(_split(context.instance, job, free))
        return _busy(context.instance, job) or _needless(context.instance, services, job) or dg.RunRequest()

    return tick


def _split(instance: dg.DagsterInstance, job: Job, shares: Iterable[Share], key: str = "") -> Iterator[dg.RunRequest]:
    """A run for each share. Dagster starts one run alone for requests of one tick that have the same key or none."""
    live = live_queues(instance)
    for share in shares:
        yield dg.RunRequest(
            run_key=f"{key} {share}".strip(),
            run_config=share.run_config(SPLIT[job.name]),
            tags={SHARE_TAG: str(share), **tags_of(share, live)},
        )


def build_sensors(
    cadence: AutomationSettings, runs: Mapping[str, int] = MappingProxyType({})
) -> list[dg.SensorDefinition]:
    """The sensors that react faster than the schedules."""
    return [
        _push_sensor(cadence.sensor_seconds, runs.get("sync", 1)),
        _chain(
            "scan_after_sync",
            ["snapshots"],
            sync_repositories,
            scan_repositories,
            cadence.sensor_seconds,
            runs=runs.get("scan", 1),
        ),
        _chain(
            "publish_after_scan",
            ["scans", "ecosystem_stats"],
            scan_repositories,
            publish_warehouse,
            cadence.sensor_seconds,
            also=DECISION_JOBS,
        ),
        _pool_sensor(runs),
    ]


def _push_sensor(seconds: int, runs: int) -> dg.SensorDefinition:
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
        try:
            _look_again(services.lake)
        except StoreError as error:
            return dg.SkipReason(str(error))
        seen = str(path.stat().st_mtime_ns) if path.exists() else ""
        if seen == (context.cursor or ""):
            return dg.SkipReason("no discovery since the last look")
        if (busy := _busy(context.instance, sync_repositories)) is not None:
            return busy
        try:
            pushed = _pushed(services)
        except LakeError as error:
            return dg.SkipReason(str(error))
        return dg.SensorResult(run_requests=list(_batches(context.instance, pushed, seen, runs)), cursor=seen)

    return tick


def _look_again(lake: Lake) -> None:
    """Bring the lake up to date after a discovery on another machine. That costs one small request."""
    if not lake.storage.is_current(lake.name(REPOSITORIES)):
        lake.storage.pull()


def _pushed(services: Services) -> list[Repository]:
    from kubestats_pipeline.sync.pushes import pushed_since_sync

    known = services.repositories()
    return [known[name] for name in pushed_since_sync(services.lake, list(known.values()), services.now())]


def _batches(
    instance: dg.DagsterInstance, pushed: Sequence[Repository], seen: str, runs: int
) -> Iterator[dg.RunRequest]:
    """Runs over some repositories each. Those of one share of a split sweep stay together, as its mirrors do."""
    start, live = 0, live_queues(instance) if runs > 1 else frozenset[str]()
    for share in (Share(number, runs) for number in range(1, runs + 1)):
        names = [repository.full_name for repository in share.cut(pushed)]
        for batch in (names[first : first + BATCH_SIZE] for first in range(0, len(names), BATCH_SIZE)):
            config = {"ops": {"sync": {"config": {"repositories": batch}}}}
            yield dg.RunRequest(run_key=f"push-{seen}-{start}", run_config=config, tags=tags_of(share, live))
            start += len(batch)


def _chain(
    name: str,
    assets: list[str],
    after: Job,
    request: Job,
    seconds: int,
    *,
    also: Sequence[Job] = (),
    runs: int = 1,
) -> dg.SensorDefinition:
    """A sensor that starts a job after changes of assets, and after runs of jobs that change tables all the same."""
    changing = [broken_off(after), *map(succeeded, also)]

    @dg.sensor(
        job=request,
        name=name,
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Starts {request.name} when {' or '.join(assets)} changed or {after.name} broke off. "
        "It waits for runs of both to end. The schedules bound the wait.",
    )
    def tick(
        context: dg.SensorEvaluationContext, services: dg.ResourceParam[Services]
    ) -> dg.SensorResult | dg.SkipReason:
        news = latest_news(context.instance, assets, changing)  # first: what comes during this look is for the next
        if news == (context.cursor or ""):
            return dg.SkipReason(f"nothing new since the last {request.name}")
        if (busy := _busy(context.instance, after, request)) is not None:
            return busy
        if (needless := _needless(context.instance, services, request)) is not None:
            return dg.SensorResult(skip_reason=needless, cursor=news)
        key = f"{request.name} {news}"
        shares = (Share(number, runs) for number in range(1, runs + 1))
        requests = list(_split(context.instance, request, shares, key)) if runs > 1 else [dg.RunRequest(run_key=key)]
        return dg.SensorResult(run_requests=requests, cursor=news)

    return tick


def _pool_sensor(runs: Mapping[str, int]) -> dg.SensorDefinition:
    @dg.sensor(
        name="wake_waiting_runs",
        target=[],
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Lets runs go on that Dagster forgot to wake when their pool became free, and ends dead ones. "
        "Gives the pools of sync and scan as many places as their sweeps have runs.",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        fail_orphans(context.instance)
        fit_pools(context.instance, runs)
        wake_waiting(context.instance)
        return dg.SkipReason("every free pool lets the next run in")

    return tick


def _busy(instance: dg.DagsterInstance, *jobs: Job) -> dg.SkipReason | None:
    """The reason to wait, where one of the jobs or the same work under another name is under way."""
    active = next((job.name for job in jobs if is_active(instance, job.name, LEADING.get(job.name))), None)
    return dg.SkipReason(f"{active} is queued or running") if active else None


def _needless(instance: dg.DagsterInstance, services: Services, job: Job) -> dg.SkipReason | None:
    """The reason to leave out a publication that would show nothing new."""
    is_needless = job is publish_warehouse and find_standing(services, instance) is not None
    return dg.SkipReason(NOTHING_NEW) if is_needless else None


def build_automation(settings: Settings) -> tuple[list[dg.ScheduleDefinition], list[dg.SensorDefinition]]:
    """All schedules and sensors for the settings."""
    seconds, runs = settings.automation.sensor_seconds, parallel_runs(settings)
    telling = _chain("tell_after_publication", ["warehouse"], publish_warehouse, TELL_CHANGES, seconds)
    sensors = [
        *build_sensors(settings.automation, runs),
        *build_alerts(settings.alerts),
        *([telling] if settings.watch else []),
    ]
    return build_schedules(settings.automation, runs), sensors
