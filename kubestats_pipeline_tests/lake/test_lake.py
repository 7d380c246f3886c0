"""A partition comes back as it was written, is replaced as a whole or not at all, and says what is wrong with it."""

import datetime
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.lake.contract import Column, Partitioning, Table, Type
from kubestats_pipeline.lake.frames import parquet_schema
from kubestats_pipeline.lake.lake import Key, Lake, LakeError, to_frame
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import (
    ECOSYSTEM_STATS,
    REPOSITORIES,
    REPOSITORY_METRICS,
    RESOURCES,
    SNAPSHOTS,
    TABLES,
)

IMAGE_FIELDS = ("image", "tag", "digest", "role", "registry", "repository", "raw")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGER = st.integers(-(2**63), 2**63 - 1)
TIME = st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2200, 1, 1), timezones=st.just(datetime.UTC))
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.TEXT: TEXT,
    Type.INTEGER: INTEGER,
    Type.BOOLEAN: st.booleans(),
    Type.DATE: st.dates(datetime.date(1970, 1, 1), datetime.date(2200, 1, 1)),
    Type.TIME: TIME,
    Type.TEXTS: st.lists(TEXT, max_size=3),
    Type.JSON: st.sampled_from(["{}", '{"a": [1, null]}', '"ä"']),
    Type.COUNTS: st.lists(st.fixed_dictionaries({"key": TEXT, "value": INTEGER}), max_size=3),
    Type.IMAGES: st.lists(st.fixed_dictionaries({name: st.none() | TEXT for name in IMAGE_FIELDS}), max_size=3),
}
FIXED: dict[Type, Any] = {
    Type.TEXT: "text",
    Type.INTEGER: 1,
    Type.BOOLEAN: True,
    Type.DATE: datetime.date(2026, 1, 2),
    Type.TIME: datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC),
    Type.TEXTS: ["one", "two"],
    Type.JSON: "{}",
    Type.COUNTS: [{"key": "one", "value": 1}],
    Type.IMAGES: [
        dict(zip(IMAGE_FIELDS, ("docker.io/x/y", "1.10", None, "main", "docker.io", "x/y", "x/y:1.10"), strict=True))
    ],
}


def any_row(table: Table, **values: Any) -> dict[str, Any]:
    """A row that fits a table, with some values given."""
    return {column.name: FIXED[column.type] for column in table.columns} | values


def key_of(table: Table) -> Key:
    keys: dict[Partitioning, Key] = {
        Partitioning.WHOLE: None,
        Partitioning.REPOSITORY: "ann/home-ops",
        Partitioning.DATE: datetime.date(2026, 1, 2),
        Partitioning.YEAR: 2026,
    }
    return keys[table.partitioning]


def values_of(column: Column) -> st.SearchStrategy[Any]:
    return st.none() | VALUES[column.type] if column.nullable else VALUES[column.type]


def rows_of(table: Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({column.name: values_of(column) for column in table.columns}), max_size=3)


def names_below(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Layout(tmp_path))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_rows_of_every_table_come_back_as_they_were_written(tmp_path: Path, table: Table, data: st.DataObject):
    lake, rows = Lake(Layout(tmp_path)), data.draw(rows_of(table))
    lake.write(table, key_of(table), rows)
    partition = lake.read(table, key_of(table))
    assert partition is not None
    assert partition.rows.schema == parquet_schema(table)
    expected = sorted(rows, key=lambda row: _sort_key(table, row)) if table.sort else rows
    assert partition.rows.to_dicts() == expected


def _sort_key(table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
    """Polars sorts text by its UTF-8 bytes, which is the order of code points, Python's own."""
    return tuple(row[name] for name in table.sort)


def test_a_partition_that_was_never_written_is_none_and_not_empty(lake: Lake):
    assert lake.read(SNAPSHOTS, "ann/home-ops") is None
    assert lake.read_metadata(SNAPSHOTS, "ann/home-ops") is None
    assert lake.delete(SNAPSHOTS, "ann/home-ops") is False
    assert lake.read_all(SNAPSHOTS).schema == parquet_schema(SNAPSHOTS)


def test_what_stands_for_the_rows_travels_with_them(lake: Lake):
    lake.write(RESOURCES, "ann/home-ops", [any_row(RESOURCES)], {"commit": "c0ffee", "größe": "☃"})
    partition = lake.read(RESOURCES, "ann/home-ops")
    assert partition is not None
    assert partition.metadata == {"commit": "c0ffee", "größe": "☃"}
    assert lake.read_metadata(RESOURCES, "ann/home-ops") == partition.metadata
    lake.write(RESOURCES, "ann/home-ops", [any_row(RESOURCES)])
    assert lake.read_metadata(RESOURCES, "ann/home-ops") == {}


def test_keys_are_listed_as_they_were_given_and_deleted_ones_are_gone(lake: Lake):
    for name in ("zoë/b", "a/b", "git.example.org/a/b"):
        lake.write(SNAPSHOTS, name, [any_row(SNAPSHOTS, full_name=name)])
    lake.write(REPOSITORY_METRICS, datetime.date(2026, 1, 2), [any_row(REPOSITORY_METRICS)])
    lake.write(ECOSYSTEM_STATS, 2026, [any_row(ECOSYSTEM_STATS)])
    assert list(lake.repositories(SNAPSHOTS)) == ["a/b", "git.example.org/a/b", "zoë/b"]
    assert list(lake.dates(REPOSITORY_METRICS)) == [datetime.date(2026, 1, 2)]
    assert lake.years(ECOSYSTEM_STATS) == [2026]
    assert sorted(lake.read_all(SNAPSHOTS)["full_name"]) == ["a/b", "git.example.org/a/b", "zoë/b"]
    assert lake.delete(SNAPSHOTS, "a/b") is True
    assert list(lake.repositories(SNAPSHOTS)) == ["git.example.org/a/b", "zoë/b"]


@pytest.mark.parametrize(
    ("table", "key"),
    [(REPOSITORIES, "a/b"), (SNAPSHOTS, None), (SNAPSHOTS, datetime.date(2026, 1, 2)), (REPOSITORY_METRICS, "a/b")],
)
def test_a_key_of_the_wrong_kind_is_a_mistake_of_the_program(lake: Lake, table: Table, key: Key):
    with pytest.raises(ValueError, match=f"is not a partition key of {table.name}"):
        lake.path(table, key)


COMPLETE = any_row(SNAPSHOTS, head_commit="old")
UNFIT = {
    "a missing column": pl.DataFrame([COMPLETE]).drop("sync_status"),
    "an unknown column": pl.DataFrame([COMPLETE | {"stars": 1}]),
    "a mistyped column": [COMPLETE | {"consecutive_failures": "three"}],
    "a mistyped frame": pl.DataFrame([COMPLETE | {"consecutive_failures": "three"}]),
    "a number for a text": [COMPLETE | {"full_name": 7}],
    "a null where none may be": [COMPLETE | {"repository_id": None}],
    "a row without a required value": [{"repository_id": "git:1"}],
}


@pytest.mark.parametrize("rows", UNFIT.values(), ids=UNFIT)
def test_rows_that_do_not_fit_are_refused_and_the_old_ones_stay(lake: Lake, rows: Any):
    lake.write(SNAPSHOTS, "a/b", [COMPLETE])
    with pytest.raises(LakeError, match="snapshots"):
        lake.write(SNAPSHOTS, "a/b", rows)
    partition = lake.read(SNAPSHOTS, "a/b")
    assert partition is not None
    assert partition.rows["head_commit"].to_list() == ["old"]
    assert names_below(lake.layout.lake) == {"part.parquet"}


def test_a_row_with_an_unknown_name_is_refused_too(lake: Lake):
    with pytest.raises(LakeError, match="snapshots"):
        lake.write(SNAPSHOTS, "a/b", [COMPLETE | {"stars": 1}])


@pytest.mark.parametrize("topics", [[1], [True], ["a", 1.10], [["a"]], [{"a": "b"}], {"a": "b"}, 7])
def test_a_list_of_texts_takes_nothing_else(topics: Any):
    with pytest.raises(LakeError, match="repositories"):
        to_frame(REPOSITORIES, [any_row(REPOSITORIES, topics=topics)])


@pytest.mark.parametrize("pushed_at", [datetime.datetime(2026, 1, 2), datetime.date(2026, 1, 2), "2026-01-02", 7])
def test_a_time_has_a_zone(pushed_at: Any):
    with pytest.raises(LakeError, match="repositories"):
        to_frame(REPOSITORIES, [any_row(REPOSITORIES, pushed_at=pushed_at)])


def test_a_refusal_quotes_no_value():
    with pytest.raises(LakeError) as error:
        to_frame(SNAPSHOTS, [COMPLETE | {"consecutive_failures": "hunter2"}])
    assert "hunter2" not in str(error.value)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_the_end(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def fill_with_garbage(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def give_another_schema(path: Path) -> None:
    pl.DataFrame([{"a": 1}]).write_parquet(path)


def drop_a_column(path: Path) -> None:
    pl.read_parquet(path, hive_partitioning=False).drop("sync_status").write_parquet(path)


def put_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "damage",
    [truncate, cut_the_end, empty, fill_with_garbage, give_another_schema, drop_a_column, put_a_folder],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_file_is_named_together_with_what_to_do(lake: Lake, damage):
    path = lake.write(SNAPSHOTS, "a/b", [COMPLETE])
    damage(path)
    for read in (lambda: lake.read(SNAPSHOTS, "a/b"), lambda: lake.read_all(SNAPSHOTS)):
        with pytest.raises(LakeError) as error:
            read()
        assert str(path) in str(error.value)
        assert "delete it and run again" in str(error.value)


def test_a_partition_whose_folder_cannot_be_made_is_an_error_that_names_it(lake: Lake):
    lake.layout.lake.mkdir(parents=True)
    lake.layout.table("snapshots").write_text("a file where a folder must be")
    with pytest.raises(LakeError, match=r"cannot write .*snapshots.*; free or unlock the disk and run again"):
        lake.write(SNAPSHOTS, "a/b", [COMPLETE])


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline_tests.lake.test_lake import COMPLETE

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    Lake(Layout(Path(sys.argv[1]))).write(SNAPSHOTS, "a/b", [COMPLETE | {"head_commit": "new"}])
except LakeError as error:
    print(error)
"""
"""A process that may write no file beyond 2,000 bytes, which is how a full disk looks to it."""


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing_beside_it(lake: Lake, tmp_path: Path):
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    path = lake.write(SNAPSHOTS, "a/b", [COMPLETE])
    assert path.stat().st_size > 2000
    said = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], stdout=subprocess.PIPE, check=True).stdout
    assert f"cannot write {path}: ".encode() in said
    assert b"free or unlock the disk" in said
    assert lake.read_all(SNAPSHOTS)["head_commit"].to_list() == ["old"]
    assert names_below(tmp_path) == {"part.parquet"}


WRITER = """
import itertools, sys
from pathlib import Path
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline_tests.lake.test_lake import COMPLETE

lake = Lake(Layout(Path(sys.argv[1])))
for number in itertools.count():
    rows = [COMPLETE | {"repository_id": str(place), "head_commit": str(number)} for place in range(500)]
    lake.write(SNAPSHOTS, "a/b", rows, {"number": str(number)})
    print(number, flush=True)
"""
"""A process that replaces one partition again and again; all rows and the metadata bear the writing's number."""


def start_writer(folder: Path) -> subprocess.Popen[bytes]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"0\n"
    return writer


def read_whole(lake: Lake) -> int:
    """The number that all rows and the metadata agree on."""
    partition = lake.read(SNAPSHOTS, "a/b")
    assert partition is not None
    assert partition.rows.height == 500
    assert set(partition.rows["head_commit"]) == {partition.metadata["number"]}
    return int(partition.metadata["number"])


def test_a_reader_never_sees_half_a_write_nor_rows_with_another_writes_metadata(lake: Lake, tmp_path: Path):
    writer = start_writer(tmp_path)
    try:
        until, seen = time.monotonic() + 1.5, set()
        while time.monotonic() < until:
            seen.add(read_whole(lake))
    finally:
        writer.kill()
        writer.communicate()
    assert len(seen) > 10


def test_a_writer_that_is_killed_leaves_the_old_rows_or_the_new(lake: Lake, tmp_path: Path):
    for attempt in range(5):
        writer = start_writer(tmp_path)
        time.sleep(0.02 + 0.0137 * attempt)
        writer.send_signal(signal.SIGKILL)
        printed, _ = writer.communicate()
        finished = int((b"0\n" + printed).splitlines()[-1])
        assert read_whole(lake) in (finished, finished + 1)
    read_all = lake.read_all(SNAPSHOTS)
    assert read_all.height == 500, "what a killed writer left beside is no partition"
