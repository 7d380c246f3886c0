"""Reads how every repository does from the lake: the rows of `repositories`, `snapshots` and `scans` side by side."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from kubestats_pipeline.health import FAILED
from kubestats_pipeline.lake import Lake, LakeError
from kubestats_pipeline.layout import Layout
from kubestats_pipeline.repositories import read_repositories
from kubestats_pipeline.scan.store import read_scan
from kubestats_pipeline.tables import SNAPSHOTS


@dataclass(frozen=True)
class RepositoryStatus:
    """One repository: its last sync and scan and what it holds.

    Attributes:
        error: what is wrong with it; None when nothing is.
    """

    full_name: str
    sync_status: str | None
    scan_status: str | None
    head_commit: str | None
    scanned_commit: str | None
    gitops_engine: str | None
    resources: int
    events: int
    problems: int
    last_sync_at: datetime.datetime | None
    next_attempt_at: datetime.datetime | None
    error: str | None

    @property
    def failed(self) -> bool:
        """Whether its last sync or scan failed, or its partitions cannot be read."""
        return self.sync_status in FAILED or self.scan_status in FAILED or self.sync_status == "unreadable"


def read_status(layout: Layout) -> Iterator[RepositoryStatus]:
    """The status of every active repository, by name. One whose partitions are damaged says so.

    Raises:
        LakeError: the table of repositories itself is damaged.
    """
    lake = Lake(layout)
    for name in read_repositories(lake):
        try:
            yield _status(lake, name)
        except LakeError as error:
            yield RepositoryStatus(name, "unreadable", None, None, None, None, 0, 0, 0, None, None, str(error))


def _status(lake: Lake, name: str) -> RepositoryStatus:
    partition = lake.read(SNAPSHOTS, name)
    snapshot = partition.rows.row(0, named=True) if partition and len(partition.rows) else {}
    scan = read_scan(lake, name) or {}
    return RepositoryStatus(
        full_name=name,
        sync_status=snapshot.get("sync_status"),
        scan_status=scan.get("scan_status"),
        head_commit=snapshot.get("head_commit"),
        scanned_commit=scan.get("scanned_commit"),
        gitops_engine=scan.get("gitops_engine"),
        resources=scan.get("resources_count", 0),
        events=scan.get("events_count", 0),
        problems=scan.get("problems_count", 0),
        last_sync_at=snapshot.get("last_sync_at"),
        next_attempt_at=snapshot.get("next_attempt_at"),
        error=snapshot.get("sync_error") or scan.get("scan_error"),
    )
