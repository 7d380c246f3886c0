"""The work of scans of two workers that share a lake, each held to one core, beside that of one.

Each worker has a data directory and mirrors of its own, and takes its share of the repositories with their leases, as a
run of a split sweep does. Two are as quick as the slower one: its CPU seconds say that on a busy machine too.
"""

import datetime
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from benchmarks.inputs import name_of, repository_of
from benchmarks.measure import Cost, Measured, Runs, timed
from benchmarks.report import Goal, Line
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.leases import Leases
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.orchestration.base.shares import Share
from kubestats_pipeline.scan.outcomes import Scanned
from kubestats_pipeline.scan.scan import Turns, scan_all
from kubestats_pipeline.settings import Settings, load_settings
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.sync.sync import sync_all

GROUP = "workers"
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

REMOTES, COPIES = 4, 24
"""So many remotes of least history, each as so many repositories: a fleet in which no single one decides."""

GOAL = 1.7
"""Times as quick with two workers as with one."""


def workers_lines(remotes: Sequence[Path], folder: Path, repeats: int) -> Iterator[Line]:
    """The tips of a fleet, by one worker and by two."""
    fleet = [_copy_of(remote, number) for remote in remotes[:REMOTES] for number in range(COPIES)]
    one = [_run(fleet, 1, folder / f"one-{number}") for number in range(repeats)]
    two = [_run(fleet, 2, folder / f"two-{number}") for number in range(repeats)]
    floor, runs = Runs(tuple(one)), Runs(tuple(two))
    faster = floor.cpu / runs.cpu
    goal = Goal(f"≥ {GOAL:g} × of one, {faster:.2f} here", faster >= GOAL)
    yield Line(GROUP, f"the slower of two workers over the tips of {len(fleet)} repositories", runs, floor, (goal,))


def _copy_of(remote: Path, number: int) -> Repository:
    repository = repository_of(remote)
    name = f"{name_of(remote).replace('/', '-')}-{number}"
    return replace(repository, repository_id=f"git:{name}", full_name=f"local/fleet/{name}", owner="fleet", name=name)


def _run(fleet: Sequence[Repository], workers: int, folder: Path) -> Cost:
    """Let workers scan the fleet at once, and give the cost of the slower one."""
    shares = [(Share(number, workers), folder / f"worker-{number}") for number in range(1, workers + 1)]
    for share, data_dir in shares:
        _sync(share.cut(fleet), data_dir)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        work = [
            pool.submit(_held, number, share.cut(fleet), data_dir, folder / "store")
            for number, (share, data_dir) in enumerate(shares)
        ]
        done = [each.result() for each in work]
    assert sum(each.value for each in done) == len(fleet)
    return max((each.cost for each in done), key=lambda cost: cost.cpu)


def _sync(repositories: Sequence[Repository], data_dir: Path) -> None:
    settings = _settings(data_dir)
    results = list(sync_all(repositories, settings, Lake(settings.layout), "bench", lambda: NOW))
    assert all(result.outcome.status == "synced" for result in results)


def _held(core: int, repositories: Sequence[Repository], data_dir: Path, store: Path) -> Measured[int]:
    """Scan in this process alone, which is held to one core with all git processes that it starts."""
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]})
    return timed(_scan, repositories, data_dir, store)


def _scan(repositories: Sequence[Repository], data_dir: Path, store: Path) -> int:
    settings = _settings(data_dir)
    turns = Turns(Leases(FolderStore(store)))
    found = scan_all(repositories, Lake(settings.layout), settings, "bench", lambda: NOW, turns=turns)
    return sum(isinstance(outcome, Scanned) for _, outcome in found)


def _settings(data_dir: Path) -> Settings:
    return load_settings(data_dir=data_dir.absolute(), history_days=0, scan={"workers": 1})
