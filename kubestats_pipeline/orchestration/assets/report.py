"""The Dagster skin of the pages: one asset after the published file."""

from collections.abc import Iterator

import dagster as dg

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.loopback import HOST
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.storage.bucket import StoreError
from kubestats_pipeline.storage.objects import StaleError

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
        put = _put_into_bucket(layout)
    except (ReportError, BusyError, StoreError, StaleError) as error:
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
            **({} if put is None else {"objects": put}),
        },
    )


def _put_into_bucket(layout: Layout) -> int | None:
    """Put the file and its pages where other machines read them. Gives how many have changed, None without a bucket."""
    if not layout.lake_url:
        return None
    from kubestats_pipeline.storage.bucket import LakeBucket
    from kubestats_pipeline.storage.publication import publish

    site = layout.report.resolve()
    pages = {f"{layout.name_of(layout.report)}/{page.relative_to(site).as_posix()}": page for page in site.rglob("*")}
    files = {layout.name_of(layout.warehouse): layout.warehouse, **pages}
    return publish(LakeBucket(layout.lake_url), {name: path for name, path in files.items() if path.is_file()})


def link_to_pages(settings: Settings) -> str:
    """The address of the start page: where it is published, or where `kubestats dev` and `report` serve it."""
    return settings.report.url or f"http://{HOST}:{settings.report.port}/"
