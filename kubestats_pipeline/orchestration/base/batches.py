"""One run over many repositories: its choice, and the events that Dagster gets of each.

A run's targets are those of its run config (from sensors, schedules and the command line, which need arbitrary sets),
else its partitions (from the UI and backfills), else all, or a share of them (`shares.py`). Only what changed becomes a
materialization, so that the UI shows each repository's own history. A failure becomes an observation. A run of a single
partition that fails turns the partition red.

A stage depends on the batches of the stage before it (`sync_runs`, `scan_runs`) and not on its partitions: in a run
without partitions Dagster fails as soon as it looks up the data versions of a partitioned asset upstream.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import dagster as dg

from kubestats_pipeline.errors import did_you_mean
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.orchestration.base.asset_specs import failures_table
from kubestats_pipeline.orchestration.base.partitions import REPOSITORY_PARTITIONS, repository_partitions
from kubestats_pipeline.orchestration.base.shares import Share
from kubestats_pipeline.plain_text import plain
from kubestats_pipeline.redaction.texts import withhold_shapes
from kubestats_pipeline.storage.bucket import StoreError
from kubestats_pipeline.storage.objects import StaleError

CHANGED_TAG = "kubestats/changed"
"""Run tag with the number of repositories that changed. The sensors that chain the jobs read it."""

SUBJECT = "subject"
"""Metadata of an observation of a failure: the repository or source that failed."""

REASON = "reason"
NEXT_RUN = "the next run"

FAILURES = "failures"
"""Metadata with the table of what failed: of a batch, and of the failure of a run in which nothing else is wrong."""


class BatchConfig(dg.Config):
    """The repositories of a run. Empty means its partitions, or all that are due, or a share of these, such as 1/2."""

    repositories: list[str] = []  # noqa: RUF012 - Dagster copies the default
    share: str = ""


@dataclass
class Batch:
    """The results of a run, reported to Dagster as they come."""

    context: dg.AssetExecutionContext
    keys: tuple[str, ...]
    requested: int = 0
    changed: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def record(
        self,
        full_name: str,
        metadata: Mapping[str, Any],
        *,
        changed: bool,
        version: str | None,
        rows: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """A repository was dealt with.

        Dagster gets a materialization where something changed, the run asked for this partition, or its page still
        shows a failure. `rows` are the rows of its partition of each table, as far as they are known.
        """
        self.changed += changed
        if not (changed or self._is_partitioned or full_name in self._red or full_name in self._observed):
            return
        tags = {"dagster/data_version": version} if version else None
        for key in self.keys:
            own = {name: _fit(value) for name, value in metadata.items() if value is not None}
            if key in rows:
                own["dagster/partition_row_count"] = rows[key]
            self.context.log_event(dg.AssetMaterialization(key, partition=full_name, metadata=own, tags=tags))

    def fail(
        self,
        full_name: str,
        reason: str,
        *,
        next_attempt: datetime.datetime | None = None,
        has_row: bool = False,
    ) -> None:
        """A repository failed. The run goes on. Without a next attempt every later run tries it again.

        Args:
            full_name: its partition.
            reason: for people.
            next_attempt: when it is due again, aware.
            has_row: its row of the first table says so too.
        """
        reason = withhold_shapes(reason)
        self.failures[full_name] = reason
        self.context.log.warning("%s: %s", plain(full_name), plain(reason), extra=told_of(full_name, reason))
        observed = failure_observation(
            self.keys[0], full_name, reason, partition=full_name, next_attempt=next_attempt or NEXT_RUN
        )
        self._observe(full_name, observed, has_row=has_row)

    @cached_property
    def _is_partitioned(self) -> bool:
        """Kept, because Dagster looks it up anew each time."""
        return is_partitioned(self.context)

    def _observe(self, full_name: str, observed: dg.AssetObservation, *, has_row: bool) -> None:
        """Show what happened on the page of the partition.

        A partition that never succeeded and yet has a row is materialized with it: it is not missing, and its page
        would show nothing else.
        """
        if has_row and not self._is_partitioned and self._statuses.get(full_name) is None:
            first = dg.AssetMaterialization(self.keys[0], partition=full_name, metadata=observed.metadata)
            self.context.log_event(first)
        self.context.log_event(observed)

    @cached_property
    def _red(self) -> set[str]:
        """The partitions that Dagster shows as failed: only a materialization clears them."""
        return {name for name, status in self._statuses.items() if status is dg.AssetPartitionStatus.FAILED}

    @cached_property
    def _observed(self) -> set[str]:
        """The partitions whose pages show an observation, of a failure mostly, that is newer than their content."""
        events, key = self.context.instance.event_log_storage, dg.AssetKey(self.keys[0])
        made = events.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
        seen = events.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_OBSERVATION)
        return {name for name, number in seen.items() if number > made.get(name, 0)}

    @cached_property
    def _statuses(self) -> Mapping[str, dg.AssetPartitionStatus | None]:
        instance, key = self.context.instance, dg.AssetKey(self.keys[0])
        names = instance.get_dynamic_partitions(REPOSITORY_PARTITIONS)
        return instance.get_status_by_partition(key, names, repository_partitions) or {}

    def note(self, full_name: str, reason: str, *, has_row: bool = False) -> None:
        """A repository could not be dealt with, by its nature: it is empty, too large or in an unsupported format."""
        reason = withhold_shapes(reason)
        self.context.log.info("%s: %s", plain(full_name), plain(reason), extra=told_of(full_name, reason))
        metadata = {REASON: plain(reason)}
        observed = dg.AssetObservation(self.keys[0], partition=full_name, description=reason, metadata=metadata)
        self._observe(full_name, observed, has_row=has_row)

    def leave(self, full_name: str, reason: str) -> None:
        """A repository is left out, because another machine works on it. The next sweep looks at it again."""
        self.context.log.info("%s: %s", plain(full_name), plain(reason), extra=told_of(full_name, reason))

    def finish(self, summary_key: str, **numbers: float) -> None:
        """Sum the run up.

        Raises:
            dagster.Failure: the run was about one partition, or everything that it was about, and that failed.
        """
        self.context.instance.add_run_tags(self.context.run.run_id, {CHANGED_TAG: str(self.changed)})
        failed = len(self.failures)
        table = failures_table(self.failures)
        if not is_partitioned(self.context):
            metadata = {"requested": self.requested, "changed": self.changed, "failed": failed, FAILURES: table}
            self.context.log_event(dg.AssetMaterialization(summary_key, metadata={**metadata, **numbers}))
        if failed and (self.context.has_partition_key or failed == self.requested):
            reasons = "; ".join(f"{name}: {reason}" for name, reason in list(self.failures.items())[:3])
            description = f"{failed} of {self.requested} repositories failed: {reasons}"
            raise dg.Failure(description, metadata={FAILURES: table}, allow_retries=False)


def push(lake: Lake) -> None:
    """Bring to the bucket what each sweep replaces, once all of the run's repositories were dealt with.

    Raises:
        dagster.Failure: the bucket does not work. The next sweep brings it.
    """
    try:
        lake.storage.push()
    except (StoreError, StaleError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def failure_observation(
    key: str,
    subject: str,
    reason: str,
    *,
    partition: str | None = None,
    next_attempt: datetime.datetime | str = NEXT_RUN,
) -> dg.AssetObservation:
    """The event of a repository or a source that failed. Shapes of secrets are withheld from it.

    The page of a partition shows the metadata of its last event and no description, so that the reason is in both.
    """
    reason = withhold_shapes(reason)
    again = next_attempt if isinstance(next_attempt, str) else dg.MetadataValue.timestamp(next_attempt)
    metadata = {SUBJECT: withhold_shapes(subject), REASON: plain(reason), "next_attempt": again}
    return dg.AssetObservation(key, partition=partition, description=reason, metadata=metadata)


def _fit(value: Any) -> Any:
    return withhold_shapes(value) if isinstance(value, str) else value


def told_of(subject: str, reason: str) -> dict[str, dict[str, str]]:
    """The `extra` of a message, which `console_log.py` makes fields of."""
    return {"fields": {"repository": subject, "reason": reason}}


def is_partitioned(context: dg.AssetExecutionContext) -> bool:
    """True if the run was started for partitions."""
    return bool(context.has_partition_key or context.has_partition_key_range)


def _partitions(context: dg.AssetExecutionContext) -> list[str]:
    """The partitions of a run. A single one is taken as it is given, so that a wrong one is refused in our words."""
    if context.has_partition_key:
        return [context.partition_key]
    return list(context.partition_keys) if context.has_partition_key_range else []


def targets(
    context: dg.AssetExecutionContext, config: BatchConfig, known: Mapping[str, Repository]
) -> list[Repository] | None:
    """The repositories that a run was asked for. None when it was asked for none in particular.

    Raises:
        dagster.Failure: one of them is not known or not active.
    """
    names = config.repositories or _partitions(context)
    unknown = [name for name in names if name not in known]
    if unknown:
        near = did_you_mean(unknown[0], known)
        remedy = " Run discover_repositories first, or correct the name"
        refused = f"not an active repository: {', '.join(unknown[:10])}.{near or remedy}"
        raise dg.Failure(refused, allow_retries=False)
    return [known[name] for name in names] or None


def swept(config: BatchConfig, known: Mapping[str, Repository]) -> list[Repository]:
    """The repositories of a run that was asked for none in particular: all, or its share of them.

    Raises:
        dagster.Failure: its share is not one.
    """
    if not config.share:
        return list(known.values())
    try:
        return Share.parse(config.share).cut(known.values())
    except ValueError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
