"""A sweep reads the rows of many repositories at once, and sees what it would have seen one by one."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import SCANS, SNAPSHOTS
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

NAMES = [
    ("alice/home", "github:1"),
    ("bob/cluster", "github:2"),
    ("carol/gone", "github:3"),
    ("bob/cluster", "github:9"),
]


def damage(lake: Lake) -> None:
    lake.path(SNAPSHOTS, "bob/cluster").write_bytes(b"no Parquet")


def make_older(lake: Lake) -> None:
    path = lake.path(SNAPSHOTS, "bob/cluster")
    pl.read_parquet(path, hive_partitioning=False).drop("unsupported_head").write_parquet(path)


def read(tables: RepositoryTables) -> object:
    try:
        return tables.snapshot(), tables.scan()
    except LakeError as error:
        return str(error)


@pytest.mark.parametrize("change", [lambda lake: None, damage, make_older])
def test_the_rows_of_a_sweep_are_those_that_are_read_one_by_one(tmp_path: Path, change: Callable[[Lake], None]) -> None:
    lake = write_small_lake(tmp_path)
    change(lake)
    swept = RepositoryTables.sweep(lake, NAMES, [SNAPSHOTS, SCANS])
    assert [read(tables) for tables in swept] == [read(RepositoryTables(lake, *name)) for name in NAMES]


def test_a_sweep_reads_no_file_again(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    swept = RepositoryTables.sweep(lake, NAMES[:2], [SNAPSHOTS])
    for name, _ in NAMES[:2]:
        lake.delete(SNAPSHOTS, name)
    assert [row["full_name"] for tables in swept if (row := tables.snapshot())] == ["alice/home", "bob/cluster"]


def test_a_sweep_over_nothing_reads_nothing(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    assert RepositoryTables.sweep(lake, [], [SNAPSHOTS]) == []
    assert [tables.snapshot() for tables in RepositoryTables.sweep(lake, [("dora/new", "github:4")], [SNAPSHOTS])] == [
        None
    ]
