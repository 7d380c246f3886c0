"""Runs whose process died: Dagster takes them for running for ever, and they would keep others from their pool.

A headless run is tagged with its process. The next one, and `kubestats dev`, mark those whose process is gone as
failed. Runs that the daemon started are watched by its own monitoring (`dagster.yaml`).
"""

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


def fail_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Mark headless runs as failed whose process is gone; give their ids."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    dead = [run for run in runs if PROCESS_TAG in run.tags and not is_alive(int(run.tags[PROCESS_TAG]))]
    for run in dead:
        instance.report_run_failed(run, "its process ended before the run did")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]
