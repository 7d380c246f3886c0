"""The administrator's decisions as Dagster jobs, one a verb, and as the command line carries them out.

The run config names the repository and perhaps a reason. `discover/decide.py` defines what a decision does. To sync
one repository from the UI, materialise its partition, or run `sync_repositories` with its name.
"""

import dagster as dg

from kubestats_pipeline.discover.decide import Decided, Verb, decide
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.repositories import read_repositories
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.partitions import register_partitions

DESCRIPTIONS: dict[Verb, str] = {
    "approve": "Let a repository in that is too large or was deleted. No limit of size holds for it then.",
    "block": "Neither sync nor scan a repository any more. Its history stays, and its numbers are still recorded.",
    "unblock": "End a block. The next sweep syncs the repository again.",
    "delete": "Remove everything about a repository for good. No discovery brings it back.",
}


class DecisionConfig(dg.Config):
    """The repository, by a name that it has or had, and the reason."""

    repository: str
    reason: str = ""


def carry_out(
    services: Services,
    instance: dg.DagsterInstance,
    verb: Verb,
    repository: str,
    reason: str | None = None,
    *,
    unknown_too: bool = False,
) -> Decided:
    """Decide, and let Dagster's partitions follow. Raises as `decide` does."""
    limit = services.settings.max_repository_mb
    decided = decide(
        services.lake,
        verb,
        repository,
        reason=reason,
        now=services.now(),
        max_mb=limit,
        unknown_too=unknown_too,
    )
    active = read_repositories(services.lake)
    register_partitions(instance, services.repositories() if active else (), active)
    return decided


def _job(verb: Verb) -> dg.JobDefinition:
    @dg.op(name=f"{verb}_one_repository", pool="discover", description=DESCRIPTIONS[verb])
    def op(context: dg.OpExecutionContext, config: DecisionConfig, services: dg.ResourceParam[Services]) -> None:
        try:
            decided = carry_out(services, context.instance, verb, config.repository, config.reason)
        except ExplainedError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        context.log.info(decided.text)

    @dg.job(name=f"{verb}_repository", description=DESCRIPTIONS[verb], tags={"dagster/max_runtime": "3600"})
    def job() -> None:
        op()

    return job


DECISION_JOBS: list[dg.JobDefinition] = [_job(verb) for verb in DESCRIPTIONS]
