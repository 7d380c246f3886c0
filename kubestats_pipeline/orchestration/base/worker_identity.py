"""The worker of a run: its process, and the machine and container in which that process id means something.

The worker itself says so, in a tag of the run, when it begins: a process id alone would be looked up on whatever
machine asks. `orphaned_runs.py` judges by it.
"""

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from kubestats_pipeline.locks import is_alive

WORKER_TAG = "kubestats/worker"
"""Run tag with a `RunWorker`. A re-executed run inherits that of its parent, so the run's own id is part of it."""


@dataclass(frozen=True)
class Machine:
    """Where a process id is valid.

    Attributes:
        boot: an id of the kernel's present life, shared by all containers of a host. `-` where the system has none.
        namespace: of process ids, one for each container. `-` where the system has none.
        host: the name of the host, or of the container.
    """

    boot: str
    namespace: str
    host: str


@dataclass(frozen=True)
class RunWorker:
    """A process, where it is, and since when it is known. Seconds since 1970."""

    process: int
    since: float
    machine: Machine

    @property
    def is_alive_here(self) -> bool:
        """True if the process lives. Ask only for one of this machine."""
        return is_alive(self.process, self.since)

    def tag(self, run_id: str) -> dict[str, str]:
        """The tag of the run that it works on."""
        machine = self.machine
        words = (run_id, str(self.process), str(self.since), machine.boot, machine.namespace, machine.host)
        return {WORKER_TAG: " ".join(words)}


def this_machine() -> Machine:
    """Where this process is (proc(5), pid_namespaces(7))."""
    return Machine(_read("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid"), socket.gethostname() or "-")


def this_worker() -> RunWorker:
    """The process that asks."""
    return RunWorker(os.getpid(), time.time(), this_machine())


def worker_of(run: dg.DagsterRun) -> RunWorker | None:
    """Who said to work on a run. None before anybody did, and for runs of earlier versions."""
    words = run.tags.get(WORKER_TAG, "").split(" ", 5)
    if len(words) < 6 or words[0] != run.run_id:
        return None
    return RunWorker(int(words[1]), float(words[2]), Machine(*words[3:]))


class _TellingExecutor(dg.Executor):
    """An executor of Dagster, which first says where it works."""

    def __init__(self, executor: dg.Executor) -> None:
        self._executor = executor

    @property
    def retries(self) -> Any:
        """Those of the other one."""
        return self._executor.retries

    @property
    def step_dependency_config(self) -> Any:
        """That of the other one."""
        return self._executor.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        """Note the worker down, then go on as the other one does."""
        run_id = plan_context.run_id
        plan_context.instance.add_run_tags(run_id, this_worker().tag(run_id))
        yield from self._executor.execute(plan_context, execution_plan)


@dg.executor(name="in_process", config_schema=dg.in_process_executor.config_schema.as_field())
def telling_executor(context: dg.InitExecutorContext) -> dg.Executor:
    """All steps in one process, as `in_process_executor` does. The run says which process that is."""
    return _TellingExecutor(dg.in_process_executor.executor_creation_fn(context))  # type: ignore[misc]


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip() or "-"
    except OSError:
        return "-"


def _link(path: str) -> str:
    try:
        return Path(path).readlink().name
    except OSError:
        return "-"
