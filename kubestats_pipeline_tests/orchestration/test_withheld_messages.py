"""A reason that quotes a secret is told without it: to Dagster's storage, the console, the webhook and the user."""

import dagster as dg
import pytest

from kubestats_pipeline.lake.lake import LakeError
from kubestats_pipeline.orchestration.alerts import describe_failure
from kubestats_pipeline.orchestration.base.batches import Batch, failure_observation
from kubestats_pipeline.orchestration.base.console_log import build_console

PLANTED = "q7W2e9R4" * 5
REASON = f"fatal: https://ann:{PLANTED}@example.org/x is gone, says gl" + f"pat-{PLANTED}"
NAMES = ["ann/one"]


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_event_of_dagster_and_no_line_of_the_console_holds_it(log_format: str, capfd: pytest.CaptureFixture[str]):
    @dg.asset(name="snapshots", partitions_def=dg.StaticPartitionsDefinition(NAMES))
    def asset(context: dg.AssetExecutionContext) -> None:
        batch = Batch(context, keys=("snapshots",), requested=2)
        batch.record("ann/one", {"branch": f"main-npm_{PLANTED}"}, changed=True, version="c1")
        batch.note("ann/one", REASON)
        batch.fail("ann/one", REASON)
        context.log_event(failure_observation("snapshots", REASON, REASON))
        raise dg.Failure(str(LakeError(REASON)), allow_retries=False)

    console = build_console(log_format)
    job = dg.define_asset_job("sample_job", [asset], config={"loggers": {"console": {"config": {}}}})
    definitions = dg.Definitions(assets=[asset], jobs=[job], loggers={"console": console})
    instance = dg.DagsterInstance.ephemeral()
    result = definitions.resolve_job_def("sample_job").execute_in_process(
        instance=instance, partition_key="ann/one", raise_on_error=False
    )
    told = repr(instance.all_logs(result.run_id))
    printed = capfd.readouterr()
    assert "example.org/x is gone" in told
    assert "example.org/x is gone" in printed.err
    assert PLANTED not in told + printed.err + printed.out


def test_a_line_that_somebody_else_logged_is_written_without_it(capfd: pytest.CaptureFixture[str]):
    @dg.op
    def careless(context: dg.OpExecutionContext) -> None:
        context.log.warning("read %s", REASON, extra={"fields": {"url": REASON, "size": 1}})

    @dg.job(logger_defs={"console": build_console("json")}, config={"loggers": {"console": {"config": {}}}})
    def job() -> None:
        careless()

    job.execute_in_process()
    printed = capfd.readouterr().err
    assert '"size":1' in printed
    assert PLANTED not in printed


def test_an_alert_is_posted_without_it():
    run = dg.DagsterRun(job_name="sync_repositories", run_id="0123456789")
    message = describe_failure(run, REASON)
    assert "example.org/x is gone" in message["text"]
    assert PLANTED not in repr(message)


def test_a_failure_that_a_user_can_act_on_does_not_quote_it():
    assert str(LakeError(REASON)) == "fatal: https://<redacted>@example.org/x is gone, says <redacted>"
