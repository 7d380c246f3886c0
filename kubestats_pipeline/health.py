"""What is wrong with repositories, read from the lake, and when daemons lived: for checks, `doctor` and `metrics`."""

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kubestats_pipeline.contract import Table
from kubestats_pipeline.lake import Lake, LakeError
from kubestats_pipeline.tables import SCANS

if TYPE_CHECKING:
    import dagster as dg

FAILED = {"error", "gone"}
"""Values of sync_status and scan_status that mean a failure; one that is empty, too large or unsupported is none."""


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


def last_heartbeats(instance: "dg.DagsterInstance") -> dict[str, datetime.datetime]:
    """The last sign of life of each of Dagster's daemons that ever gave one, by name."""
    statuses = instance.get_daemon_statuses().items()
    beats = {name: status.last_heartbeat for name, status in statuses}
    return {name: datetime.datetime.fromtimestamp(beat.timestamp, datetime.UTC) for name, beat in beats.items() if beat}
