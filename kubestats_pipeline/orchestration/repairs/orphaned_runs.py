"""Runs whose process died: Dagster takes them for running for ever, and they would keep others from their pool.

Every run says which process works on it, and on which machine (`orchestration/base/worker_identity.py`). `kubestats
run` marks those as failed whose process is gone. So does `kubestats dev` before it starts, when nobody else can be
about to work on what is waiting, and a sensor of its daemon from minute to minute: a process that a power cut or a
kill ends at the very moment of a restart may be seen alive at first. A process id says nothing about another machine
or container: of a run there its signs of life tell, or else the launcher is asked, and where that does not know, the
longest time that a run may take decides.
"""

import time

import dagster as dg

from kubestats_pipeline.locks import WorkerProcess, is_alive, this_machine
from kubestats_pipeline.orchestration.base.dagster_private import is_on_sqlite
from kubestats_pipeline.orchestration.base.worker_identity import last_seen, worker_of

PROCESS_TAG = "kubestats/process"
"""Run tag of earlier versions with the process id of a headless run, on whatever machine it was."""

LONGEST_RUN_SECONDS = 21_600
"""The longest that a run may take, as `run_monitoring` in `dagster.yaml` has it for runs of the daemon."""

UNSEEN_SECONDS = 180
"""A worker of another machine that has given no sign of life for so long is gone."""

UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

ABANDONED_SECONDS = 600
"""A run that was made and not yet queued is taken up by whoever made it, a sensor or a schedule, well within this."""


def fail_orphans(instance: dg.DagsterInstance, *, alone: bool = False) -> list[str]:
    """Mark runs as failed whose process is gone. Give their ids.

    Args:
        instance: where the runs are recorded.
        alone: no daemon of this machine works on this instance. On the storage of one machine, a run
            without a process is an orphan then too.
    """
    alone = alone and is_on_sqlite(instance)
    records = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))
    suspects = [record.dagster_run.run_id for record in records if _is_orphan(instance, record, alone)]
    # Asked again: a run that ended well in between has no process any more either.
    dead = instance.get_runs(dg.RunsFilter(run_ids=suspects, statuses=UNFINISHED)) if suspects else []
    for run in dead:
        instance.report_run_failed(run, "its process ended before the run did")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def _is_orphan(instance: dg.DagsterInstance, record: dg.RunRecord, alone: bool) -> bool:
    run, worker = record.dagster_run, worker_of(record.dagster_run)
    if worker and worker.machine == this_machine():
        return not worker.is_alive_here
    if worker and worker.has_restarted:
        return True
    if (seen := last_seen(run)) is not None:
        return time.time() - seen > UNSEEN_SECONDS
    if run.remote_job_origin and instance.run_launcher.supports_check_run_worker_health:
        health = instance.run_launcher.check_run_worker_health(run).status
        return health.name in ("FAILED", "NOT_FOUND")
    if _runs_too_long(record):
        return True
    return alone and (_ended_with_its_daemon(run, worker) if worker else _is_forsaken(instance, record))


def _runs_too_long(record: dg.RunRecord) -> bool:
    return record.start_time is not None and time.time() - record.start_time > LONGEST_RUN_SECONDS


def _ended_with_its_daemon(run: dg.DagsterRun, worker: WorkerProcess) -> bool:
    """True if a daemon in another container of this host launched it: the lock of the home says that it is gone."""
    return run.remote_job_origin is not None and worker.machine.boot == this_machine().boot


def _is_forsaken(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    """True if a run that names no worker has none: it has not come so far, or is of an earlier version."""
    run, created = record.dagster_run, record.create_timestamp.timestamp()
    if PROCESS_TAG in run.tags:
        return not is_alive(int(run.tags[PROCESS_TAG]), since=created)
    if (process := _launched_process(instance, run.run_id)) is not None:
        return not is_alive(*process)
    return run.status is not dg.DagsterRunStatus.NOT_STARTED or time.time() - created > ABANDONED_SECONDS


def _launched_process(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The process that an event of the run last named, and when."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    processes = [
        (int(str(entry.dagster_event.engine_event_data.metadata["pid"].value)), entry.timestamp)
        for entry in entries
        if entry.dagster_event and "pid" in entry.dagster_event.engine_event_data.metadata
    ]
    return processes[-1] if processes else None
