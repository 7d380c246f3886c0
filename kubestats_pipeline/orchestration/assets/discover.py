"""The Dagster skin of discovery: `repositories`, and the day's partition of `repository_metrics`."""

import datetime
from collections.abc import Iterator, Sequence

import dagster as dg

from kubestats_pipeline.discover.configured import sources_from, witnesses_from
from kubestats_pipeline.discover.discover import DiscoveryReport, discover
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.repositories import read_repositories
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS
from kubestats_pipeline.orchestration.base.asset_specs import failures_table, table_spec
from kubestats_pipeline.orchestration.base.batches import failure_observation, is_partitioned
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.partitions import daily_partitions, day_key, register_partitions
from kubestats_pipeline.plain_text import plain


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
            deps=["repositories"],
            partitions_def=daily_partitions,
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
    if not days or services.now().date() in days:
        yield from _discover(context, config, services)
    _tell_days(context, services, days)


def _discover(
    context: dg.AssetExecutionContext, config: DiscoverConfig, services: Services
) -> Iterator[dg.MaterializeResult[None]]:
    now = services.now()
    try:
        with services.progress.track("discover", 1) as done:
            report = _ask(services, config.sources, now)
            done(f"{report.found} found, {report.new} new")
        names, active = list(services.repositories()), list(read_repositories(services.lake))
    except (ExplainedError, ValueError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    if report.repositories:  # else the table may just be lost, and Dagster's partitions would be forgotten for nothing
        register_partitions(context.instance, names, active)
    for old, new in report.names.items():
        context.log.info("%s is now %s", plain(old), plain(new or "deleted"))
    if report.metrics_rows:
        day = day_key(now.date())
        rows = {"dagster/partition_row_count": report.metrics_rows}
        context.log_event(dg.AssetMaterialization("repository_metrics", partition=day, metadata=rows))
    failures = {failure.source: failure.reason for failure in report.failures}
    for source, reason in failures.items():
        context.log.warning("%s: %s", plain(source), plain(reason))
        context.log_event(failure_observation("repositories", source, reason))
    metadata = {
        "dagster/row_count": report.repositories,
        "found": report.found,
        "new": report.new,
        "renamed": sum(new is not None for new in report.names.values()),
        "failed": len(failures),
        "failures": failures_table(failures),
    }
    if dg.AssetKey("repositories") in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key="repositories", metadata=metadata)
    else:
        context.log_event(dg.AssetMaterialization("repositories", metadata=metadata))


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
                metadata={"dagster/partition_row_count": rows},
            )
        )


def _ask(services: Services, sources: Sequence[str], now: datetime.datetime) -> DiscoveryReport:
    settings = services.settings
    return discover(
        services.lake,
        sources_from(settings, sources),
        now,
        witnesses=witnesses_from(settings) if settings.topics or settings.repositories else (),
        max_mb=settings.max_repository_mb,
    )
