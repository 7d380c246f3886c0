"""The failures of the last discovery, read from its run: why an installation knows no repository yet."""

import datetime
from dataclasses import dataclass

import dagster as dg

from kubestats_pipeline.orchestration import jobs
from kubestats_pipeline.orchestration.base.batches import SUBJECT


@dataclass(frozen=True)
class LastDiscovery:
    """A discovery that was run: when it began, in UTC, and what failed of it, a source or an entry, and why."""

    began_at: datetime.datetime
    failures: dict[str, str]


def read_last_discovery(instance: dg.DagsterInstance) -> LastDiscovery | None:
    """The last one. None where none was ever run, or its run was cleaned up."""
    filters = dg.RunsFilter(job_name=jobs.discover_repositories.name)
    for record in instance.get_run_records(filters, limit=1):
        entries = instance.all_logs(record.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
        observed = [entry.asset_observation for entry in entries if entry.asset_observation]
        failures = {
            str(one.metadata[SUBJECT].value): str(one.description) for one in observed if SUBJECT in one.metadata
        }
        return LastDiscovery(record.create_timestamp.astimezone(datetime.UTC), failures)
    return None
