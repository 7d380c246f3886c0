"""Wakes runs that wait for a pool although it is free.

A run that asks for a pool just as another one leaves it can be forgotten: Dagster (seen with 1.13) looks for a free
place, finds none, the other run leaves and finds nobody waiting, and only then is the wait noted down. The run would
wait until it is ended for taking too long, and its schedule with it. A sensor and every headless cycle look for that.
"""

import contextlib
import threading
from collections.abc import Iterator

import dagster as dg

from kubestats_pipeline.orchestration.base.dagster_private import sql_storage

LOOK_SECONDS = 5.0


def wake_waiting(instance: dg.DagsterInstance) -> list[str]:
    """Let the next run in where a pool has room. Give the pools that had. It does nothing where nobody waits."""
    storage = sql_storage(instance)
    if storage is None:
        return []
    free = sorted(pool for pool in storage.get_concurrency_keys() if storage.has_unassigned_slots(pool))
    storage.assign_pending_steps(free)
    return free


@contextlib.contextmanager
def kept_awake(instance: dg.DagsterInstance, seconds: float = LOOK_SECONDS) -> Iterator[None]:
    """Look again and again while something runs in this process."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(seconds):
            wake_waiting(instance)

    thread = threading.Thread(target=look, name="pools", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
