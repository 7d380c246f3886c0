"""Several machines with one bucket. A stage that is killed, or comes late, leaves a lake for the next one."""

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import SNAPSHOTS, TABLES
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.outcomes import Scanned, ScannedElsewhere
from kubestats_pipeline.scan.scan import scan_locked
from kubestats_pipeline.storage.bucket import LakeBucket
from kubestats_pipeline.storage.replica import Replica
from kubestats_pipeline_tests.scan.store.test_crash import digests, write_history
from kubestats_pipeline_tests.scan.world import World
from kubestats_pipeline_tests.storage.counting import counted
from kubestats_pipeline_tests.storage.s3_server import S3Server

SPAWN = multiprocessing.get_context("spawn")
COMMITS = 12
KILLS = (1, 3, 9)
MORE_KILLS = tuple(pytest.param(writes, marks=pytest.mark.slow) for writes in (0, 2, 4, 5, 6))
"""Writes of a scan to the bucket, in place of which it is killed. The last one has fewer."""


class Machines:
    """One repository that any of several machines may scan, each with a data directory of its own."""

    def __init__(self, folder: Path, lake_url: str) -> None:
        self.world, self.folder, self.lake_url = World(folder / "world"), folder, lake_url
        self.commits = write_history(self.world, COMMITS)

    def job(self, machine: str, head: str) -> ScanJob:
        """A scan on one machine, which has the mirror and what it last pulled."""
        layout = Layout(self.folder / machine, self.lake_url)
        layout.data_dir.mkdir(exist_ok=True)
        if not layout.mirrors.exists():
            layout.mirrors.symlink_to(self.world.lake.layout.mirrors)
        return replace(self.world.job(head), layout=layout)

    def sweep(self, machine: str, head: str) -> object:
        """A whole sweep of it."""
        job = self.job(machine, head)
        lake = Lake(job.layout).pulled()
        outcome = scan_locked(job)
        lake.storage.push()
        return outcome


@pytest.fixture
def machines(tmp_path: Path, bucket: str) -> Machines:
    return Machines(tmp_path, bucket)


def undisturbed(machines: Machines) -> Lake:
    """A lake in a folder, scanned by the same steps."""
    for head in (machines.commits[5], machines.commits[-1]):
        assert isinstance(scan_locked(machines.world.job(head)), Scanned)
    return machines.world.lake


def rows(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables. Every one of them can be read."""
    return {name: lake.read_all(table).to_dicts() for name, table in TABLES.items()}


def test_machines_take_turns_and_the_files_are_those_of_one_machine(machines: Machines) -> None:
    assert isinstance(machines.sweep("one", machines.commits[5]), Scanned)
    assert isinstance(machines.sweep("two", machines.commits[-1]), Scanned)
    assert digests(Lake(machines.job("two", "").layout)) == digests(undisturbed(machines))
    one = Lake(machines.job("one", "").layout).pulled()
    assert digests(one) == digests(Lake(machines.job("two", "").layout))


def test_a_machine_that_comes_late_goes_on_from_what_the_other_wrote(machines: Machines) -> None:
    """It has pulled before the other one scanned, as where a lease was given back in between."""
    machines.sweep("one", machines.commits[5])
    late = machines.job("late", machines.commits[-1])
    Lake(late.layout).pulled()
    machines.sweep("one", machines.commits[8])
    assert isinstance(scan_locked(late), Scanned)
    late.tables.lake.storage.push()
    one = machines.job("one", "")
    one.tables.lake.pulled()
    assert one.tables.position_metadata() == late.tables.position_metadata()
    assert rows(one.tables.lake)["resource_events"] == rows(undisturbed(machines))["resource_events"]


def test_a_machine_that_is_overtaken_says_so_and_changes_nothing(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went on though its lease had ended: the other one has scanned when it wants to write."""
    machines.sweep("one", machines.commits[5])
    slow = machines.job("slow", machines.commits[8])
    Lake(slow.layout).pulled()
    refuse = type(slow.tables).refuse_stale

    def overtaken(tables: object) -> None:
        monkeypatch.setattr(type(slow.tables), "refuse_stale", refuse)
        machines.sweep("one", machines.commits[-1])
        refuse(tables)  # type: ignore[arg-type]

    monkeypatch.setattr(type(slow.tables), "refuse_stale", overtaken)
    outcome = scan_locked(slow)
    assert isinstance(outcome, ScannedElsewhere)
    assert "was scanned by another machine. Its rows stay, and the next run goes on from there" in outcome.reason
    machines.sweep("slow", machines.commits[-1])
    assert digests(Lake(slow.layout)) == digests(Lake(machines.job("one", "").layout))


@pytest.mark.parametrize("writes", [*KILLS, *MORE_KILLS])
def test_a_scan_that_is_killed_between_two_puts_leaves_a_lake_for_the_next_machine(
    machines: Machines, writes: int
) -> None:
    machines.sweep("one", machines.commits[5])
    child = SPAWN.Process(target=_die_at, args=(machines.job("one", machines.commits[-1]), writes))
    child.start()
    child.join()
    assert child.exitcode in (-signal.SIGKILL, 0)
    two = Lake(machines.job("two", "").layout).pulled()
    assert rows(two)["resources"]
    assert isinstance(machines.sweep("two", machines.commits[-1]), Scanned)
    assert rows(two) == rows(undisturbed(machines))


def _die_at(job: ScanJob, writes: int) -> None:
    """Scan, and be killed in place of the write of that number, or before the end of the sweep."""
    left = writes
    put, delete = LakeBucket.put, LakeBucket.delete

    def step() -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def put_or_die(self: LakeBucket, key: str, data: object, version: str | None) -> str:
        step()
        return put(self, key, data, version)

    def delete_or_die(self: LakeBucket, key: str) -> None:
        step()
        delete(self, key)

    LakeBucket.put, LakeBucket.delete = put_or_die, delete_or_die  # type: ignore[method-assign]
    scan_locked(job)


REPOSITORIES = 1500
MOST_REQUESTS = 12
FILES_OF_ONE = 6
"""Objects of a repository beside those that are packed: the tables that only a scan writes."""


@pytest.mark.parametrize("repositories", [60, pytest.param(REPOSITORIES, marks=pytest.mark.slow)])
def test_an_idle_sweep_costs_a_dozen_requests(
    tmp_path: Path, bucket: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch, repositories: int
) -> None:
    """Fewer repositories have fewer pages of a listing, so that these are reckoned."""
    layout = Layout(tmp_path / "machine", bucket)
    tables = [table.name for table in TABLES.values() if table.partitioning is SNAPSHOTS.partitioning]
    for number in range(repositories):
        for table in tables:
            path = layout.repository_partition(table, f"owner/cluster{number}")
            path.parent.mkdir(parents=True)
            path.write_bytes(f"{number}".encode())
    layout.whole_table("repositories").parent.mkdir(parents=True)
    layout.whole_table("repositories").write_bytes(b"register")
    Lake(layout).pulled()
    with counted(s3.port) as requests:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{requests.port}")
        store = Replica(layout.data_dir, LakeBucket(bucket))
        store.pull()
        for number in range(repositories):
            name = layout.name_of(layout.repository_partition(SNAPSHOTS.name, f"owner/cluster{number}"))
            store.put(name, f"{number} was looked at".encode())
        store.push()
    pages = -(-(FILES_OF_ONE * REPOSITORIES + 100) // 1000)
    others = [seen for seen in requests.seen if not seen.startswith("LIST")]
    assert len(tables) == FILES_OF_ONE + 2
    assert others == [f"PUT /lake/{bucket.rpartition('/')[2]}/known/pack/states.parquet"]
    assert len(requests.seen) - len(others) == -(-(FILES_OF_ONE * repositories + 2) // 1000)
    assert pages + len(others) <= MOST_REQUESTS
