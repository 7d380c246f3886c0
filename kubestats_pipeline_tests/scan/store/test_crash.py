"""A scan that is killed at any moment, or meets another one, ends in the same files as one that nobody disturbed."""

import hashlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.scan import scan as stage
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.scan import scan_repository
from kubestats_pipeline_tests.scan.world import BROKEN, World, config, documents

SPAWN = multiprocessing.get_context("spawn")  # a forked process would wait for threads that it does not have
COMMITS = 30
KILLS = 6
"""Moments at which the everyday suite kills a scan; many more with `make test-all`."""

MORE_KILLS = tuple(pytest.param(seed, marks=pytest.mark.slow) for seed in range(KILLS, 100))
IMPATIENCE_SECONDS = 30


def write_history(world: World, commits: int) -> list[str]:
    """Edits, moves, breaks and repairs, the same in every world; gives the commits."""
    draw = random.Random(5)
    made = []
    for number in range(commits):
        place = draw.randrange(12)
        text = draw.choice([config(f"c{place}", str(number)), documents(config(f"c{place}"), BROKEN), None])
        made.append(world.git.commit({f"apps/{place}.yaml": text, f"more/{number % 5}.yaml": config(f"m{number}")}))
    return made


def scan_to(world: World, head: str) -> None:
    scan_repository(world.job(head))


def digests(lake: Lake) -> dict[str, str]:
    """Every file of a lake and its content."""
    files = sorted(path for path in lake.layout.lake.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(lake.layout.lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def in_child(world: World, head: str, dies_at: int | None = None) -> SpawnProcess:
    """A process that is about to scan up to a commit."""
    ready, begins = SPAWN.Pipe(duplex=False)
    child = SPAWN.Process(target=work, args=(world.job(head), dies_at, begins), daemon=True)
    child.start()
    assert ready.poll(IMPATIENCE_SECONDS)
    return child


def work(job: ScanJob, dies_at: int | None, begins: Connection) -> None:
    begins.send(True)
    if dies_at is not None:
        die_at(dies_at)
    outcome = stage.scan_locked(job)
    assert isinstance(outcome, stage.Scanned | stage.UpToDate)


def die_at(writes: int) -> None:
    """Let this process kill itself instead of the call number `writes` that flushes, replaces or removes a file."""
    left = writes

    def counted(call: Callable[..., None]) -> Callable[..., None]:
        def wrapper(*arguments: object, **options: object) -> None:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            call(*arguments, **options)

        return wrapper

    for name in ("fsync", "replace", "rename", "unlink"):
        setattr(os, name, counted(getattr(os, name)))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[str], dict[str, str]]:
    """A world scanned twice, its commits, and what its files are then."""
    world = World(tmp_path_factory.mktemp("undisturbed"))
    commits = write_history(world, COMMITS)
    scan_to(world, commits[COMMITS // 2])
    scan_to(world, commits[-1])
    return world, commits, digests(world.lake)


@pytest.mark.parametrize("seed", [*range(KILLS), *MORE_KILLS])
def test_a_scan_that_is_killed_at_any_moment_and_repeated_ends_in_the_same_bytes(
    seed: int, tmp_path: Path, undisturbed: tuple[World, list[str], dict[str, str]]
) -> None:
    whole, commits, expected = undisturbed
    world = World(tmp_path, mirror=whole.mirror)
    draw = random.Random(seed)
    for head in (commits[COMMITS // 2], commits[-1]):
        child = in_child(world, head)
        time.sleep(draw.uniform(0.0, 0.2))
        child.kill()
        child.join(IMPATIENCE_SECONDS)
        scan_to(world, head)
    assert digests(world.lake) == expected


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_a_scan_that_dies_at_any_of_its_writes_and_is_repeated_ends_in_the_same_bytes(
    tmp_path: Path, undisturbed: tuple[World, list[str], dict[str, str]], step: int
) -> None:
    """The process dies at its n-th call that reaches the disk, for every or each fifth n until it survives."""
    whole, commits, expected = undisturbed
    exits: list[int | None] = []
    for calls in range(0, 60, step):
        if 0 in exits:
            break
        world = World(tmp_path / str(calls), mirror=whole.mirror)
        scan_to(world, commits[COMMITS // 2])
        child = in_child(world, commits[-1], dies_at=calls)
        child.join(IMPATIENCE_SECONDS)
        exits.append(child.exitcode)
        scan_to(world, commits[-1])
        assert digests(world.lake) == expected, exits
    assert set(exits) == {0, -signal.SIGKILL}
    assert len(exits) > 8 // step


def test_four_scans_of_one_repository_at_once_do_not_disturb_each_other(
    tmp_path: Path, undisturbed: tuple[World, list[str], dict[str, str]]
) -> None:
    whole, commits, expected = undisturbed
    world = World(tmp_path, mirror=whole.mirror)
    scan_to(world, commits[COMMITS // 2])
    children = [in_child(world, commits[-1]) for _ in range(4)]
    for child in children:
        child.join(IMPATIENCE_SECONDS)
    assert [child.exitcode for child in children] == [0] * 4
    assert digests(world.lake) == expected
