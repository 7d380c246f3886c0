"""After the machine's clock was set back: what Dagster remembers of a time that has not come yet is moved to now.

It would otherwise tick no schedule and no sensor until that time comes, which may take as long as the clock was wrong.
`kubestats dev` sees to it before the daemon starts.
"""

from typing import Any

import dagster as dg

TIMES = ("start_timestamp", "last_iteration_timestamp", "last_tick_timestamp", "last_tick_start_timestamp")
"""Times that schedules and sensors remember, seconds since 1970. Each has some of them."""

TOLERATED_SECONDS = 60
"""Clocks are corrected by small steps all the time, and those pass by themselves."""


def forget_the_future(instance: dg.DagsterInstance, now: float) -> list[str]:
    """Move the times that schedules and sensors remember to now where they lie ahead. Give whose they were."""
    ahead = [state for state in instance.all_instigator_state() if _forget(instance, state, now)]
    return sorted(state.instigator_name for state in ahead)


def _forget(instance: dg.DagsterInstance, state: Any, now: float) -> bool:
    limit = now + TOLERATED_SECONDS
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, after=limit)
    for tick in ticks:
        instance.update_tick(tick._replace(tick_data=tick.tick_data._replace(timestamp=now)))
    data = state.instigator_data
    later = {name: now for name in TIMES if (getattr(data, name, None) or 0) > limit}
    if later:
        instance.update_instigator_state(state.with_data(data._replace(**later)))
    return bool(ticks or later)
