"""The Dagster skin of the pages: one asset after the published file."""

from collections.abc import Iterator

import dagster as dg

from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.loopback import HOST
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.settings import Settings

report_spec = dg.AssetSpec(
    "report",
    deps=["warehouse"],
    group_name="report",
    kinds={"html"},
    description="The pages: a static site made of the published file alone, built beside the last one and swapped as a "
    "whole. Pages that have not changed are kept.",
    owners=["team:kubestats"],
    tags={"kubestats/partitioning": "none"},
)


@dg.multi_asset(name="report_pages", pool="report", specs=[report_spec])
def report_assets(
    context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]
) -> Iterator[dg.MaterializeResult[None]]:
    """Make the pages that have changed."""
    from kubestats_pipeline.report.build import build_site  # duckdb: only the run pays for it
    from kubestats_pipeline.report.parts.published import ReportError
    from kubestats_pipeline.warehouse.build import schema_version

    layout = services.settings.layout
    try:
        with services.progress.track("report", 1) as done:
            made = build_site(layout.warehouse, layout.report, schema_version(), services.settings.report.url)
            done(f"{made.pages} pages")
    except (ReportError, BusyError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    context.log.info("%d pages, %d files written", made.pages, made.written)
    yield dg.MaterializeResult(
        asset_key="report",
        metadata={
            "link": dg.MetadataValue.url(link_to_pages(services.settings)),
            "path": dg.MetadataValue.path(made.index),
            "pages": made.pages,
            "written_files": made.written,
            "kept_files": made.kept,
            "seconds": made.seconds,
        },
    )


def link_to_pages(settings: Settings) -> str:
    """The address of the start page: where it is published, or where `kubestats dev` and `report` serve it."""
    return settings.report.url or f"http://{HOST}:{settings.report.port}/"
