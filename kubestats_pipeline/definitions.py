"""The only assembly: the stages in the order of the flow, their jobs, schedules, sensors and checks.

`build_definitions` is pure. Loading this module reads the settings once and does no other work, so that the UI, the
daemon and every run start quickly; what is heavy is imported inside the assets that need it.
"""

import dagster as dg

from kubestats_pipeline.automation import build_automation
from kubestats_pipeline.checks import CHECKS
from kubestats_pipeline.decision_jobs import DECISION_JOBS
from kubestats_pipeline.discover.assets import discover_assets
from kubestats_pipeline.jobs import JOBS, build_jobs
from kubestats_pipeline.logs import CONSOLE, build_console
from kubestats_pipeline.orchestration.worker_identity import telling_executor
from kubestats_pipeline.scan.assets import scan_assets, scan_runs
from kubestats_pipeline.services import Services
from kubestats_pipeline.settings import load_settings
from kubestats_pipeline.sync.assets import sync_assets, sync_runs
from kubestats_pipeline.warehouse.assets import statistics_assets, warehouse_assets


def build_definitions(services: Services, *, headless: bool = False) -> dg.Definitions:
    """Assemble everything for the given settings, clock and progress.

    A headless one has no schedules and sensors, and its jobs do not wait for retries: somebody waits for them.
    """
    jobs = build_jobs(retries=None) if headless else JOBS
    schedules, sensors = ([], []) if headless else build_automation(services.settings)
    return dg.Definitions(
        assets=[
            discover_assets,
            sync_assets,
            sync_runs,
            scan_assets,
            scan_runs,
            statistics_assets,
            warehouse_assets,
        ],
        asset_checks=CHECKS,
        jobs=[*jobs, *DECISION_JOBS],
        schedules=schedules,
        sensors=sensors,
        resources={"services": services},
        executor=telling_executor,
        loggers={CONSOLE: build_console(services.settings.log_format)},
    )


defs = build_definitions(Services(load_settings()))
