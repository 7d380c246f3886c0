"""The only assembly: the stages in the order of the flow, their jobs, schedules, sensors and checks.

`build_definitions` is pure. Loading this module reads the settings once and does no other work, so that the UI, the
daemon and every run start quickly. Heavy modules are imported inside the assets that need it.
"""

import dagster as dg

from kubestats_pipeline.orchestration.asset_pages.sources import with_references
from kubestats_pipeline.orchestration.assets.discover import discover_assets, discovery_runs
from kubestats_pipeline.orchestration.assets.report import report_assets
from kubestats_pipeline.orchestration.assets.scan import scan_assets, scan_runs
from kubestats_pipeline.orchestration.assets.sync import sync_assets, sync_runs
from kubestats_pipeline.orchestration.assets.warehouse import statistics_assets, warehouse_assets
from kubestats_pipeline.orchestration.automation import build_automation
from kubestats_pipeline.orchestration.base.console_log import CONSOLE, build_console
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.worker_identity import telling_executor
from kubestats_pipeline.orchestration.checks import CHECKS
from kubestats_pipeline.orchestration.decision_jobs import DECISION_JOBS
from kubestats_pipeline.orchestration.freshness import with_freshness
from kubestats_pipeline.orchestration.jobs import JOBS, build_jobs

ASSETS = (
    discover_assets,
    discovery_runs,
    sync_assets,
    sync_runs,
    scan_assets,
    scan_runs,
    statistics_assets,
    warehouse_assets,
    report_assets,
)
"""All assets in the order of the flow."""


def build_definitions(services: Services, *, headless: bool = False) -> dg.Definitions:
    """Assemble everything for the given settings, clock and progress.

    A headless one has no schedules and sensors, and its jobs do not wait for retries: somebody waits for them.
    """
    jobs = build_jobs(retries=None) if headless else JOBS
    schedules, sensors = ([], []) if headless else build_automation(services.settings)
    return dg.Definitions(
        assets=with_freshness(with_references(ASSETS), services.settings.automation),
        asset_checks=CHECKS,
        jobs=[*jobs, *DECISION_JOBS],
        schedules=schedules,
        sensors=sensors,
        resources={"services": services},
        executor=telling_executor,
        loggers={CONSOLE: build_console(services.settings.log_format)},
    )
