"""The Dagster skin of cleaning up: one op, as a job for the schedule, the UI and `kubestats clean`."""

import datetime
from collections.abc import Iterator

import dagster as dg

from kubestats_pipeline.clean.leftovers import remove_leftovers
from kubestats_pipeline.clean.mirrors import remove_unused_mirrors
from kubestats_pipeline.clean.removed import Removed
from kubestats_pipeline.lake.lake import LakeError
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.repairs.run_history import outdated_materializations, pack_databases, remove_runs

DESCRIPTION = (
    "Remove what nothing needs any more: leftovers of killed processes, mirrors of repositories that are no longer "
    "watched, and old runs of Dagster. The tables are not touched."
)


@dg.op(pool="clean", description=DESCRIPTION, out=dg.Out(dg.Nothing))
def clean(context: dg.OpExecutionContext, services: dg.ResourceParam[Services]) -> Iterator[dg.Output[None]]:
    """Remove everything that is due, and report how much it was."""
    try:
        removed = list(_remove(context, services))
    except LakeError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    for kind in removed:
        context.log.info("%s: %d, %.1f MB", kind.what, kind.count, kind.megabytes)
    yield dg.Output(None, metadata={kind.what: f"{kind.count}, {kind.megabytes:.1f} MB" for kind in removed})


def _remove(context: dg.OpExecutionContext, services: Services) -> Iterator[Removed]:
    now, lake, kept = services.now(), services.lake, services.settings.retention
    yield remove_leftovers(lake.layout, now)
    yield remove_unused_mirrors(lake, now - datetime.timedelta(days=kept.mirror_days))
    before, home = now - datetime.timedelta(days=kept.run_days), lake.layout.dagster_home
    for materialization in outdated_materializations(context.instance, before):
        context.log_event(materialization)
    yield remove_runs(context.instance, home, before)
    yield pack_databases([home / "history" / "runs.db", *(home / "history" / "runs").glob("index.db")])


@dg.graph(name="clean_up")
def _clean_up() -> None:
    """The op alone."""
    clean()


def build_clean_up(retries: dg.RetryPolicy | None) -> dg.JobDefinition:
    """The job. Without retries for a run that somebody waits for."""
    return _clean_up.to_job("clean_up", DESCRIPTION, tags={"dagster/max_runtime": "3600"}, op_retry_policy=retries)
