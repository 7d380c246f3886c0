"""A failed run is told to a webhook, once, within bounds, and without ever naming the URL."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.alerts import LONGEST_TEXT, AlertError, build_alerts, describe_failure, post_alert
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.setting_sections import AlertSettings
from kubestats_pipeline.settings import SettingsError, load_settings
from kubestats_pipeline_tests.builders import settings_for

PATH = "/services/T0SECRET/B0SECRET"


class Webhook(ThreadingHTTPServer):
    """A server that answers as told and remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.delay = 0.0
        self.received: list[tuple[str, Any]] = []

    @property
    def settings(self) -> AlertSettings:
        return AlertSettings(webhook_url=f"http://127.0.0.1:{self.server_port}{PATH}", timeout_seconds=0.5)


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((self.path, json.loads(body)))
        time.sleep(self.server.delay)
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_message_is_posted_once_as_json(webhook: Webhook):
    post_alert(webhook.settings, {"text": "hello"})
    assert webhook.received == [(PATH, {"text": "hello"})]


def test_a_server_that_recovers_gets_it_on_a_later_attempt(webhook: Webhook):
    webhook.answers = [503, 429]
    pauses: list[float] = []
    post_alert(webhook.settings, {"text": "hello"}, sleep=pauses.append)
    assert len(webhook.received) == 3
    assert pauses == [1.0, 4.0]


def test_attempts_are_bounded_and_the_error_does_not_name_the_url(webhook: Webhook):
    webhook.answers = [500] * 10
    with pytest.raises(AlertError, match=r"HTTP 500\. See alerts\.webhook_url") as caught:
        post_alert(webhook.settings, {"text": "hello"}, sleep=lambda _: None)
    assert len(webhook.received) == 3
    assert "SECRET" not in str(caught.value)


def test_a_url_that_is_refused_is_not_tried_again(webhook: Webhook):
    webhook.answers = [404]
    with pytest.raises(AlertError, match="HTTP 404"):
        post_alert(webhook.settings, {"text": "hello"}, sleep=lambda _: None)
    assert len(webhook.received) == 1


def test_a_server_that_never_answers_costs_the_time_out_and_no_more(webhook: Webhook):
    webhook.delay = 2
    with pytest.raises(AlertError, match="ReadTimeout"):
        post_alert(webhook.settings, {"text": "hello"}, sleep=lambda _: None)
    assert len(webhook.received) == 3


def test_without_a_webhook_nothing_is_sent_and_there_is_no_sensor():
    post_alert(AlertSettings(), {"text": "hello"})
    assert build_alerts(AlertSettings()) == []


def test_a_long_reason_is_cut():
    run = dg.DagsterInstance.ephemeral().create_run_for_job(_failing_job())
    assert len(describe_failure(run, "x" * 10_000)["content"]) == LONGEST_TEXT


def test_what_is_no_url_is_refused_without_showing_it():
    with pytest.raises(SettingsError, match=r"alerts.webhook_url .*: give an http:// or https:// URL") as caught:
        load_settings(alerts={"webhook_url": "hooks.example.org/T0SECRET"})
    assert "SECRET" not in str(caught.value)


def test_the_sensor_tells_of_a_failed_run_in_its_own_words(webhook: Webhook, tmp_path: Path):
    alerts = {"webhook_url": webhook.settings.webhook_url.get_secret_value()}
    services = Services(settings_for(tmp_path, alerts=alerts))
    definitions = build_definitions(services)
    (sensor,) = [each for each in definitions.sensors or () if each.name == "alert_on_failure"]
    instance = dg.DagsterInstance.ephemeral()
    job = build_definitions(services, headless=True).resolve_job_def("publish_warehouse")
    damaged = Layout(tmp_path / "data").whole_table("repositories")
    damaged.parent.mkdir(parents=True)
    damaged.write_text("garbage")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    event = next(each for each in result.all_events if each.event_type is dg.DagsterEventType.RUN_FAILURE)
    context = dg.build_run_status_sensor_context("alert_on_failure", event, instance, result.dagster_run)
    sensor(context.for_run_failure(), services=services)
    ((_, message),) = webhook.received
    assert message["job"] == "publish_warehouse"
    assert message["run_id"] == result.run_id
    assert "publish_warehouse failed" in message["text"]
    assert f"publish: {damaged} cannot be read as repositories" in message["reason"]
    logs = str(instance.all_logs(result.run_id)) + str(result.dagster_run.run_config)
    assert "SECRET" not in logs


def _failing_job() -> dg.JobDefinition:
    @dg.op
    def fail() -> None:
        raise dg.Failure("no")

    @dg.job
    def failing() -> None:
        fail()

    return failing
