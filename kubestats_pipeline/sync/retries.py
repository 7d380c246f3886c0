"""When a repository whose sync failed is tried again: the pause doubles with every failure, up to a limit."""

import datetime
from collections.abc import Iterable

from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline.settings import Settings


def pause_after(failures: int, settings: Settings) -> datetime.timedelta:
    """The time to wait after so many failures in a row, at least one."""
    doubled = settings.sync.retry_minutes / 60 * 2.0 ** min(failures - 1, 100)
    return datetime.timedelta(hours=min(doubled, settings.sync.max_retry_hours))


def due(repositories: Iterable[Repository], lake: Lake, now: datetime.datetime) -> list[Repository]:
    """The repositories that a sweep should sync now: all but those that failed and wait for their next attempt."""
    known = list(repositories)
    swept = RepositoryTables.sweep(lake, [(each.full_name, each.repository_id) for each in known], [SNAPSHOTS])
    return [repository for repository, tables in zip(known, swept, strict=True) if _is_due(tables, now)]


def _is_due(tables: RepositoryTables, now: datetime.datetime) -> bool:
    try:
        row = tables.snapshot()
    except LakeError:
        return True  # the sync itself reports the damaged file
    if row is None or row["last_sync_at"] > now:  # the clock was set back, so no time of the row says anything
        return True
    return row["next_attempt_at"] is None or row["next_attempt_at"] <= now
