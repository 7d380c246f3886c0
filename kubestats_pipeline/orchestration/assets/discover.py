"""The Dagster skin of discovery: `repositories`, and the day's partition of `repository_metrics`."""

import datetime
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS
from kubestats_pipeline.orchestration.asset_pages.data_versions import DATA_VERSION, fingerprint, version_tag
from kubestats_pipeline.orchestration.base.asset_specs import failures_table, table_spec
from kubestats_pipeline.orchestration.base.batches import failure_observation, is_partitioned
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.partitions import (
    day_key,
    metrics_days,
    register_days,
    register_repositories,
    unregistered_days,
)
from kubestats_pipeline.plain_text import plain

if TYPE_CHECKING:
    from kubestats_pipeline.discover.discover import DiscoveryReport

discovery_runs = dg.AssetSpec(
    "discovery_runs",
    deps=["repositories"],
    group_name="discover",
    description="One entry per discovery: how many repositories were found, which sources failed, how long it took.",
    owners=["team:kubestats"],
    kinds={"dagster"},
    tags={"kubestats/partitioning": "none"},
)
"""Later stages depend on this, because a repository that is found makes nothing of the others out of date."""

OF_EACH_LOOK = ("last_seen_at",)
"""Columns of `repositories` that every discovery changes."""

OF_EACH_READING = ("recorded_at",)
"""The same of `repository_metrics`."""


class DiscoverConfig(dg.Config):
    """The sources to ask: `github`, `gitlab`, `list` or another package's. Empty means all that are configured."""

    sources: list[str] = []  # noqa: RUF012 - Dagster copies the default


@dg.multi_asset(
    name="discover",
    pool="discover",
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
    specs=[
        table_spec(REPOSITORIES, kinds=("github", "parquet")),
        table_spec(
            REPOSITORY_METRICS,
            deps=["discovery_runs"],
            partitions_def=metrics_days,
            skippable=True,
            kinds=("github", "parquet"),
        ),
    ],
)
def discover_assets(
    context: dg.AssetExecutionContext, config: DiscoverConfig, services: dg.ResourceParam[Services]
) -> Iterator[dg.MaterializeResult[None]]:
    """Ask the sources, register every active repository as a partition, and record the day's numbers.

    A run for chosen days asks only if today is one of them, because hosts give no past numbers. Other days are
    shown as the lake has them.
    """
    days = [datetime.date.fromisoformat(key) for key in context.partition_keys] if is_partitioned(context) else []
    today = services.now().date()
    if not days or today in days:
        report = yield from _discover(context, config, services)
        new = unregistered_days(context.instance, metrics_days, services.lake.dates(REPOSITORY_METRICS))
        days = sorted({*days, *new, *([today] if report.metrics_rows else [])})
    register_days(context.instance, metrics_days, REPOSITORY_METRICS.name, days)
    _tell_days(context, services, days)


def _discover(
    context: dg.AssetExecutionContext, config: DiscoverConfig, services: Services
) -> Generator[dg.MaterializeResult[None], None, "DiscoveryReport"]:
    now = services.now()
    try:
        with services.progress.track("discover", 1) as done:
            services.pulled_lake()
            report = _ask(services, config.sources, now)
            done(f"{report.found} found, {report.new} new")
        table = services.lake.read(REPOSITORIES)
        register_repositories(context.instance, services)
    except (ExplainedError, ValueError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    for old, new in report.names.items():
        context.log.info("%s is now %s", plain(old), plain(new or "deleted"))
    failures = {failure.source: failure.reason for failure in report.failures}
    for source, reason in failures.items():
        context.log.warning("%s: %s", plain(source), plain(reason))
        context.log_event(failure_observation("repositories", source, reason))
    metadata = {
        "found": report.found,
        "new": report.new,
        "renamed": sum(new is not None for new in report.names.values()),
        "failed_sources": len(failures),
        "failures": failures_table(failures),
    }
    shown = {"dagster/row_count": report.repositories, **metadata}
    version = fingerprint(table.rows if table else None, OF_EACH_LOOK)
    if dg.AssetKey("repositories") in context.selected_asset_keys:
        result = dg.MaterializeResult[None](
            asset_key="repositories", metadata=shown, data_version=dg.DataVersion(version)
        )
        yield result
    else:
        tags = {DATA_VERSION: version}
        context.log_event(dg.AssetMaterialization("repositories", metadata=shown, tags=tags))
    seconds = (services.now() - now).total_seconds()
    context.log_event(dg.AssetMaterialization("discovery_runs", metadata={**metadata, "seconds": seconds}))
    return report


def _tell_days(context: dg.AssetExecutionContext, services: Services, days: Sequence[datetime.date]) -> None:
    """Show what the lake has of days that were asked for. Nothing is an answer too."""
    for day in days:
        partition = services.lake.read(REPOSITORY_METRICS, day)
        rows = partition.rows.height if partition else 0
        note = None if rows else "No numbers were recorded on this day, and hosts give no past ones."
        context.log_event(
            dg.AssetMaterialization(
                "repository_metrics",
                partition=day_key(day),
                description=note,
                metadata={"dagster/partition_row_count": rows, **({"note": note} if note else {})},
                tags=version_tag(partition.rows if partition else None, OF_EACH_READING),
            )
        )


def _ask(services: Services, sources: Sequence[str], now: datetime.datetime) -> "DiscoveryReport":
    from kubestats_pipeline.discover.configured import sources_from, witnesses_from  # httpx: only the run pays for it
    from kubestats_pipeline.discover.discover import discover

    settings = services.settings
    return discover(
        services.lake,
        sources_from(settings, sources),
        now,
        witnesses=witnesses_from(settings) if settings.topics or settings.repositories else (),
        max_mb=settings.max_repository_mb,
    )
