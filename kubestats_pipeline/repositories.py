"""A repository as every stage knows it, read from the rows of the `repositories` table.

Discovery writes those rows (`discover/membership.py`); sync, scan and automation only need these few of their columns.
"""

from dataclasses import dataclass

import polars as pl

from kubestats_pipeline.lake import Lake
from kubestats_pipeline.tables import REPOSITORIES


@dataclass(frozen=True)
class Repository:
    """One repository to mirror and scan.

    Attributes:
        repository_id: its identity, which outlives renames.
        full_name: its name and partition key.
    """

    repository_id: str
    full_name: str
    host: str
    owner: str
    name: str
    clone_url: str


def read_repositories(lake: Lake, *, status: str = "active") -> dict[str, Repository]:
    """All repositories of one status by full name, in the order of their names.

    Raises:
        LakeError: the table's file is damaged.
    """
    partition = lake.read(REPOSITORIES)
    if partition is None:
        return {}
    columns = ("repository_id", "full_name", "host", "owner", "name", "clone_url")
    rows = partition.rows.filter(pl.col("status") == status).sort("full_name").select(columns)
    return {row["full_name"]: Repository(**row) for row in rows.iter_rows(named=True)}
