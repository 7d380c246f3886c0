"""A share goes to the queue of a worker that lives. A real Redis and a real worker of Celery."""

import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest

from kubestats_pipeline.orchestration.base.queues import QUEUE_TAG, live_queues, tags_of
from kubestats_pipeline.orchestration.base.shares import Share
from kubestats_pipeline_tests.cluster import services
from kubestats_pipeline_tests.cluster.nodes import Cluster
from kubestats_pipeline_tests.orchestration.live import free_port

LAUNCHER = """
run_launcher:
  module: dagster_celery.launcher
  class: CeleryRunLauncher
  config: {{broker: "{broker}", backend: "{broker}"}}
"""

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(bool(services.missing()), reason=f"needs {services.missing()}"),
    pytest.mark.skipif(find_spec("dagster_celery") is None, reason="needs the extra `cluster`"),
]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + services.PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_share_goes_to_its_worker_while_that_lives_and_to_anybody_else_after(tmp_path: Path):
    port = free_port()
    redis = services.redis(tmp_path / "redis", port)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text(LAUNCHER.format(broker=f"redis://127.0.0.1:{port}/0"))
    worker = Cluster(tmp_path / "nodes", (free_port(), port), {}).worker("worker-2")
    with dg.DagsterInstance.from_config(str(tmp_path / "home")) as instance, services.running(redis, worker):
        wait_for(lambda: live_queues(instance) == {"dagster", "kubestats-2"})
        live = live_queues(instance)
        assert tags_of(Share(2, 2), live) == {QUEUE_TAG: "kubestats-2"}
        assert tags_of(Share(1, 2), live) == {}
        worker.kill()
        assert live_queues(instance) == frozenset()
        redis.kill()
        assert live_queues(instance) == frozenset(), "the runs themselves say what is wrong with the broker"
