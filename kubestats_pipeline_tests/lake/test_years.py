"""One file a year for a table of days: earlier daily files are read, and moved over once, also where that is killed."""

import datetime
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS
from kubestats_pipeline.lake.years import put_days
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline_tests.lake.test_lake import any_row

DAYS = [datetime.date(2024, 12, 31), *(datetime.date(2025, 1, number) for number in (1, 2, 3))]
NEW = datetime.date(2026, 5, 1)


def row(day: datetime.date, events: int) -> dict[str, Any]:
    return any_row(ECOSYSTEM_STATS, date=day, total_resource_events=events)


def put_earlier(folder: Path) -> Lake:
    """A lake with the daily files of an earlier version."""
    lake = Lake(Layout(folder))
    for number, day in enumerate(DAYS):
        lake.write(ECOSYSTEM_STATS, day, [row(day, number)])
    return lake


def known(lake: Lake) -> dict[datetime.date, int]:
    """The events of each day, which has one row."""
    rows = lake.read_all(ECOSYSTEM_STATS)
    assert rows["date"].is_unique().all()
    return dict(rows.select("date", "total_resource_events").iter_rows())


def files(lake: Lake) -> list[str]:
    table = lake.layout.table("ecosystem_stats")
    return sorted(str(path.relative_to(table)) for path in table.rglob("*") if path.is_file())


BEFORE = dict(zip(DAYS, range(4), strict=True))
YEARS = ["year=2024/part.parquet", "year=2025/part.parquet", "year=2026/part.parquet"]


def test_daily_files_of_an_earlier_version_are_read_as_they_lie(tmp_path: Path):
    lake = put_earlier(tmp_path)
    assert lake.partitions(ECOSYSTEM_STATS) == DAYS
    assert known(lake) == BEFORE


def test_the_first_day_that_is_written_moves_all_earlier_ones_over(tmp_path: Path):
    lake = put_earlier(tmp_path)
    put_days(lake, ECOSYSTEM_STATS, [row(NEW, 9), row(DAYS[1], 7)])
    assert known(lake) == BEFORE | {NEW: 9, DAYS[1]: 7}
    assert files(lake) == YEARS
    assert lake.partitions(ECOSYSTEM_STATS) == [2024, 2025, 2026]


def test_days_of_a_year_lie_in_their_order_and_others_stay_as_they_are(tmp_path: Path):
    lake = Lake(Layout(tmp_path))
    put_days(lake, ECOSYSTEM_STATS, [row(day, 1) for day in reversed(DAYS)])
    first = lake.path(ECOSYSTEM_STATS, 2024).read_bytes()
    put_days(lake, ECOSYSTEM_STATS, [row(DAYS[2], 2)])
    assert known(lake) == dict.fromkeys(DAYS, 1) | {DAYS[2]: 2}
    assert lake.read_all(ECOSYSTEM_STATS)["date"].to_list() == DAYS
    assert lake.path(ECOSYSTEM_STATS, 2024).read_bytes() == first


MOVE = """
import os, signal, sys
from pathlib import Path
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS
from kubestats_pipeline.lake.years import put_days
from kubestats_pipeline_tests.lake.test_years import NEW, row

left = int(sys.argv[2])

def counted(work):
    def step(*arguments):
        global left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return work(*arguments)
    return step

FolderStore.put, FolderStore.delete = counted(FolderStore.put), counted(FolderStore.delete)
put_days(Lake(Layout(Path(sys.argv[1]))), ECOSYSTEM_STATS, [row(NEW, 9)])
"""
"""A process that is killed before its step of that number: a file written, or one removed."""


@pytest.mark.parametrize("step", [0, 1, 3, 4, 6])
def test_a_move_that_is_killed_loses_and_doubles_no_day_and_the_next_one_ends_it(tmp_path: Path, step: int):
    lake = put_earlier(tmp_path)
    killed = subprocess.run([sys.executable, "-c", MOVE, str(tmp_path), str(step)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert known(lake) == BEFORE
    put_days(lake, ECOSYSTEM_STATS, [row(NEW, 9)])
    assert known(lake) == BEFORE | {NEW: 9}
    assert files(lake) == YEARS


def test_every_step_of_the_move_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Seven: three files of years, and four of days."""
    steps: list[str] = []
    for name in ("put", "delete"):
        work = getattr(FolderStore, name)
        monkeypatch.setattr(FolderStore, name, lambda *given, work=work: (steps.append(given[1]), work(*given))[1])
    lake = put_earlier(tmp_path)
    steps.clear()
    put_days(lake, ECOSYSTEM_STATS, [row(NEW, 9)])
    assert len(steps) == 7


def test_a_damaged_daily_file_is_named_and_nothing_of_its_year_is_removed(tmp_path: Path):
    lake = put_earlier(tmp_path)
    damaged = lake.path(ECOSYSTEM_STATS, DAYS[2])
    os.truncate(damaged, damaged.stat().st_size // 2)
    with pytest.raises(LakeError, match="date=2025-01-02"):
        put_days(lake, ECOSYSTEM_STATS, [row(NEW, 9)])
    assert [day for day in DAYS[1:] if lake.exists(ECOSYSTEM_STATS, day)] == DAYS[1:]
