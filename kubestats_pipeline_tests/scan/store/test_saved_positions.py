"""A long first scan saves its position on the way: a kill costs what came after, and the tables stay the same."""

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.outcomes import Scanned
from kubestats_pipeline.scan.save import SAVE_SECONDS
from kubestats_pipeline.scan.scan import scan_repository
from kubestats_pipeline.scan.store.position import read_position
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.scan.world import (
    BROKEN,
    World,
    assert_fold_gives_resources,
    assert_ids_are_unique,
    chart,
    config,
    documents,
    helm_repository,
    kustomization,
    release,
)

SPAWN = multiprocessing.get_context("spawn")
IMPATIENCE_SECONDS = 60
TOKENS = tuple(f"ghp_{'Zq7' * 11}xy{letter}" for letter in "ABC")
"""Three paths that differ only in a secret, and have public names with numbers."""


PACE = SAVE_SECONDS * 0.6
"""Seconds of a commit, so that a scan saves its position after every other one."""

LOOKS_OF_A_SAVE = 4
"""At the beginning, after each of two commits, and after the save."""


class Clock:
    """Seconds that pass from one look at the clock to the next. The process dies at look number `dies_at`."""

    def __init__(self, seconds: float, dies_at: int | None = None) -> None:
        self.seconds, self.dies_at, self.looks = seconds, dies_at, 0

    def __call__(self) -> float:
        self.looks += 1
        if self.looks == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.looks * self.seconds


def write_history(git: GitRepository) -> list[str]:
    """Releases with values from files, moves, breaks, repairs, returns, and paths that hold a secret."""
    values = {"replicas": 1, "image": {"repository": "ghcr.io/org/app", "tag": "v1"}}
    web = release("web", chart=chart("web", "1.0.0", "charts"), values=values)
    made = [git.commit({"apps/web.yaml": web, "charts.yaml": helm_repository("charts"), "t.yaml.j2": "{{ a }}"})]
    for number in range(12):
        text = documents(config("a", str(number)), BROKEN) if number % 5 == 2 else config("a", str(number))
        made.append(git.commit({"a.yaml": text, f"more/{number % 3}.yaml": config(f"m{number}")}))
    secret = {f"keys/{token}.yaml": config(f"of-{number}") for number, token in enumerate(TOKENS)}
    made += [git.commit({path: text}) for path, text in secret.items()]
    made.append(git.commit({next(iter(secret)): None}))
    made.append(git.move("a.yaml", "apps/a.yaml"))
    made.append(git.commit({"apps/web.yaml": web.replace("1.0.0", "2.0.0"), "apps/kustomization.yaml": KUSTOMIZATION}))
    made.append(git.commit({"more/1.yaml": None}))
    made.append(git.commit({"more/1.yaml": config("m10")}))
    return made


KUSTOMIZATION = kustomization("web.yaml", "a.yaml", namespace="apps")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[str]]:
    """A world that was scanned at once, and its commits."""
    world = World(tmp_path_factory.mktemp("undisturbed"))
    commits = write_history(world.git)
    world.scan()
    return world, commits


def scan_until(job: ScanJob, dies_at: int) -> int | None:
    """Scan in a process that is killed at a look at the clock, and give its exit code."""
    child = SPAWN.Process(target=scan_with, args=(job, Clock(PACE, dies_at)))
    child.start()
    child.join(IMPATIENCE_SECONDS)
    return child.exitcode


def kill_after_a_save(world: World) -> None:
    """Let a scan save its position once and be killed before the next commit."""
    assert scan_until(world.job(), LOOKS_OF_A_SAVE + 1) == -signal.SIGKILL


def scan_with(job: ScanJob, clock: Clock) -> None:
    assert isinstance(scan_repository(job, clock), Scanned)


def shown(world: World) -> str | None:
    """The commit that the row of `scans` names."""
    row = world.job().tables.scan()
    return row and row["scanned_commit"]


def test_a_scan_that_saves_its_position_on_the_way_ends_in_the_tables_of_one_that_does_not(
    tmp_path: Path, undisturbed: tuple[World, list[str]]
) -> None:
    whole, _ = undisturbed
    world, clock = World(tmp_path, mirror=whole.mirror), Clock(PACE)
    outcome = scan_repository(world.job(), clock)
    assert clock.looks > len(whole.events) / 2
    assert isinstance(outcome, Scanned)
    assert outcome.new_events == outcome.events == len(whole.events)
    assert world.tables() == whole.tables()
    assert_fold_gives_resources(world)
    assert_ids_are_unique(world)


def test_a_scan_that_is_killed_after_a_save_goes_on_from_there(
    tmp_path: Path, undisturbed: tuple[World, list[str]]
) -> None:
    whole, commits = undisturbed
    world = World(tmp_path, mirror=whole.mirror)
    kill_after_a_save(world)
    outcome = world.scan()
    assert isinstance(outcome, Scanned)
    assert 0 < outcome.new_events < outcome.events
    assert world.tables() == whole.tables()
    assert shown(world) == commits[-1]


@pytest.mark.slow
def test_scans_that_are_killed_again_and_again_come_to_the_same_tables(
    tmp_path: Path, undisturbed: tuple[World, list[str]]
) -> None:
    whole, commits = undisturbed
    world = World(tmp_path, mirror=whole.mirror)
    seen = []
    while scan_until(world.job(), LOOKS_OF_A_SAVE + 1 + len(seen) % 2) == -signal.SIGKILL:
        seen.append(shown(world))
    assert len({*seen}) == len(seen) > 5
    assert world.tables() == whole.tables()
    assert shown(world) == commits[-1]


def test_a_killed_scan_leaves_the_tables_of_the_commit_that_scans_names(
    tmp_path: Path, undisturbed: tuple[World, list[str]]
) -> None:
    whole, commits = undisturbed
    world = World(tmp_path / "killed", mirror=whole.mirror)
    kill_after_a_save(world)
    commit = shown(world)
    assert commit in commits[:-1]
    until_then = World(tmp_path / "until", mirror=whole.mirror)
    until_then.scan(commit)
    assert world.tables() == until_then.tables()


def test_names_of_paths_are_saved_as_of_the_commit_and_not_of_those_that_are_looked_at_ahead(
    tmp_path: Path, undisturbed: tuple[World, list[str]]
) -> None:
    """Many commits are looked at ahead of the replay, and these give names to paths that hold a secret."""
    whole, _ = undisturbed
    world = World(tmp_path, mirror=whole.mirror)
    kill_after_a_save(world)
    position = read_position(world.job().tables)
    assert position is not None
    assert position.paths == ""
    world.scan()
    assert world.tables() == whole.tables()


def test_a_replay_anew_leaves_the_tables_as_they_are_until_its_end(
    tmp_path: Path, undisturbed: tuple[World, list[str]]
) -> None:
    """Readers have tables already, and earlier commits would be a step back."""
    whole, _ = undisturbed
    world = World(tmp_path, mirror=whole.mirror)
    world.scan()
    scan_until(replace(world.job(), anew=True), LOOKS_OF_A_SAVE + 1)
    assert world.tables() == whole.tables()


def test_a_scan_of_new_commits_saves_its_position_too(tmp_path: Path, undisturbed: tuple[World, list[str]]) -> None:
    whole, commits = undisturbed
    world = World(tmp_path, mirror=whole.mirror)
    world.scan(commits[3])
    kill_after_a_save(world)
    assert shown(world) in commits[4:-1]
    outcome = world.scan()
    assert isinstance(outcome, Scanned)
    assert 0 < outcome.new_events < outcome.events
    assert world.tables() == whole.tables()
