"""Posts runs that failed: one JSON message to the webhook of the setting `alerts.webhook_url`.

The URL is a secret, because whoever knows it can post. It is read from the settings where it is used and is in no run
config, log, tick or error. The message comes from the run's own events. No document of a repository is in it.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.failures import reason_of
from kubestats_pipeline.redaction.texts import withhold_shapes
from kubestats_pipeline.setting_sections import AlertSettings

PAUSES = (1.0, 4.0)
"""Seconds before a second and a third attempt. With the longest time-out a tick stays below Dagster's minute."""

LONGEST_TEXT = 1500
"""Characters of a message. Discord takes 2,000."""


class AlertError(ExplainedError):
    """A message could not be delivered. The text says why and what to do, and never names the URL."""


def build_alerts(settings: AlertSettings) -> list[dg.SensorDefinition]:
    """The sensor that posts to the webhook. None without one."""
    return [_failure_sensor()] if settings.webhook_url else []


def post_alert(
    settings: AlertSettings, message: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Post one message, in at most three attempts. Without a webhook nothing happens.

    Raises:
        AlertError: no attempt was accepted.
    """
    if settings.webhook_url is None:
        return
    reason = ""
    for pause in (*PAUSES, None):
        reason, is_lasting = _attempt(settings.webhook_url.get_secret_value(), message, settings.timeout_seconds)
        if not reason:
            return
        if is_lasting or pause is None:
            break
        sleep(pause)
    raise AlertError(f"the alert was not delivered: {reason}. See alerts.webhook_url")


def describe_failure(run: dg.DagsterRun, reason: str) -> dict[str, Any]:
    """The message of a failed run: `text` for Slack and its like, `content` for Discord, the facts for programs."""
    reason = withhold_shapes(reason)
    text = f"Kubestats: {run.job_name} failed (run {run.run_id[:8]})\n{reason}"[:LONGEST_TEXT]
    return {"text": text, "content": text, "job": run.job_name, "run_id": run.run_id, "reason": reason[:LONGEST_TEXT]}


def _failure_sensor() -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="alert_on_failure",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts every run that failed to the webhook of the settings.",
    )
    def tick(context: dg.RunFailureSensorContext, services: dg.ResourceParam[Services]) -> dg.SkipReason:
        post_alert(services.settings.alerts, describe_failure(context.dagster_run, _reason(context)))
        return dg.SkipReason(f"posted the failure of {context.dagster_run.run_id}")

    return tick


def _reason(context: dg.RunFailureSensorContext) -> str:
    """The words of the failed steps, else those of the run."""
    failed = context.get_step_failure_events()
    found = [f"{event.step_key}: {reason_of(event.step_failure_data)}" for event in failed]
    return "\n".join(found) or str(context.failure_event.message)


def _attempt(url: str, message: Mapping[str, Any], timeout: float) -> tuple[str, bool]:
    """Post once. Give what went wrong, empty where nothing did, and whether another attempt would be in vain."""
    import httpx  # only a failure needs it

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log the URL of every request
    try:
        status = httpx.post(url, json=dict(message), timeout=timeout).status_code
    except (httpx.TransportError, httpx.InvalidURL) as error:
        return type(error).__name__, isinstance(error, httpx.InvalidURL)
    return ("" if status < 300 else f"HTTP {status}"), 300 <= status < 500 and status not in (408, 429)
