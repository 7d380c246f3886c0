"""Failures of repositories, read from the lake, for checks and metrics."""

from collections.abc import Iterable

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.tables import SCANS
from kubestats_pipeline.lake.vocabulary import ScanStatus, SyncStatus

FAILED: frozenset[SyncStatus | ScanStatus] = frozenset({"error", "gone"})
"""Values of sync_status and scan_status that mean a failure. An empty, too large or unsupported repository has not
failed.
"""


def read_failures(lake: Lake, table: Table, full_names: Iterable[str]) -> dict[str, str]:
    """The repositories whose last sync (`snapshots`) or scan (`scans`) failed, with the reason.

    A partition that cannot be read is a failure too.
    """
    status, reason = ("scan_status", "scan_error") if table is SCANS else ("sync_status", "sync_error")
    failures = {}
    for name in full_names:
        try:
            partition = lake.read(table, name)
        except LakeError as error:
            failures[name] = str(error)
            continue
        for row in partition.rows.iter_rows(named=True) if partition else ():
            if row[status] in FAILED:
                failures[name] = row[reason]
    return failures
