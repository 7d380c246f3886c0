"""Tells of runs that failed: one JSON message to the webhook of the settings, one message to each receiver named there.

Addresses are secrets, because whoever knows one can post. They are read from the settings where they are used and are
in no run config, log, tick or error. The message comes from the run's own events. No document of a repository is in it.
"""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
    """The sensor that tells of failed runs. None where nobody wants to know."""
    return [_failure_sensor()] if settings.webhook_url or settings.failures_to else []


def tell_failure(settings: AlertSettings, run: dg.DagsterRun, reason: str) -> None:
    """Tell the webhook and the receivers side by side, so that one that does not answer keeps nobody waiting.

    Raises:
        AlertError: some did not take it. All were tried.
    """
    with ThreadPoolExecutor(1 + len(settings.failures_to)) as pool:
        posted = pool.submit(post_alert, settings, describe_failure(run, reason))
        problems = list(pool.map(lambda send: send(), _sends(settings, run, reason)))
    if (error := posted.exception()) is not None:
        problems.append(str(error))
    if any(problems):
        raise AlertError("; ".join(filter(None, problems)))


def _sends(settings: AlertSettings, run: dg.DagsterRun, reason: str) -> list[Callable[[], str]]:
    """One attempt for each receiver of failures, which gives what went wrong."""
    if not settings.failures_to:
        return []
    from kubestats_pipeline.watch.messages import compose_failure  # only a failure needs them
    from kubestats_pipeline.watch.receivers import Receiver, open_receivers

    def send(name: str, receiver: Receiver) -> str:
        problem = receiver.send(message)
        return f"{name} was not told: {problem.reason}. See alerts.receivers" if problem else ""

    message = compose_failure(run.job_name, run.run_id, reason)
    receivers = open_receivers(settings)
    return [partial(send, name, receivers[name]) for name in dict.fromkeys(settings.failures_to)]


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
        description="Tells of every run that failed: the webhook and the receivers of the settings.",
    )
    def tick(context: dg.RunFailureSensorContext, services: dg.ResourceParam[Services]) -> dg.SkipReason:
        tell_failure(services.settings.alerts, context.dagster_run, _reason(context))
        return dg.SkipReason(f"told of the failure of {context.dagster_run.run_id}")

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
