"""Runs whose process is gone are found, whoever started them; runs whose process lives are left alone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from kubestats_pipeline.home import HomeError, claim_home
from kubestats_pipeline.layout import Layout
from kubestats_pipeline.locks import is_alive
from kubestats_pipeline.orphans import PROCESS_TAG, fail_orphans

CLAIM = """
import os, pathlib, sys
from kubestats_pipeline.home import claim_home
from kubestats_pipeline.layout import Layout

claim_home(Layout(pathlib.Path(sys.argv[1])))
os.execv("/bin/sh", ["sh", "-c", "echo claimed; read line"])
"""
"""A program that claims the home and then becomes another, as `kubestats dev` becomes Dagster."""

STARTED, NOT_STARTED, FAILURE = (dg.DagsterRunStatus[name] for name in ("STARTED", "NOT_STARTED", "FAILURE"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def living() -> Iterator[int]:
    """The id of a process that lives and does nothing."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.kill()
    process.communicate()


@pytest.fixture
def dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def add_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tag: int | None = None) -> dg.DagsterRun:
    tags = {PROCESS_TAG: str(tag)} if tag else {}
    return instance.add_run(dg.DagsterRun(job_name="any", status=status, tags=tags))


def add_run_of_daemon(instance: dg.DagsterInstance, process: int) -> dg.DagsterRun:
    """A run as Dagster's launcher leaves it: its worker has told its process in an event."""
    run = add_run(instance, STARTED)
    instance.report_engine_event("Started process for run", run, EngineEventData.in_process(process))
    return run


def failed(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=[FAILURE]))}


def test_only_runs_without_a_living_process_are_failed(instance: dg.DagsterInstance, living: int, dead: int):
    for process in (living, dead):
        add_run(instance, STARTED, tag=process)
        add_run_of_daemon(instance, process)
    add_run(instance, STARTED)
    orphans = fail_orphans(instance)
    assert len(orphans) == 2
    assert failed(instance) == set(orphans)
    assert fail_orphans(instance) == []


def test_where_no_daemon_works_a_run_that_nobody_began_is_an_orphan_too(instance: dg.DagsterInstance, living: int):
    add_run_of_daemon(instance, living)
    forgotten = add_run(instance, STARTED)
    assert fail_orphans(instance) == []
    assert fail_orphans(instance, alone=True) == [forgotten.run_id]


def test_a_run_that_was_made_just_now_is_left_to_the_sensor_that_will_queue_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    run = add_run(instance, NOT_STARTED)
    assert fail_orphans(instance, alone=True) == []
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert fail_orphans(instance, alone=True) == [run.run_id]


def test_a_process_that_got_the_id_of_a_dead_one_is_another(living: int):
    now = time.time()
    assert is_alive(living, since=now)
    if sys.platform == "linux":
        assert not is_alive(living, since=now - 3600), "it began after that"
        assert is_alive(os.getppid(), since=now)


def test_a_second_kubestats_dev_on_the_same_home_is_refused_while_the_first_lives(tmp_path: Path):
    claim = [sys.executable, "-c", CLAIM, str(tmp_path)]
    process = subprocess.Popen(claim, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"claimed\n"
        with pytest.raises(HomeError, match="another `kubestats dev` works on"):
            claim_home(Layout(tmp_path))
    finally:
        process.kill()
        process.communicate()
    assert subprocess.run(claim, input=b"\n", stdout=subprocess.PIPE, check=False).stdout == b"claimed\n"


def test_a_process_that_ended_and_was_not_asked_for_its_status_is_not_alive():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{process.pid}").exists(), "a zombie"
    assert not is_alive(process.pid)
    process.wait()
