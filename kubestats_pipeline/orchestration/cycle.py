"""One headless cycle: the same jobs that the schedules start, one after another, in this process.

Failures are read from the runs' own events, the ones that the UI shows.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import dagster as dg

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.locks import this_worker
from kubestats_pipeline.orchestration import jobs
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.base.batches import CHANGED_TAG, FAILURES, SUBJECT
from kubestats_pipeline.orchestration.base.console_log import LOGGED, QUIET
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_private import kept_connections
from kubestats_pipeline.orchestration.base.failures import reason_of
from kubestats_pipeline.orchestration.base.worker_identity import tag_of
from kubestats_pipeline.orchestration.repairs.orphaned_runs import fail_orphans
from kubestats_pipeline.orchestration.repairs.pools import kept_awake
from kubestats_pipeline.orchestration.standing import NOTHING_NEW, find_standing
from kubestats_pipeline.orchestration.watch import build_watch_jobs
from kubestats_pipeline.upgrade.redact_lake import redact_lake
from kubestats_pipeline.warehouse.basis import has_statistics


@dataclass(frozen=True)
class Cycle:
    """The results of a cycle.

    Attributes:
        repositories: how many are active.
        changed: how many the scan brought forward.
        failures: what failed, a job, a source or a repository, and why.
        failed_checks: checks that found an error, and what it is.
        warnings: checks that found something less than an error.
        notes: what else is worth a line.
    """

    repositories: int
    changed: int
    failures: Mapping[str, str]
    failed_checks: Mapping[str, str] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """True if nothing at all failed."""
        return not (self.failures or self.failed_checks)


def run_cycle(services: Services, instance: dg.DagsterInstance, sources: Sequence[str] = ()) -> Cycle:
    """Discover, sync, scan, compute statistics and publish. A job that fails does not keep the next from its work.

    Every active repository is attempted, those that wait for their next attempt too.

    Args:
        services: the settings to work with and the progress to show.
        instance: where the runs are recorded.
        sources: the sources to ask, by name. All where empty.

    Raises:
        LakeError: the table of repositories is damaged.
    """
    fail_orphans(instance)
    services = pulled(services)
    logs = LOGGED if services.settings.log_format == "json" else QUIET
    runner = Runner(build_definitions(services, headless=True), instance, logs)
    runner.redact(services.lake)
    runner.run(jobs.discover_repositories, "discover", {"sources": list(sources)})
    names = list(services.repositories())
    changed = 0
    if names:
        runner.run(jobs.sync_repositories, "sync", {"repositories": names})
        changed = runner.run(jobs.scan_repositories, "scan", {"repositories": names})
        if not has_statistics(services.lake, services.now().date()):
            runner.run(jobs.record_statistics)
    runner.publish(services)
    return runner.sum_up(len(names), changed)


def run_some(services: Services, instance: dg.DagsterInstance, names: Sequence[str]) -> Cycle:
    """Sync and scan some active repositories, those too that wait for their next attempt, and publish.

    Raises:
        LakeError: the table of repositories is damaged.
    """
    fail_orphans(instance)
    services = pulled(services)
    runner = Runner(build_definitions(services, headless=True), instance)
    runner.redact(services.lake)
    runner.run(jobs.sync_repositories, "sync", {"repositories": list(names)})
    changed = runner.run(jobs.scan_repositories, "scan", {"repositories": list(names)})
    runner.publish(services)
    return runner.sum_up(len(names), changed)


def pulled(services: Services) -> Services:
    """The services of a cycle, whose lake is brought up to date once for all of its jobs.

    Raises:
        StoreError: the bucket does not work.
    """
    services.lake.pulled()
    return replace(services, is_pulled=True)


@dataclass
class Runner:
    """Runs jobs in this process and collects what failed."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    logs: Mapping[str, Any] = field(default_factory=lambda: QUIET)
    failures: dict[str, str] = field(default_factory=dict)
    failed_checks: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def redact(self, lake: Lake) -> None:
        """Redact what an earlier version has left, once."""
        redacted = redact_lake(lake)
        self.failures |= redacted.failures
        self.notes += [redacted.text] if redacted.values else []

    def sum_up(self, repositories: int, changed: int) -> Cycle:
        """The results of all jobs."""
        found = (self.failures, self.failed_checks, self.warnings, tuple(self.notes))
        return Cycle(repositories, changed, *found)

    def run(self, job: jobs.Job, op: str = "", config: Mapping[str, Any] | None = None) -> int:
        """Run a job. Give how many repositories it changed."""
        result = self.execute(job, {"ops": {op: {"config": config}}} if op else {})
        self.failures |= _failed_observations(self.instance, result.run_id)
        if reasons := list(_step_failures(result)):
            self.failures[job.name] = "; ".join(reasons)
        self._sum_up_checks(_evaluations(self.instance, result.run_id))
        run = self.instance.get_run_by_id(result.run_id)
        return int(run.tags.get(CHANGED_TAG, "0")) if run else 0

    def publish(self, services: Services) -> None:
        """Publish, or say that the file stands, and what its checks have found: that holds as long. Tell of changes."""
        standing = find_standing(services, self.instance)
        if standing is None:
            self.run(jobs.publish_warehouse)
        else:
            self._sum_up_checks(standing)
            self.notes.append(NOTHING_NEW)
        for job in build_watch_jobs(services.settings) if services.lake.layout.warehouse.is_file() else ():
            self.run(job)

    def _sum_up_checks(self, evaluations: Iterable[dg.AssetCheckEvaluation]) -> None:
        """Note the checks that did not pass, as they are named in the UI, with what they found. Dagster runs on."""
        for check in evaluations:
            if not check.passed:
                found = self.failed_checks if check.severity is dg.AssetCheckSeverity.ERROR else self.warnings
                name = f"check {check.check_name} of {check.asset_key.to_user_string()}"
                found[name] = check.description or "it did not pass"

    def execute(self, job: jobs.Job, run_config: Mapping[str, Any] = MappingProxyType({})) -> dg.ExecuteInProcessResult:
        """Run a job, marked as the work of this process."""
        run_id = str(uuid.uuid4())
        with kept_connections(self.instance), kept_awake(self.instance):
            return self.definitions.resolve_job_def(job.name).execute_in_process(
                instance=self.instance,
                run_config={**self.logs, **run_config},
                run_id=run_id,
                tags=tag_of(this_worker(), run_id),
                raise_on_error=False,
            )


def run_clean_up(services: Services, instance: dg.DagsterInstance) -> dict[str, str]:
    """Remove what nothing needs any more. Give how much of what it was.

    Raises:
        ExplainedError: something failed. Earlier removals stay.
    """
    fail_orphans(instance)
    result = Runner(build_definitions(services, headless=True), instance).execute(jobs.clean_up)
    if reasons := list(_step_failures(result)):
        raise ExplainedError("; ".join(reasons))
    outputs = (event.step_output_data.metadata for event in result.all_events if event.is_successful_output)
    return {name: str(value.value) for metadata in outputs for name, value in metadata.items()}


def _failed_observations(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """The sources and repositories that failed, as the assets observed them.

    They are read from the storage, because a step that fails does not give its events to the result.
    """
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
    observations = [entry.asset_observation for entry in entries if entry.asset_observation]
    return {str(one.metadata[SUBJECT].value): str(one.description) for one in observations if SUBJECT in one.metadata}


def _evaluations(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetCheckEvaluation]:
    """The results of the checks of a run."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    return [entry.dagster_event.asset_check_evaluation_data for entry in entries if entry.dagster_event]


def _step_failures(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    """Why steps failed, but for those that only sum up the repositories that did."""
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        failure = data.user_failure_data
        if failure and FAILURES in failure.metadata:
            continue
        yield reason_of(data)
