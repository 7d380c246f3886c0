"""The administrator's decisions as Dagster jobs, one a verb, and as the command line carries them out.

The repository of a run is its partition, which is picked in the UI and not typed. `discover/decide.py` defines what a
decision does.
"""

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.partitions import (
    other_partitions,
    register_repositories,
    repository_partitions,
)
from kubestats_pipeline.plain_text import plain

if TYPE_CHECKING:
    from kubestats_pipeline.discover.decide import Decided, Verb

DESCRIPTIONS: dict["Verb", str] = {
    "approve": "Let a repository in that is too large or was deleted. No limit of size holds for it then.",
    "block": "Neither sync nor scan a repository any more. Its history stays, and its numbers are still recorded.",
    "unblock": "End a block. The next sweep syncs the repository again.",
    "delete": "Remove everything about a repository for good. No discovery brings it back.",
}

OF_OTHERS: frozenset["Verb"] = frozenset({"approve", "unblock"})
"""Verbs about repositories that are not active."""


class DecisionConfig(dg.Config):
    """The reason of a decision."""

    reason: str = Field(default="", description="The reason, which is kept and shown.")


def carry_out(
    services: Services,
    instance: dg.DagsterInstance,
    verb: "Verb",
    repository: str,
    reason: str | None = None,
    *,
    unknown_too: bool = False,
) -> "Decided":
    """Decide, and let Dagster's partitions follow. Raises as `decide` does."""
    from kubestats_pipeline.discover.decide import decide  # what discovery loads: only the run pays for it

    limit = services.settings.max_repository_mb
    decided = decide(
        services.pulled_lake(),
        verb,
        repository,
        reason=reason,
        now=services.now(),
        max_mb=limit,
        unknown_too=unknown_too,
    )
    register_repositories(instance, services)
    return decided


def _job(verb: "Verb") -> dg.JobDefinition:
    @dg.op(name=f"{verb}_one_repository", pool="discover", description=DESCRIPTIONS[verb], out=dg.Out(dg.Nothing))
    def op(
        context: dg.OpExecutionContext, config: DecisionConfig, services: dg.ResourceParam[Services]
    ) -> dg.Output[None]:
        if not context.has_partition_key:
            raise dg.Failure("pick the repository as the partition of this run", allow_retries=False)
        context.log.info("%s %s: %s", verb, plain(context.partition_key), DESCRIPTIONS[verb])
        try:
            decided = carry_out(services, context.instance, verb, context.partition_key, config.reason)
        except ExplainedError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        return _show(context, verb, decided)

    @dg.job(
        name=f"{verb}_repository",
        description=f"{DESCRIPTIONS[verb]} Pick its partition.",
        tags={"dagster/max_runtime": "3600"},
        partitions_def=other_partitions if verb in OF_OTHERS else repository_partitions,
    )
    def job() -> None:
        op()

    return job


def _show(context: dg.OpExecutionContext, verb: "Verb", decided: "Decided") -> dg.Output[None]:
    """Tell what was done: in the log, on the run's page, and on the pages of the table and of the partition."""
    told = {"decision": verb, "repository": plain(decided.full_name), "outcome": plain(decided.text)}
    context.log.info(told["outcome"])
    context.log_event(dg.AssetObservation("repositories", metadata=told))
    if verb != "delete":
        context.log_event(dg.AssetObservation("snapshots", partition=decided.full_name, metadata=told))
    return dg.Output(None, metadata=told)


DECISION_JOBS: list[dg.JobDefinition] = [_job(verb) for verb in DESCRIPTIONS]
