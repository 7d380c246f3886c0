"""The page of a day of `ecosystem_stats`: every number of its row, so that each plots over the days."""

import datetime
from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from kubestats_pipeline.lake.contract import Type
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS
from kubestats_pipeline.orchestration.asset_pages.data_versions import version_tag
from kubestats_pipeline.orchestration.base.partitions import day_key

NUMBERS = tuple(column.name for column in ECOSYSTEM_STATS.columns if column.type is Type.INTEGER)

UNKNOWN = "Nothing was known by the end of this day."


def rows_of_days(lake: Lake) -> dict[datetime.date, pl.DataFrame]:
    """The row of each day of `ecosystem_stats`.

    Raises:
        LakeError: a file is damaged.
    """
    rows = lake.read_all(ECOSYSTEM_STATS)
    return {row["date"][0]: row for row in rows.iter_slices(1)}


def materialized_day(day: datetime.date, row: pl.DataFrame | None) -> dg.AssetMaterialization:
    """The event of a day that was computed, with or without a row."""
    told: Mapping[str, Any] = row.row(0, named=True) if row is not None else {}
    numbers = {name: told[name] for name in NUMBERS if told.get(name) is not None}
    note = {} if told else {"note": UNKNOWN}
    return dg.AssetMaterialization(
        ECOSYSTEM_STATS.name,
        partition=day_key(day),
        description=None if told else UNKNOWN,
        metadata={"dagster/partition_row_count": int(bool(told)), **note, **numbers},
        tags=version_tag(row),
    )
