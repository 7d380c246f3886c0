"""A step that fails is told by its own cause, never by Dagster's wrapper: in the alert, the summary and the log."""

import json
import re
from collections.abc import Callable

import dagster as dg
import pytest

from kubestats_pipeline.orchestration import alerts, cycle
from kubestats_pipeline.orchestration.base.console_log import CONSOLE, LOGGED, build_console

Work = Callable[[dg.OpExecutionContext], None]

QUOTED = "password: planted0123456789"
PLACE = r"in test_failures\.py, line \d+. The run's page has the whole error"


def fail(context: dg.OpExecutionContext) -> None:
    raise ValueError(f"cannot read\n{QUOTED}")


def fail_late(context: dg.OpExecutionContext) -> None:
    try:
        fail(context)
    except ValueError as error:
        raise LookupError(QUOTED) from error


def fill_the_disk(context: dg.OpExecutionContext) -> None:
    raise OSError(28, "No space left on device", "/srv/data")


def say_why(context: dg.OpExecutionContext) -> None:
    raise dg.Failure("the disk is full; free some", allow_retries=False) from ValueError(QUOTED)


def ask_again(context: dg.OpExecutionContext) -> None:
    raise dg.RetryRequested(max_retries=0) from ValueError(QUOTED)


def say_nothing(context: dg.OpExecutionContext) -> None:
    raise dg.Failure


def job_of(work: Work, retries: dg.RetryPolicy | None) -> dg.JobDefinition:
    @dg.op(name="work", retry_policy=retries)
    def op(context: dg.OpExecutionContext) -> None:
        work(context)

    @dg.job(logger_defs={CONSOLE: build_console("json")})
    def failing() -> None:
        op()

    return failing


@pytest.mark.parametrize(
    ("work", "retries", "reason"),
    [
        (fail, None, f"ValueError {PLACE}"),
        (fail, dg.RetryPolicy(max_retries=1), f"ValueError {PLACE}"),
        (fail_late, None, f"LookupError {PLACE}"),
        (ask_again, None, "ValueError. The run's page has the whole error"),
        (fill_the_disk, None, r"OSError: \[Errno 28\] No space left on device: '/srv/data'"),
        (say_why, None, "the disk is full; free some"),
        (say_nothing, None, rf"Failure {PLACE}"),
    ],
)
def test_a_failure_is_told_by_its_cause_alike_everywhere_and_quotes_no_document(
    work: Work, retries: dg.RetryPolicy | None, reason: str, capfd: pytest.CaptureFixture[str]
):
    with dg.DagsterInstance.ephemeral() as instance:
        result = job_of(work, retries).execute_in_process(instance=instance, run_config=LOGGED, raise_on_error=False)
        (summary,) = cycle._step_failures(result)
        assert re.fullmatch(reason, summary)
        assert alerted(instance, result) == f"work: {summary}"
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert [line["reason"] for line in logged if "reason" in line] == [summary]
    assert "planted" not in summary


def alerted(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """The reason as the alert gives it."""
    event = next(each for each in result.all_events if each.event_type is dg.DagsterEventType.RUN_FAILURE)
    context = dg.build_run_status_sensor_context("alert_on_failure", event, instance, result.dagster_run)
    return alerts._reason(context.for_run_failure())
