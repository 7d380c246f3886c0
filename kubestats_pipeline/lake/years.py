"""A table of days that lies in one file a year, and the daily files in which earlier versions kept such a table.

The file of a year takes the place of all daily files of that year: `Lake.partitions` passes over them. So a process may
be killed anywhere between the new file and the removal of the old ones, and each day is still read once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Key, Lake, to_frame
from kubestats_pipeline.locks import locked

LOCK_SECONDS = 60
"""How long it waits for another process that writes the table. A write takes milliseconds."""

DAY = "date"
"""The key of a table of days."""


def put_days(lake: Lake, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put the rows of days in place of earlier ones of the same days. Daily files of any year are moved over with them.

    Raises:
        LakeError: a file is damaged or cannot be written. The years before it are written.
        BusyError: another process has been writing the table for long.
    """
    with locked(lake.layout.days_lock(table.name), LOCK_SECONDS):
        added, daily = defaultdict[int, list[Mapping[str, Any]]](list), defaultdict[int, list[Key]](list)
        for row in rows:
            added[row[DAY].year].append(row)
        for day in lake.dates(table):
            daily[day.year].append(day)
        for year in sorted({*added, *daily}):
            known = [*daily[year], year]
            lake.write(table, year, _merged([*_read(lake, table, known), to_frame(table, added[year])]))
            for moved in daily[year]:
                lake.delete(table, moved)


def _read(lake: Lake, table: Table, keys: Sequence[Key]) -> list[pl.DataFrame]:
    return [found.rows for found in (lake.read(table, key) for key in keys) if found is not None]


def _merged(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of all frames, of each day the last."""
    return pl.concat(frames).unique(DAY, keep="last")
