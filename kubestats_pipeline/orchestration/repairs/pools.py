"""Pools: as many places as a sweep has runs, and no run that waits although one is free.

A run that asks for a pool just as another one leaves it can be forgotten: Dagster (seen with 1.13) looks for a free
place, finds none, the other run leaves and finds nobody waiting, and only then is the wait noted down. The run would
wait until it is ended for taking too long, and its schedule with it. A sensor and every headless cycle look for that.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import dagster as dg

from kubestats_pipeline.orchestration.base.dagster_private import sql_storage
from kubestats_pipeline.orchestration.base.meanwhile import meanwhile

LOOK_SECONDS = 5.0


def wake_waiting(instance: dg.DagsterInstance) -> list[str]:
    """Let the next run in where a pool has room. Give the pools that had. It does nothing where nobody waits."""
    storage = sql_storage(instance)
    if storage is None:
        return []
    free = sorted(pool for pool in storage.get_concurrency_keys() if storage.has_unassigned_slots(pool))
    storage.assign_pending_steps(free)
    return free


def fit_pools(instance: dg.DagsterInstance, runs: Mapping[str, int]) -> list[str]:
    """Give each pool as many places as its sweep has runs. Give the pools that had another number.

    Left alone are a pool that an administrator has closed (0 places), and the default places of one whose sweep is not
    split.
    """
    storage = sql_storage(instance)
    if storage is None:
        return []
    known = {limit.name: limit for limit in storage.get_pool_limits()}
    changed = [pool for pool, number in runs.items() if _is_other(known.get(pool), number)]
    for pool in changed:
        storage.set_concurrency_slots(pool, runs[pool])
    return changed


def _is_other(known: Any, wanted: int) -> bool:
    if known is None or known.from_default:
        return wanted > 1 and (known is None or known.limit != wanted)
    return known.limit not in (0, wanted)


def kept_awake(instance: dg.DagsterInstance, seconds: float = LOOK_SECONDS) -> AbstractContextManager[None]:
    """Look again and again while something runs in this process."""
    return meanwhile(lambda: wake_waiting(instance), seconds, "pools")
