"""Readers and publications do not wait for each other, and no reader sees a half."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.connect import open_to_read
from kubestats_pipeline_tests.warehouse.small_lake import day, write_small_lake, write_story

READER = """
import sys, threading, duckdb
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), stopped.set()), daemon=True).start()
is_last = False
while not is_last:
    is_last = stopped.is_set()
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        resources, = connection.execute("SELECT count(*) FROM resource_overview").fetchone()
        logs, = connection.execute("SELECT count(DISTINCT resource_id) FROM resource_events").fetchone()
    print(resources, logs, flush=True)
"""

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("BEGIN")
rows = connection.execute("SELECT count(*) FROM resources").fetchone()
print(rows[0], flush=True)
sys.stdin.readline()
print(connection.execute("SELECT count(*) FROM resources").fetchone()[0], flush=True)
"""

PUBLICATIONS = 4


def start(script: str, warehouse: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, str(warehouse)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_readers_that_come_and_go_see_whole_files_while_new_ones_are_published(tmp_path: Path):
    """Each publication has one resource more, with its log."""
    lake = write_small_lake(tmp_path)
    build_warehouse(lake)
    reader = start(READER, lake.layout.warehouse)
    assert reader.stdout is not None
    seen = [reader.stdout.readline()]
    for number in range(PUBLICATIONS):
        write_story(lake, 10 + number, f"new/{number}", {"app": ([("CREATED", day(3, 9), "1")], {})})
        build_warehouse(lake)
    rest, _ = reader.communicate("stop\n", timeout=60)
    assert reader.returncode == 0
    looks = [*seen, *rest.splitlines()]
    counts = [tuple(map(int, look.split())) for look in looks]
    assert all(resources == logs for resources, logs in counts)
    assert counts == sorted(counts)
    assert (counts[0][0], counts[-1][0]) == (9, 9 + PUBLICATIONS)


def test_a_publication_does_not_wait_for_a_reader_in_the_middle_of_a_transaction(tmp_path: Path):
    """The reader is stopped only after the new file is there, and still sees what it saw."""
    lake = write_small_lake(tmp_path)
    build_warehouse(lake)
    holder = start(HOLDER, lake.layout.warehouse)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "9\n"
    write_story(lake, 10, "new/one", {"app": ([("CREATED", day(3, 9), "1")], {})})
    assert build_warehouse(lake).rows["resources"] == 10
    assert holder.poll() is None
    assert holder.communicate("\n", timeout=60)[0] == "9\n"


def replacing_at_first(path: Path, new: Path, times: int) -> Callable[..., duckdb.DuckDBPyConnection]:
    """DuckDB's own `connect`; the first so many times the path has no file, as between two looks of DuckDB at it."""
    left, connect = [times], duckdb.connect

    def open_(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        if not left[0]:
            return connect(*arguments, **options)
        left[0] -= 1
        path.unlink()
        try:
            return connect(*arguments, **options)
        finally:
            path.write_bytes(new.read_bytes())

    return open_


def two_publications(folder: Path) -> tuple[Path, Path]:
    """The published file, and beside it the next one, which has one resource more."""
    lake = write_small_lake(folder)
    published = build_warehouse(lake).path
    old = published.read_bytes()
    write_story(lake, 10, "new/one", {"app": ([("CREATED", day(3, 9), "1")], {})})
    new = folder / "new.duckdb"
    build_warehouse(lake).path.replace(new)
    published.write_bytes(old)
    return published, new


def test_a_reader_that_meets_a_rename_tries_once_more_and_reads_the_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    published, new = two_publications(tmp_path)
    monkeypatch.setattr(duckdb, "connect", replacing_at_first(published, new, times=1))
    with open_to_read(published) as connection:
        assert connection.execute("SELECT count(*) FROM resources").fetchone() == (10,)


def test_a_reader_tries_once_more_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    published, new = two_publications(tmp_path)
    monkeypatch.setattr(duckdb, "connect", replacing_at_first(published, new, times=2))
    with pytest.raises(duckdb.IOException):
        open_to_read(published)
