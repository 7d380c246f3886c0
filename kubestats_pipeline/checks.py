"""Asset checks: what an operator should know about the last run, read from the lake and the published file.

Rules that would publish wrong numbers are enforced by the build itself (`warehouse/verify.py`); the check here runs
them again on the published file, so that the UI shows them.
"""

import dagster as dg

from kubestats_pipeline.contract import Table
from kubestats_pipeline.health import read_failures
from kubestats_pipeline.schemas import failures_table
from kubestats_pipeline.services import Services
from kubestats_pipeline.tables import SCANS, SNAPSHOTS

TOLERATED_SHARE = 0.1
"""Share of failed repositories up to which a check only warns: of many public repositories a few are always away."""


@dg.asset_check(asset="snapshots", description="Every repository's last sync succeeded.")
def repositories_synced(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """Which repositories could not be fetched, and why."""
    return _share_check(services, SNAPSHOTS)


@dg.asset_check(asset="scans", description="Every repository's last scan succeeded.")
def repositories_scanned(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """Which repositories could not be scanned, and why."""
    return _share_check(services, SCANS)


@dg.asset_check(
    asset="warehouse",
    description="Keys are unique, required values are there, and the fold of the events gives the resources.",
)
def warehouse_invariants(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """The rules of the published file."""
    from kubestats_pipeline.warehouse.connect import open_to_read  # duckdb: only the run pays for it
    from kubestats_pipeline.warehouse.verify import verify

    with open_to_read(services.lake.layout.warehouse) as connection:
        violations = verify(connection)
    found = {f"{each.table}: {each.check}": f"{each.count} {each.detail}" for each in violations}
    return dg.AssetCheckResult(passed=not found, metadata={"violations": failures_table(found)})


def _share_check(services: Services, table: Table) -> dg.AssetCheckResult:
    failures, total = read_failures(services.lake, table, services.repositories()), len(services.repositories())
    share = len(failures) / total if total else 0.0
    return dg.AssetCheckResult(
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN if share <= TOLERATED_SHARE else dg.AssetCheckSeverity.ERROR,
        metadata={"failed": len(failures), "repositories": total, "failures": failures_table(failures)},
    )


CHECKS = [repositories_synced, repositories_scanned, warehouse_invariants]
