"""A discovery that dies by SIGKILL while a repository is being renamed: the next one finishes what it began."""

import multiprocessing
import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from kubestats_pipeline.discover.configured import sources_from, witnesses_from
from kubestats_pipeline.discover.discover import discover
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.settings import load_settings
from kubestats_pipeline_tests.discover.world import MONDAY, TOKEN, World
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.sync.git_server import serve

SPAWN = multiprocessing.get_context("spawn")  # a forked process would wait for threads that it does not have
STEPS = 42
"""Fewer than a swap takes, so that every kill hits."""


def discover_and_die(data_dir: str, api_url: str, dies_at: int) -> None:
    """One discovery, in a process that kills itself before it changes the disk for the so-manieth time."""
    left = dies_at

    def counted(call):
        def wrapper(*arguments, **options):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return call(*arguments, **options)

        return wrapper

    for name in ("rename", "replace", "rmdir"):
        setattr(Path, name, counted(getattr(Path, name)))
    shutil.rmtree = counted(shutil.rmtree)
    settings = load_settings(data_dir=data_dir, github={"api_url": api_url, "token": TOKEN, "topics": ["kubesearch"]})
    lake = Lake(Layout(settings.data_dir))
    discover(lake, sources_from(settings), MONDAY.replace(hour=20), witnesses=witnesses_from(settings))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_discovery_that_is_killed_at_any_moment_is_finished_by_the_next_one(tmp_path: Path, seed: int):
    with GitHubServer() as github, serve(tmp_path / "remotes") as git:
        world = World(tmp_path, github, git)
        world.create("ada/ops", 1)
        world.create("bob/cluster", 2)
        world.cycle()
        before = {name: [event for event, *_ in world.events(name)] for name in ("ada/ops", "bob/cluster")}
        world.rename(1, "ada/temporary")
        world.rename(2, "ada/ops")
        world.rename(1, "bob/cluster")
        dies_at = random.Random(seed).randrange(STEPS)
        child = SPAWN.Process(target=discover_and_die, args=(str(tmp_path / "data"), github.url, dies_at))
        child.start()
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
        world.cycle()
        assert [event for event, *_ in world.events("ada/ops")] == before["bob/cluster"]
        assert [event for event, *_ in world.events("bob/cluster")] == before["ada/ops"]
        assert {name for _, name, *_ in world.events("ada/ops")} == {"ada/ops"}
        assert not (tmp_path / "data/moving").exists() or not list((tmp_path / "data/moving").iterdir())
