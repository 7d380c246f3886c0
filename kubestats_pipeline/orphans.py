"""Runs whose process died: Dagster takes them for running for ever, and they would keep others from their pool.

Every run says which process works on it: a headless one by a tag, one of the daemon by an event. `kubestats run` marks
those as failed whose process is gone; so does `kubestats dev` before it starts, when nobody else can be about to work
on what is waiting, and a sensor of its daemon from minute to minute: a process that a power cut or a kill ends at the
very moment of a restart may be seen alive at first.
"""

import time

import dagster as dg

from kubestats_pipeline.locks import is_alive

PROCESS_TAG = "kubestats/process"
"""Run tag with the process id of a headless run."""

UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

ABANDONED_SECONDS = 600
"""A run that was made and not yet queued is taken up by whoever made it, a sensor or a schedule, well within this."""


def fail_orphans(instance: dg.DagsterInstance, *, alone: bool = False) -> list[str]:
    """Mark runs as failed whose process is gone; give their ids.

    Args:
        instance: where the runs are recorded.
        alone: no daemon works on this instance, so a run without a process is an orphan too.
    """
    records = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))
    suspects = [record.dagster_run.run_id for record in records if _is_orphan(instance, record, alone)]
    # Asked again: a run that ended well in between has no process any more either.
    dead = instance.get_runs(dg.RunsFilter(run_ids=suspects, statuses=UNFINISHED)) if suspects else []
    for run in dead:
        instance.report_run_failed(run, "its process ended before the run did")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def _is_orphan(instance: dg.DagsterInstance, record: dg.RunRecord, alone: bool) -> bool:
    run = record.dagster_run
    created = record.create_timestamp.timestamp()
    if PROCESS_TAG in run.tags:
        return not is_alive(int(run.tags[PROCESS_TAG]), since=created)
    if (worker := _worker(instance, run.run_id)) is not None:
        process, since = worker
        return not is_alive(process, since)
    if run.status is dg.DagsterRunStatus.NOT_STARTED:
        return alone and time.time() - created > ABANDONED_SECONDS
    return alone


def _worker(instance: dg.DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The process that the run last said to be worked on by, and when it said so."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    told = [
        (int(str(entry.dagster_event.engine_event_data.metadata["pid"].value)), entry.timestamp)
        for entry in entries
        if entry.dagster_event and "pid" in entry.dagster_event.engine_event_data.metadata
    ]
    return told[-1] if told else None
