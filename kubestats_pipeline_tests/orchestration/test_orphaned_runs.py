"""Runs whose process is gone are found, whoever started them; runs whose process lives are left alone."""

import dataclasses
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import EngineEventData
from dagster._core.execution.api import execute_run
from dagster._core.launcher.base import CheckRunHealthResult, RunLauncher, WorkerStatus
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.locks import Machine, WorkerProcess, is_alive, this_machine
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.base import worker_identity
from kubestats_pipeline.orchestration.base.console_log import QUIET
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import CONFIGURATION, HomeError, claim_home, open_instance
from kubestats_pipeline.orchestration.base.worker_identity import (
    SEEN_TAG,
    WORKER_TAG,
    giving_signs,
    last_seen,
    tag_of,
    worker_of,
)
from kubestats_pipeline.orchestration.cycle import run_clean_up
from kubestats_pipeline.orchestration.repairs.orphaned_runs import (
    LONGEST_RUN_SECONDS,
    PROCESS_TAG,
    UNSEEN_SECONDS,
    fail_orphans,
)
from kubestats_pipeline_tests.builders import settings_for

CLAIM = """
import os, pathlib, sys
from kubestats_pipeline.orchestration.base.dagster_home import claim_home
from kubestats_pipeline.lake.paths import Layout

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


ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("code", 1), "any"), "any")
"""What a run has that a launcher was given; `kubestats run` executes its runs itself."""

HERE = this_machine()
ELSEWHERE = dataclasses.replace(HERE, boot="another", host="another")
AFTER_A_RESTART = dataclasses.replace(HERE, boot="before")
IN_A_CONTAINER = dataclasses.replace(HERE, namespace="pid:[1]")
IN_A_NAMED_CONTAINER = dataclasses.replace(HERE, namespace="pid:[1]", host="0123456789ab")
FOREIGN = [ELSEWHERE, IN_A_CONTAINER, IN_A_NAMED_CONTAINER]


class Cluster(RunLauncher, ConfigurableClass):
    """A launcher that knows how its workers are: a run's tag `health` is what it says."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    inst_data = property(lambda self: self._inst_data)
    supports_check_run_worker_health = True

    @classmethod
    def config_type(cls) -> dict:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: dict) -> "Cluster":
        return cls(inst_data)

    def launch_run(self, context: object) -> None:
        """Nothing is launched here."""

    def terminate(self, run_id: str) -> bool:
        return False

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        return CheckRunHealthResult(WorkerStatus[run.tags["health"]])


def add_run(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, *, launched: bool = False, **tags: str
) -> dg.DagsterRun:
    """A run as its maker leaves it before its worker says anything."""
    run = dg.DagsterRun(job_name="any", status=NOT_STARTED, tags=tags, remote_job_origin=ORIGIN if launched else None)
    instance.add_run(run)
    if status is STARTED:
        instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", "any"), run.run_id)
    return run


def add_run_of(
    instance: dg.DagsterInstance, process: int, machine: Machine = HERE, *, launched: bool = False, **tags: str
) -> dg.DagsterRun:
    """A run whose worker has said where it works."""
    run = add_run(instance, STARTED, launched=launched, **tags)
    instance.add_run_tags(run.run_id, tag_of(WorkerProcess(process, time.time(), machine), run.run_id))
    return run


def add_earlier_run(instance: dg.DagsterInstance, process: int, *, launched: bool) -> dg.DagsterRun:
    """A run as an earlier version left it: only a process id, in an event of the launcher or in a tag."""
    if not launched:
        return add_run(instance, STARTED, **{PROCESS_TAG: str(process)})
    run = add_run(instance, STARTED, launched=True)
    instance.report_engine_event("Started process for run", run, EngineEventData.in_process(process))
    return run


def failed(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=[FAILURE]))}


@pytest.mark.parametrize("launched", [True, False])
def test_only_runs_without_a_living_process_are_failed(
    instance: dg.DagsterInstance, living: int, dead: int, launched: bool
):
    add_run_of(instance, living, launched=launched)
    orphan = add_run_of(instance, dead, launched=launched)
    add_run(instance, STARTED, launched=launched)
    assert fail_orphans(instance) == [orphan.run_id]
    assert failed(instance) == {orphan.run_id}
    assert fail_orphans(instance) == []


@pytest.mark.parametrize("machine", FOREIGN)
@pytest.mark.parametrize("launched", [True, False])
def test_a_process_id_of_another_machine_is_not_looked_up_here(
    instance: dg.DagsterInstance, dead: int, machine: Machine, launched: bool
):
    add_run_of(instance, dead, machine, launched=launched)
    assert fail_orphans(instance) == []


def test_a_worker_in_a_process_namespace_of_its_own_goes_on(instance: dg.DagsterInstance):
    """As in a container: what is its process 1 is another one, or none, to everybody else."""
    module = "kubestats_pipeline.orchestration.base.worker_identity"
    code = f"from {module} import *; print(*tag_of(this_worker(), 'RUN').values())"
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", f"{code}; input()"]
    process = subprocess.Popen(
        unshare, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    told = process.stdout.readline().strip() if process.stdout else ""
    try:
        if not told:
            pytest.skip("needs the right to make namespaces (unshare)")
        run = add_run(instance, STARTED, launched=True)
        instance.add_run_tags(run.run_id, {WORKER_TAG: told.replace("RUN", run.run_id)})
        worker = worker_of(instance.get_run_by_id(run.run_id))
        assert (worker.process, worker.machine.host, worker.machine.boot) == (1, HERE.host, HERE.boot)
        assert worker.machine.namespace != HERE.namespace
        assert fail_orphans(instance) == []
    finally:
        process.communicate("\n")


def test_what_ran_before_the_machine_started_again_is_dead(instance: dg.DagsterInstance, living: int):
    run = add_run_of(instance, living, AFTER_A_RESTART)
    assert fail_orphans(instance) == [run.run_id]


def test_a_launcher_that_knows_how_its_workers_are_is_asked(tmp_path: Path, dead: int):
    launcher = {"module": Cluster.__module__, "class": "Cluster"}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides={"run_launcher": launcher}) as instance:
        names = {
            make(instance, health).run_id: health
            for health in ("FAILED", "NOT_FOUND", "RUNNING", "UNKNOWN", "SUCCESS")
            for make in (
                lambda instance, health: add_run_of(instance, dead, ELSEWHERE, launched=True, health=health),
                lambda instance, health: add_run(instance, STARTED, launched=True, health=health),
            )
        }
        assert sorted(names[run] for run in fail_orphans(instance)) == ["FAILED", "FAILED", "NOT_FOUND", "NOT_FOUND"]
        assert fail_orphans(instance, alone=True) == []


@pytest.mark.parametrize("machine", FOREIGN)
def test_a_run_of_which_nobody_can_tell_ends_with_the_longest_time_that_a_run_may_take(
    instance: dg.DagsterInstance, living: int, machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    runs = {add_run_of(instance, living, machine).run_id, add_run(instance, STARTED).run_id}
    later = time.time() + LONGEST_RUN_SECONDS + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert set(fail_orphans(instance)) == runs


def test_the_longest_time_is_that_of_dagsters_own_policy():
    policy = yaml.safe_load((files("kubestats_pipeline") / CONFIGURATION).read_text())
    assert policy["run_monitoring"]["max_runtime_seconds"] == LONGEST_RUN_SECONDS


def test_what_a_daemon_in_a_container_that_is_gone_launched_ended_with_it(instance: dg.DagsterInstance, living: int):
    """Only `kubestats dev` is alone: the lock of the home holds between containers of one host."""
    launched = add_run_of(instance, living, IN_A_NAMED_CONTAINER, launched=True)
    add_run_of(instance, living, IN_A_NAMED_CONTAINER)
    add_run_of(instance, living, ELSEWHERE, launched=True)
    assert fail_orphans(instance, alone=True) == [launched.run_id]


@pytest.mark.parametrize("launched", [True, False])
def test_runs_of_an_earlier_version_are_judged_only_where_no_daemon_works(
    instance: dg.DagsterInstance, living: int, dead: int, launched: bool
):
    add_earlier_run(instance, living, launched=launched)
    orphan = add_earlier_run(instance, dead, launched=launched)
    assert fail_orphans(instance) == []
    assert fail_orphans(instance, alone=True) == [orphan.run_id]


def test_where_no_daemon_works_a_run_that_nobody_began_is_an_orphan_too(instance: dg.DagsterInstance, living: int):
    add_run_of(instance, living)
    forgotten = add_run(instance, STARTED)
    assert fail_orphans(instance) == []
    assert fail_orphans(instance, alone=True) == [forgotten.run_id]


def test_a_run_that_is_executed_again_does_not_take_its_parents_worker_for_its_own(
    instance: dg.DagsterInstance, dead: int
):
    parent = add_run_of(instance, dead)
    tags = instance.get_run_by_id(parent.run_id).tags
    assert worker_of(instance.get_run_by_id(parent.run_id)) is not None
    again = add_run(instance, STARTED, **tags)
    assert worker_of(again) is None
    assert fail_orphans(instance) == [parent.run_id]


def test_every_run_of_ours_says_where_its_worker_is(tmp_path: Path):
    """As a launcher has it executed, in a process of its own; headless runs say so when they are made."""
    services = Services(settings_for(tmp_path))
    job = build_definitions(services).resolve_job_def("clean_up")
    with open_instance(Layout(tmp_path / "data")) as instance:
        run = instance.create_run_for_job(job, run_config=QUIET)
        execute_run(InMemoryJob(job), run, instance)
        run_clean_up(services, instance)
        workers = [worker_of(run) for run in instance.get_runs()]
    assert [(worker.process, worker.machine) for worker in workers if worker] == [(os.getpid(), HERE)] * 2


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


# Signs of life, where runs are on several machines


def seen(instance: dg.DagsterInstance, run: dg.DagsterRun, seconds_ago: float, *, of: str = "") -> None:
    instance.add_run_tags(run.run_id, {SEEN_TAG: f"{of or run.run_id} {time.time() - seconds_ago:.0f}"})


@pytest.mark.parametrize("machine", FOREIGN)
def test_a_worker_of_another_machine_is_gone_when_it_gives_no_sign_any_more(dead: int, machine: Machine):
    """Celery says for ever that a task runs whose worker was killed."""
    with dg.instance_for_test(overrides={"run_launcher": {"module": __name__, "class": "Cluster"}}) as instance:
        living, killed = (
            add_run_of(instance, dead, machine, launched=True, health="RUNNING") for _ in ("living", "killed")
        )
        seen(instance, living, UNSEEN_SECONDS - 30)
        seen(instance, killed, UNSEEN_SECONDS + 30)
        assert fail_orphans(instance) == [killed.run_id]


def test_a_run_that_is_started_again_has_no_sign_of_its_parent(instance: dg.DagsterInstance, dead: int):
    again = add_run_of(instance, dead, ELSEWHERE, launched=True)
    seen(instance, again, UNSEEN_SECONDS + 30, of="parent")
    assert last_seen(instance.get_run_by_id(again.run_id)) is None
    assert fail_orphans(instance) == []


def test_a_worker_gives_signs_of_life_until_it_ends_and_none_on_one_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = add_run(instance, STARTED)
        with giving_signs(instance, run.run_id, seconds=0.1):
            assert "signs of life" not in {thread.name for thread in threading.enumerate()}
        monkeypatch.setattr(worker_identity, "is_on_sqlite", lambda instance: False)
        with giving_signs(instance, run.run_id, seconds=0.1):
            first = wait_for_sign(instance, run, after=0)
            assert first <= time.time() + 1
            wait_for_sign(instance, run, after=first)
    assert "signs of life" not in {thread.name for thread in threading.enumerate()}


def wait_for_sign(instance: dg.DagsterInstance, run: dg.DagsterRun, after: float) -> float:
    deadline = time.monotonic() + 60
    while (said := last_seen(instance.get_run_by_id(run.run_id))) is None or said <= after:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return said
