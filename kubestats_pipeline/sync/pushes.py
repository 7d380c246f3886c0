"""Finds the repositories with a push since their last sync, as far as discovery knows."""

import datetime
from collections.abc import Sequence

import polars as pl

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.sync.retries import due

SYNC_OVERLAP = datetime.timedelta(minutes=2)
"""A push so shortly before the end of a sync may have come after the sync had looked, and clocks differ too."""


def pushed_since_sync(lake: Lake, repositories: Sequence[Repository], now: datetime.datetime) -> list[str]:
    """The full names of repositories that are due and were never synced, or may have a push after their last sync.

    Raises:
        LakeError: the repositories or one of the snapshots cannot be read.
    """
    partition = lake.read(REPOSITORIES)
    if partition is None:
        return []
    pushes = dict(partition.rows.select("full_name", pl.col("pushed_at")).iter_rows())
    behind = [repository for repository in repositories if _is_behind(lake, repository, pushes[repository.full_name])]
    return [repository.full_name for repository in due(behind, lake, now)]


def _is_behind(lake: Lake, repository: Repository, pushed_at: datetime.datetime | None) -> bool:
    row = RepositoryTables.of(lake, repository).snapshot()
    return row is None or (pushed_at is not None and pushed_at > row["last_sync_at"] - SYNC_OVERLAP)
