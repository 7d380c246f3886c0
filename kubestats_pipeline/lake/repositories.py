"""A repository as every stage knows it, read from the rows of the `repositories` table.

Discovery writes those rows (`discover/membership.py`). Sync, scan and automation only need these few of their columns.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from kubestats_pipeline.errors import ExplainedError, did_you_mean
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.relocation import read_journal
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.lake.vocabulary import RepositoryStatus


class UnknownRepositoryError(ExplainedError):
    """A name does not belong to a repository that could be worked on. The text says what it is instead."""


@dataclass(frozen=True)
class Repository:
    """One repository to mirror and scan.

    Attributes:
        repository_id: its identity, which outlives renames.
        full_name: its name and partition key.
        is_approved: the administrator let it in whatever its size.
    """

    repository_id: str
    full_name: str
    host: str
    owner: str
    name: str
    clone_url: str
    is_approved: bool = False


COLUMNS = ("repository_id", "full_name", "host", "owner", "name", "clone_url")


def read_repositories(lake: Lake, *, status: RepositoryStatus = "active") -> dict[str, Repository]:
    """All repositories of one status by full name, in the order of their names.

    Those whose partitions are on their way to another name are left out until they have arrived.

    Raises:
        LakeError: the table's file is damaged.
    """
    partition = lake.read(REPOSITORIES)
    if partition is None:
        return {}
    moving = {move.repository_id for move in read_journal(partition.metadata).moves}
    wanted = (pl.col("status") == status) & ~pl.col("repository_id").is_in(moving)
    rows = partition.rows.filter(wanted).sort("full_name").select(*COLUMNS, pl.col("is_approved").fill_null(False))
    return {row["full_name"]: Repository(**row) for row in rows.iter_rows(named=True)}


def read_rows(lake: Lake) -> list[dict[str, Any]]:
    """All rows of the table, whatever their status.

    Raises:
        LakeError: the table's file is damaged.
    """
    partition = lake.read(REPOSITORIES)
    return partition.rows.to_dicts() if partition else []


def find_repository(lake: Lake, name: str) -> dict[str, Any] | None:
    """The row of the repository that has a full name, else of the last one that had it, in any case of letters.

    Raises:
        LakeError: the table's file is damaged.
    """
    rows, wanted = read_rows(lake), name.strip().casefold()
    present = [row for row in rows if row["full_name"].casefold() == wanted]
    former = [row for row in rows if wanted in map(str.casefold, row["previous_names"] or ())]
    return next(iter([*present, *sorted(former, key=lambda row: row["last_seen_at"], reverse=True)]), None)


def find_active(lake: Lake, names: Iterable[str]) -> list[str]:
    """The present full names of active repositories, each by a name that it has or had.

    Raises:
        UnknownRepositoryError: nothing has that name, or it is not active.
        LakeError: the table's file is damaged.
    """
    found = []
    for name in names:
        row = find_repository(lake, name)
        if row is None:
            near = did_you_mean(name, [row["full_name"] for row in read_rows(lake)])
            raise UnknownRepositoryError(f"{name} is not known.{near or ' `kubestats status` names all that are'}")
        if row["status"] != "active":
            raise UnknownRepositoryError(f"{row['full_name']} is {row['status']}: {row['status_reason']}")
        found.append(row["full_name"])
    return found
