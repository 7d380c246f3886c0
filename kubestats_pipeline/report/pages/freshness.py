"""The page about runs and freshness: when the data were published, and how the last syncs and scans went."""

from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

PUBLISHED = Section(
    "This publication",
    """
SELECT built_at, reference_at AS newest_event, schema_version, publish_values
FROM warehouse_info, reference_moment
""",
    shape="facts",
    note="Days are counted back from the newest event, so that the same data always give the same numbers.",
)

SYNCS = Section(
    "Last syncs",
    """
SELECT sync_status, count(*) AS repositories, min(last_sync_at) AS oldest, max(last_sync_at) AS newest
FROM snapshots
GROUP BY sync_status
""",
    order="repositories DESC, sync_status",
)

SCANS = Section(
    "Last scans",
    """
SELECT scan_status, count(*) AS repositories, min(last_scan_at) AS oldest, max(last_scan_at) AS newest
FROM scans
GROUP BY scan_status
""",
    order="repositories DESC, scan_status",
)

FAILING = Section(
    "Repositories that fail",
    """
SELECT full_name, status, sync_status, sync_error, scan_status, scan_error, consecutive_failures, next_attempt_at
FROM repository_status
WHERE sync_status NOT IN ('synced', 'unchanged') OR scan_status <> 'scanned'
""",
    order="full_name, sync_status",
    limit=300,
    empty="None. Every repository was synced and scanned.",
)

TABLES = Section(
    "Tables",
    "SELECT table_name, rows, repositories, newest_at, new_7_days FROM table_figures",
    order="rows DESC, table_name",
)

FRESHNESS = PageKind(
    "freshness",
    lambda _: "freshness.html",
    lambda _: "Runs and freshness",
    (PUBLISHED, SYNCS, SCANS, FAILING, TABLES),
    lead=lambda _: "When the data were published, and how the last syncs and scans went.",
    menu="Freshness",
)
