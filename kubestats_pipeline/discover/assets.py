"""The Dagster skin of discovery: `repositories`, and the day's partition of `repository_metrics`."""

from collections.abc import Iterator

import dagster as dg

from kubestats_pipeline.batches import failure_observation
from kubestats_pipeline.discover.discover import discover, sources_from
from kubestats_pipeline.lake import LakeError
from kubestats_pipeline.partitions import REPOSITORY_PARTITIONS, daily_partitions, day_key
from kubestats_pipeline.schemas import failures_table, table_spec
from kubestats_pipeline.services import Services
from kubestats_pipeline.settings import SettingsError
from kubestats_pipeline.tables import REPOSITORIES, REPOSITORY_METRICS


class DiscoverConfig(dg.Config):
    """Which sources to ask, `github` or `list`; empty means all that are configured."""

    sources: list[str] = []  # noqa: RUF012 - Dagster copies the default


@dg.multi_asset(
    name="discover",
    pool="discover",
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
    """Ask the sources, register every active repository as a partition, and record the day's numbers."""
    now = services.now()
    try:
        with services.progress.track("discover", 1) as done:
            report = discover(services.lake, sources_from(services.settings, config.sources), now)
            done(f"{report.found} found, {report.new} new")
        names = list(services.repositories())
    except (LakeError, SettingsError, ValueError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.instance.add_dynamic_partitions(REPOSITORY_PARTITIONS, names)
    if report.metrics_rows:
        day = day_key(now.date())
        rows = {"dagster/partition_row_count": report.metrics_rows}
        context.log_event(dg.AssetMaterialization("repository_metrics", partition=day, metadata=rows))
    failures = {failure.source: failure.reason for failure in report.failures}
    for source, reason in failures.items():
        context.log.warning("%s: %s", source, reason)
        context.log_event(failure_observation("repositories", source, reason))
    yield dg.MaterializeResult(
        asset_key="repositories",
        metadata={
            "dagster/row_count": report.repositories,
            "found": report.found,
            "new": report.new,
            "failed": len(failures),
            "failures": failures_table(failures),
        },
    )
