"""The worker of a run, which says in a tag of the run who and where it is when it begins.

Where runs may be on other machines, it also gives a sign of life from time to time, in another tag: nobody else can
tell whether it lives. `orphaned_runs.py` judges by both.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from kubestats_pipeline.locks import Machine, WorkerProcess, this_worker
from kubestats_pipeline.orchestration.base.dagster_private import is_on_sqlite, kept_connections, storage_errors
from kubestats_pipeline.orchestration.base.meanwhile import meanwhile

WORKER_TAG = "kubestats/worker"
"""Run tag with a `WorkerProcess`. A re-executed run inherits that of its parent, so the run's own id is part of it."""

SEEN_TAG = "kubestats/seen"
"""Run tag with the time of its worker's last sign of life, seconds since 1970."""

SIGN_SECONDS = 20.0
"""How often a worker gives a sign of life."""

_log = logging.getLogger(__name__)


def tag_of(worker: WorkerProcess, run_id: str) -> dict[str, str]:
    """The tag of the run that a worker works on."""
    machine = worker.machine
    words = (run_id, str(worker.process), str(worker.since), machine.boot, machine.namespace, machine.host)
    return {WORKER_TAG: " ".join(words)}


def worker_of(run: dg.DagsterRun) -> WorkerProcess | None:
    """Who said to work on a run. None before anybody did, and for runs of earlier versions."""
    words = run.tags.get(WORKER_TAG, "").split(" ", 5)
    if len(words) < 6 or words[0] != run.run_id:
        return None
    return WorkerProcess(int(words[1]), float(words[2]), Machine(*words[3:]))


def last_seen(run: dg.DagsterRun) -> float | None:
    """When a run's worker gave its last sign of life. None where it gives none."""
    said = run.tags.get(SEEN_TAG, "").split(" ")
    return float(said[1]) if said[0] == run.run_id and len(said) == 2 else None


@contextlib.contextmanager
def giving_signs(instance: dg.DagsterInstance, run_id: str, seconds: float = SIGN_SECONDS) -> Iterator[None]:
    """Give signs of life all the while, unless Dagster's storage is that of one machine."""
    if is_on_sqlite(instance):
        yield
        return

    def give() -> None:
        try:
            instance.add_run_tags(run_id, {SEEN_TAG: f"{run_id} {time.time():.0f}"})
        except storage_errors() as error:
            _log.warning("no sign of life could be given: %s. It is tried again", type(error).__name__)

    give()
    with meanwhile(give, seconds, "signs of life"):
        yield


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
        run_id, instance = plan_context.run_id, plan_context.instance
        with kept_connections(instance):
            instance.add_run_tags(run_id, tag_of(this_worker(), run_id))
            with giving_signs(instance, run_id):
                yield from self._executor.execute(plan_context, execution_plan)


@dg.executor(name="in_process", config_schema=dg.in_process_executor.config_schema.as_field())
def telling_executor(context: dg.InitExecutorContext) -> dg.Executor:
    """All steps in one process, as `in_process_executor` does. The run says which process that is."""
    return _TellingExecutor(dg.in_process_executor.executor_creation_fn(context))  # type: ignore[misc]
