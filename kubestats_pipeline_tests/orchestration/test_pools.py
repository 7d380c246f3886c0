"""A run that Dagster forgot in front of a free pool is let in."""

import threading
import time
from pathlib import Path

import dagster as dg

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.repairs.pools import kept_awake, wake_waiting


def forget_a_run(instance: dg.DagsterInstance) -> bool:
    """Let a run wait as the race leaves it: noted down after the pool became free. Gives whether it got in."""
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("scan")
    storage.add_pending_step("scan", "run", "step", should_assign=False)
    return storage.claim_concurrency_slot("scan", "run", "step").is_claimed


def test_a_forgotten_run_is_let_in_and_one_that_waits_rightly_is_not(tmp_path: Path):
    with open_instance(Layout(tmp_path)) as instance:
        storage = instance.event_log_storage
        assert wake_waiting(instance) == []
        assert not forget_a_run(instance)
        assert wake_waiting(instance) == ["scan"]
        assert storage.claim_concurrency_slot("scan", "run", "step").is_claimed
        assert not storage.claim_concurrency_slot("scan", "other", "step").is_claimed
        assert wake_waiting(instance) == []
        assert not storage.claim_concurrency_slot("scan", "other", "step").is_claimed, "the pool is taken"


def test_a_headless_run_looks_by_itself(tmp_path: Path):
    with open_instance(Layout(tmp_path)) as instance:
        assert not forget_a_run(instance)
        with kept_awake(instance, seconds=0.01):
            deadline = time.monotonic() + 30
            while not instance.event_log_storage.claim_concurrency_slot("scan", "run", "step").is_claimed:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        assert "pools" not in {thread.name for thread in threading.enumerate()}
