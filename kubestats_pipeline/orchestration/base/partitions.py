"""The two ways in which assets are partitioned: by repository, and by day.

Repository partitions are dynamic. Discovery registers every active repository under its full name, so that a fresh
Dagster storage over an old lake knows them again after one discovery.
"""

import datetime
from collections.abc import Iterable

import dagster as dg

REPOSITORY_PARTITIONS = "repository"

repository_partitions = dg.DynamicPartitionsDefinition(name=REPOSITORY_PARTITIONS)

FIRST_DAY = "2014-06-07"
"""The day of Kubernetes' first public commit: no resource is older."""

daily_partitions = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_offset=1, timezone="UTC")
"""Days in UTC. `end_offset=1` makes the current day a partition before it has ended."""


def register_partitions(instance: dg.DagsterInstance, names: Iterable[str], active: Iterable[str]) -> None:
    """Make partitions of some repositories, and drop those of repositories that are not active any more.

    The records of a dropped one stay, and are seen again when the partition comes back.
    """
    registered = set(instance.get_dynamic_partitions(REPOSITORY_PARTITIONS))
    for name in sorted(registered - set(active)):
        instance.delete_dynamic_partition(REPOSITORY_PARTITIONS, name)
    instance.add_dynamic_partitions(REPOSITORY_PARTITIONS, [name for name in names if name not in registered])


def day_key(day: datetime.date) -> str:
    """The partition key of a day."""
    return day.isoformat()
