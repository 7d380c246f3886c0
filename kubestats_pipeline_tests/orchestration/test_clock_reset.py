"""A clock that is set back does not stop schedules and sensors until the old time comes again."""

import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.repairs.clock_reset import forget_the_future

HOUR = 3600.0


def remember(instance: dg.DagsterInstance, name: str, at: float) -> InstigatorState:
    """What Dagster keeps of a schedule or sensor that last ticked at a time."""
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("kubestats"), "__repository__")
    origin = RemoteInstigatorOrigin(location, name)
    kind = InstigatorType.SCHEDULE if name.endswith("schedule") else InstigatorType.SENSOR
    data = (
        ScheduleInstigatorData("*/5 * * * *", start_timestamp=at - HOUR, last_iteration_timestamp=at)
        if kind is InstigatorType.SCHEDULE
        else SensorInstigatorData(last_tick_timestamp=at, cursor="seen", last_tick_start_timestamp=at)
    )
    state = instance.add_instigator_state(InstigatorState(origin, kind, InstigatorStatus.RUNNING, data))
    tick = TickData(origin.get_id(), name, kind, TickStatus.SKIPPED, at, selector_id=state.selector_id)
    instance.create_tick(tick)
    return state


def last_tick(instance: dg.DagsterInstance, state: InstigatorState) -> float:
    (tick,) = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    return tick.timestamp


def test_what_lies_ahead_is_moved_to_now_and_the_rest_stays(tmp_path: Path):
    now = time.time()
    with open_instance(Layout(tmp_path)) as instance:
        ahead = [remember(instance, name, now + 5 * HOUR) for name in ("sync_schedule", "scan_after_sync")]
        right = remember(instance, "scan_schedule", now - HOUR)
        assert forget_the_future(instance, now) == ["scan_after_sync", "sync_schedule"]
        assert [last_tick(instance, state) for state in ahead] == pytest.approx([now, now])
        assert last_tick(instance, right) == pytest.approx(now - HOUR)
        kept = {state.instigator_name: state.instigator_data for state in instance.all_instigator_state()}
        assert kept["sync_schedule"].last_iteration_timestamp == now
        assert kept["scan_after_sync"].last_tick_timestamp == now
        assert kept["scan_after_sync"].cursor == "seen", "nothing that was acted upon is forgotten"
        assert kept["scan_schedule"].last_iteration_timestamp == now - HOUR
        assert forget_the_future(instance, now) == []
