"""The Dagster skin of `watch`: a job that tells receivers what has changed. `automation.py` has the sensor.

Both exist where the settings have rules. A receiver that does not take its message makes the run fail, after the others
were told. The next publication, or a run of the job by hand, tells it what it missed.
"""

import dagster as dg

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.orchestration.base.console_log import LOGGED
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.retries import STEP_RETRIES
from kubestats_pipeline.settings import Settings

DESCRIPTION = (
    "Look for the changes that the rules of `watch` name in the published file, and tell their receivers what is new. "
    "Each change is told once."
)


@dg.op(pool="watch", description=DESCRIPTION, out=dg.Out(dg.Nothing))
def tell(context: dg.OpExecutionContext, services: dg.ResourceParam[Services]) -> dg.Output[None]:
    """Tell every receiver, and report whom of how much."""
    from kubestats_pipeline.ask.published import UnusableFileError  # duckdb: only the run pays for it
    from kubestats_pipeline.storage.bucket import StoreError
    from kubestats_pipeline.watch.memory import MemoryFileError
    from kubestats_pipeline.watch.receivers import ReceiverError
    from kubestats_pipeline.watch.telling import tell_changes

    try:
        _fetch_published(services.settings.layout)
        with services.progress.track("watch", 1) as done:
            outcome = tell_changes(services.pulled_lake(), services.settings, services.now())
            done(f"{sum(outcome.told.values())} changes told")
    except (UnusableFileError, MemoryFileError, ReceiverError, BusyError, StoreError) as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    for name, number in outcome.begun.items():
        context.log.info("%s: news are told from now on, new questions: %d", name, number)
    for name, number in outcome.told.items():
        context.log.info("%s: told, changes: %d", name, number)
    for thing in outcome.unknown:
        context.log.warning("watch: nothing in the published file is called so: %s", thing)
    if outcome.failures:
        raise dg.Failure(_explain(outcome.failures))
    numbers = {f"told_{name}": number for name, number in outcome.told.items()}
    return dg.Output(None, metadata={"told": sum(outcome.told.values()), **numbers})


def _fetch_published(layout: Layout) -> None:
    """Have the file here that another machine may have published. Without one nothing can be told."""
    if layout.lake_url:
        from kubestats_pipeline.storage.bucket import LakeBucket
        from kubestats_pipeline.storage.fetched import fetch_publication

        fetch_publication(LakeBucket(layout.lake_url), layout.data_dir, only=layout.name_of(layout.warehouse))


@dg.graph(name="tell_changes")
def _tell_changes() -> None:
    """The op alone."""
    tell()


def _build(retries: dg.RetryPolicy | None) -> dg.JobDefinition:
    tags = {"dagster/max_runtime": "3600"}
    return _tell_changes.to_job("tell_changes", DESCRIPTION, tags=tags, op_retry_policy=retries, config=dict(LOGGED))


TELL_CHANGES = _build(STEP_RETRIES)


def build_watch_jobs(settings: Settings, *, headless: bool = False) -> list[dg.JobDefinition]:
    """The job, where there are rules. A headless one has no retries: somebody waits for it."""
    if not settings.watch:
        return []
    return [_build(retries=None) if headless else TELL_CHANGES]


def _explain(failures: dict[str, str]) -> str:
    """The receivers that were not told, by their names."""
    told = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
    return f"alerts.receivers: not told were {told}. They are told what they missed after the next publication"
