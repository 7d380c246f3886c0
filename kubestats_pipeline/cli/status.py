"""Reads how every repository does from the lake: the rows of `repositories`, `snapshots` and `scans` side by side."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.health import FAILED
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import read_rows
from kubestats_pipeline.lake.repository_tables import RepositoryTables


class NothingKnownError(ExplainedError):
    """No repository is known. The text says why, and what to do."""


@dataclass(frozen=True)
class RepositorySummary:
    """One repository: its last sync and scan and what it holds.

    Attributes:
        status: active, or why nothing is done for it: blocked, pending_approval or retired, with the reason.
        error: what is wrong with it. None when nothing is.
    """

    full_name: str
    status: str
    status_reason: str | None
    is_approved: bool
    sync_status: str | None
    scan_status: str | None = None
    head_commit: str | None = None
    scanned_commit: str | None = None
    gitops_engine: str | None = None
    resources: int = 0
    events: int = 0
    problems: int = 0
    last_sync_at: datetime.datetime | None = None
    last_scan_at: datetime.datetime | None = None
    next_attempt_at: datetime.datetime | None = None
    error: str | None = None

    @property
    def failed(self) -> bool:
        """True if its last sync or scan failed, or its partitions cannot be read, while it is active."""
        if self.status != "active":
            return False
        return self.sync_status in FAILED or self.scan_status in FAILED or self.sync_status == "unreadable"


def read_status(layout: Layout) -> Iterator[RepositorySummary]:
    """The status of every repository, active ones first, by name. One whose partitions are damaged says so.

    Raises:
        LakeError: the table of repositories itself is damaged.
    """
    lake = Lake(layout).pulled()
    for row in sorted(read_rows(lake), key=lambda row: (row["status"] != "active", row["full_name"])):
        about = (row["full_name"], row["status"], row["status_reason"], bool(row["is_approved"]))
        try:
            yield _status(RepositoryTables(lake, row["full_name"], row["repository_id"]), *about)
        except LakeError as error:
            yield RepositorySummary(*about, sync_status="unreadable", error=str(error))


def why_nothing_is_known(layout: Layout) -> str:
    """The remedy where no repository is known. After a discovery that failed its reasons stand in front.

    Raises:
        HomeError: Dagster's storage cannot be opened.
    """
    if not layout.dagster_home.is_dir():
        return f"{layout.data_dir} holds nothing yet. Run `kubestats demo` or `kubestats run` first"

    from kubestats_pipeline.orchestration.base.dagster_home import open_instance
    from kubestats_pipeline.orchestration.last_discovery import read_last_discovery

    with open_instance(layout) as instance:
        last = read_last_discovery(instance)
    if last is None or not last.failures:
        return f"{layout.data_dir} knows no repository yet. Name some in `repositories`, then run `kubestats run`"
    reasons = "; ".join(f"{subject}: {reason}" for subject, reason in sorted(last.failures.items()))
    return f"no repository is known yet. The discovery of {last.began_at:%Y-%m-%d %H:%M} UTC failed: {reasons}"


def _status(
    tables: RepositoryTables, name: str, status: str, reason: str | None, is_approved: bool
) -> RepositorySummary:
    snapshot, scan = tables.snapshot() or {}, tables.scan() or {}
    return RepositorySummary(
        full_name=name,
        status=status,
        status_reason=reason,
        is_approved=is_approved,
        sync_status=snapshot.get("sync_status"),
        scan_status=scan.get("scan_status"),
        head_commit=snapshot.get("head_commit"),
        scanned_commit=scan.get("scanned_commit"),
        gitops_engine=scan.get("gitops_engine"),
        resources=scan.get("resources_count", 0),
        events=scan.get("events_count", 0),
        problems=scan.get("problems_count", 0),
        last_sync_at=snapshot.get("last_sync_at"),
        last_scan_at=scan.get("last_scan_at"),
        next_attempt_at=snapshot.get("next_attempt_at"),
        error=snapshot.get("sync_error") or scan.get("scan_error"),
    )
