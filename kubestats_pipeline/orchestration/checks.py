"""Asset checks: what an operator should know about the last run, read from the lake and the published file.

Every table has the same checks, made from its contract. A few more look at the pipeline as a whole. No rule is
defined here. Rules against wrong numbers are in `warehouse/verify.py`: the build refuses to publish a file that breaks
one, and the checks show them for the file that is published. The others are in `warehouse/examine.py` and `health.py`.

Checks of the published file say nothing in a run that materializes tables alone, such as that of one partition or a
backfill, to which Dagster adds the checks of its assets: until the next publication the file is right to be older.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from kubestats_pipeline.lake.contract import Table, references
from kubestats_pipeline.lake.health import read_failures
from kubestats_pipeline.lake.lake import LakeError
from kubestats_pipeline.lake.tables import SCANS, SNAPSHOTS, TABLES
from kubestats_pipeline.orchestration.base.asset_specs import failures_table
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.freshness import longest_age

if TYPE_CHECKING:
    import duckdb

    from kubestats_pipeline.warehouse.verify import Violation

TOLERATED_SHARE = 0.1
"""Share of failed repositories, or of unread files, that does not raise an alarm: of many public repositories a few are
always away, and a few of their files are always broken.
"""

MOST_SHOWN = 3
"""Violations that a check's description names."""

TABLE_CHECKS: Mapping[str, str] = {
    "schema": "All files and the published table have the columns of the contract.",
    "key": "The key is unique and no required value is missing. A build that breaks this is not published.",
    "references": "Every row of another table that a row names by its id is there.",
    "equals_lake": "The warehouse holds the lake's rows: their number, and a fingerprint of what is not withheld.",
    "no_secrets": "No text has the known shape of a secret. A finding never quotes it. A text that the "
    "build has withheld from the file, because a stage had missed it, is a warning.",
}
"""The checks of every table. `references` applies to those that name rows of another one."""

ERROR_CHECKS = {"key", "equals_lake", "no_secrets"}
"""Checks whose failure is an error. That of the others is a warning."""

CADENCES: Mapping[str, str | None] = {
    "repositories": "discover_minutes",
    "snapshots": "sync_minutes",
    "ecosystem_stats": None,
    "warehouse": "publish_minutes",
}
"""The assets whose age is checked, each with the setting that says how often it is renewed. None for once a day."""

ALL_TABLES = tuple(TABLES.values())


def _table_specs() -> Iterator[dg.AssetCheckSpec]:
    for table in ALL_TABLES:
        for name, description in TABLE_CHECKS.items():
            if name != "references" or references(table, ALL_TABLES):
                yield dg.AssetCheckSpec(name, asset=table.name, description=description, additional_deps=["warehouse"])


@dg.multi_asset_check(name="check_tables", specs=list(_table_specs()), can_subset=True)
def check_tables(
    context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
) -> Iterator[dg.AssetCheckResult]:
    """Every table of the published file, and its files in the lake."""
    yield from _wanted(context, _check_tables(services))


def _check_tables(services: Services) -> Iterator[dg.AssetCheckResult]:
    from kubestats_pipeline.warehouse import examine, verify  # duckdb: only the run pays for it

    lake = services.lake
    with _published(services) as connection:
        refreshed = examine.narrow_to_refreshed(connection, lake)
        for table in ALL_TABLES:
            yield _result(table, "schema", examine.find_other_columns(connection, lake, table))
            broken = [*verify.find_duplicate_keys(connection, table), *verify.find_missing_values(connection, table)]
            yield _result(table, "key", broken)
            if references(table, ALL_TABLES):
                yield _result(table, "references", examine.find_lost_references(connection, table))
            yield _result(table, "equals_lake", examine.find_differences(connection, lake, table, refreshed))
            yield _secrets_result(
                table,
                examine.find_published_secrets(connection, table),
                examine.find_withheld_secrets(connection, table),
            )


@dg.multi_asset_check(
    name="check_freshness",
    specs=[
        dg.AssetCheckSpec(
            "freshness",
            asset=asset,
            description="Its newest content is younger than a day, or than three times its cadence.",
            additional_deps=[] if asset == "warehouse" else ["warehouse"],
        )
        for asset in CADENCES
    ],
    can_subset=True,
)
def check_freshness(
    context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
) -> Iterator[dg.AssetCheckResult]:
    """How old the newest content of the published file is."""
    yield from _wanted(context, _check_freshness(services))


def _check_freshness(services: Services) -> Iterator[dg.AssetCheckResult]:
    from kubestats_pipeline.warehouse.examine import newest  # duckdb: only the run pays for it

    with _published(services) as connection:
        for asset, setting in CADENCES.items():
            longest = longest_age(services.settings.automation, setting)
            moment = newest(connection, asset)
            age = services.now() - moment if moment else None
            yield dg.AssetCheckResult(
                passed=age is not None and age <= longest,
                check_name="freshness",
                asset_key=asset,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"its newest content is from {moment:%Y-%m-%d %H:%M}"
                if moment
                else "there is nothing in it yet",
                metadata={"age_hours": round(max(age.total_seconds(), 0) / 3600, 2)} if age else {},
            )


@dg.asset_check(
    asset="warehouse",
    blocking=True,
    description="Events fold to the resources, keys and positions are unique, nothing is lost. A build that breaks one "
    "of these rules is not published. The file of the last good build stays.",
)
def warehouse_invariants(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """The rules of the published file."""
    from kubestats_pipeline.warehouse.verify import CHECKS as RULES  # duckdb: only the run pays for it
    from kubestats_pipeline.warehouse.verify import verify

    with _published(services) as connection:
        violations = verify(connection)
    metadata = {"rules": len(RULES)} | _metadata(violations)
    return dg.AssetCheckResult(passed=not violations, description=_summed_up(violations), metadata=metadata)


@dg.asset_check(asset="snapshots", description="Every repository's last sync succeeded.")
def repositories_synced(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """Repositories that could not be fetched, with the reasons."""
    return _failed_repositories(services, SNAPSHOTS)


@dg.asset_check(asset="scans", description="Every repository's last scan succeeded.")
def repositories_scanned(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """Repositories that could not be scanned, with the reasons."""
    return _failed_repositories(services, SCANS)


@dg.multi_asset_check(
    name="files_read",
    specs=[
        dg.AssetCheckSpec(
            "files_read",
            asset="scan_problems",
            description="At most a tenth of all files with manifests could not be read. Templates do not count.",
            additional_deps=["warehouse"],
        )
    ],
    can_subset=True,
)
def files_read(
    context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
) -> Iterator[dg.AssetCheckResult]:
    """The share of files that hold mistakes."""
    yield from _wanted(context, _files_read(services))


def _files_read(services: Services) -> Iterator[dg.AssetCheckResult]:
    from kubestats_pipeline.warehouse.examine import share_of_unread_files  # duckdb: only the run pays for it

    with _published(services) as connection:
        unread, files = share_of_unread_files(connection)
    share = unread / files if files else 0.0
    yield dg.AssetCheckResult(
        check_name="files_read",
        asset_key="scan_problems",
        passed=share <= TOLERATED_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{unread} of {files} files could not be read",
        metadata={"unread_files": unread, "files": files, "share": round(share, 4)},
    )


def _wanted(
    context: dg.AssetCheckExecutionContext, results: Iterator[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckResult]:
    """Those results that the run asks for. None of them is computed where it materializes tables alone."""
    materialized = context.run.asset_selection
    if materialized and dg.AssetKey("warehouse") not in materialized:
        return
    asked = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
    yield from (result for result in results if (result.asset_key, result.check_name) in asked)


def _published(services: Services) -> "duckdb.DuckDBPyConnection":
    from kubestats_pipeline.warehouse.connect import open_to_read

    path = services.lake.layout.warehouse
    if not path.is_file():
        raise dg.Failure(f"{path} is not published yet. Run publish_warehouse first", allow_retries=False)
    return open_to_read(path)


def _secrets_result(
    table: Table, published: Sequence["Violation"], withheld: Sequence["Violation"]
) -> dg.AssetCheckResult:
    """Secrets that are published are an error. Those that only the lake holds are a warning."""
    return _result(table, "no_secrets", [*published, *withheld], is_error=bool(published))


def _result(
    table: Table, check: str, violations: Sequence["Violation"], *, is_error: bool = True
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not violations,
        check_name=check,
        asset_key=table.name,
        severity=dg.AssetCheckSeverity.ERROR if is_error and check in ERROR_CHECKS else dg.AssetCheckSeverity.WARN,
        description=_summed_up(violations),
        metadata=_metadata(violations),
    )


def _metadata(violations: Sequence["Violation"]) -> dict[str, Any]:
    """Violations as metadata: how many rows, keys or files break a rule, which can be plotted, and what is wrong."""
    lines = {
        f"{number}. {violation.table}: {violation.check}": f"{violation.count} {violation.detail}"
        for number, violation in enumerate(violations, 1)
    }
    return {"violations": sum(violation.count for violation in violations), "found": failures_table(lines)}


def _summed_up(violations: Sequence["Violation"]) -> str | None:
    """Violations as one line for the summary of a run. The metadata have all of them."""
    shown = [f"{violation.count} {violation.detail}" for violation in violations[:MOST_SHOWN]]
    more = [f"{len(violations) - MOST_SHOWN} more"] if len(violations) > MOST_SHOWN else []
    return "; ".join([*shown, *more]) or None


def _failed_repositories(services: Services, table: Table) -> dg.AssetCheckResult:
    try:
        known = services.repositories()
    except LakeError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    failures, total = read_failures(services.lake, table, known), len(known)
    share = len(failures) / total if total else 0.0
    return dg.AssetCheckResult(
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN if share <= TOLERATED_SHARE else dg.AssetCheckSeverity.ERROR,
        description=f"{len(failures)} of {total} repositories failed",
        metadata={"failed": len(failures), "repositories": total, "share": round(share, 4)}
        | {"failures": failures_table(failures)},
    )


CHECKS = [check_tables, check_freshness, warehouse_invariants, repositories_synced, repositories_scanned, files_read]

CHECK_KEYS = tuple(key for check in CHECKS for key in check.check_keys)
"""Every check of a publication."""
