"""The ways in which assets are partitioned: by repository, and by day.

All partitions are dynamic. Discovery registers every active repository under its full name, so that a fresh Dagster
storage over an old lake knows them again after one discovery. Those that are not active have partitions of their own,
for the decisions about them. A day becomes a partition when it has data: a definition by dates has one start, fixed
when the code is loaded, and would show days before the data, and gaps in them, as missing for ever.
"""

import datetime
from collections.abc import Iterable

import dagster as dg

from kubestats_pipeline.lake.repositories import read_repositories, read_rows
from kubestats_pipeline.orchestration.base.context import Services

REPOSITORY_PARTITIONS = "repository"
OTHER_PARTITIONS = "repository_not_active"

repository_partitions = dg.DynamicPartitionsDefinition(name=REPOSITORY_PARTITIONS)
other_partitions = dg.DynamicPartitionsDefinition(name=OTHER_PARTITIONS)
"""Repositories that are blocked, too large or retired: those that can be unblocked or approved."""

metrics_days = dg.DynamicPartitionsDefinition(name="metrics_day")
statistics_days = dg.DynamicPartitionsDefinition(name="statistics_day")
"""Days in UTC, such as `2026-01-31`, in their order."""


def register_repositories(instance: dg.DagsterInstance, services: Services) -> None:
    """Make partitions of all repositories, and drop those of repositories whose status is another one now.

    The records of a dropped one stay, and are seen again when the partition comes back. Nothing changes where there
    are no repositories at all: the table may just be lost.

    Raises:
        LakeError: the table of repositories is damaged.
    """
    active = read_repositories(services.lake)
    others = {row["full_name"] for row in read_rows(services.lake) if row["status"] != "active"} - set(active)
    if active or others:
        _register(instance, REPOSITORY_PARTITIONS, list(services.repositories()), keep=set(active))
        _register(instance, OTHER_PARTITIONS, sorted(others), keep=others)


def _register(instance: dg.DagsterInstance, partitions: str, names: list[str], keep: set[str]) -> None:
    known = set(instance.get_dynamic_partitions(partitions))
    _drop(instance, partitions, known - keep)
    instance.add_dynamic_partitions(partitions, [name for name in names if name not in known])


def register_days(
    instance: dg.DagsterInstance, partitions: dg.DynamicPartitionsDefinition, asset: str, days: Iterable[datetime.date]
) -> None:
    """Make partitions of days of an asset, in the order of time, in which Dagster plots them.

    The first call also takes those up for which an earlier version has materialized the asset.
    """
    name = str(partitions.name)
    known = list(instance.get_dynamic_partitions(name))
    earlier = set() if known else instance.get_materialized_partitions(dg.AssetKey(asset))
    wanted = sorted({*known, *earlier, *map(day_key, days)})
    if wanted[: len(known)] != known:  # days before the first one are known now
        _drop(instance, name, known)
        known = []
    instance.add_dynamic_partitions(name, wanted[len(known) :])


def unregistered_days(
    instance: dg.DagsterInstance, partitions: dg.DynamicPartitionsDefinition, days: Iterable[datetime.date]
) -> list[datetime.date]:
    """Those days that are no partition yet: Dagster's storage may be younger than the lake."""
    known = set(instance.get_dynamic_partitions(str(partitions.name)))
    return sorted(day for day in set(days) if day_key(day) not in known)


def day_key(day: datetime.date) -> str:
    """The partition key of a day."""
    return day.isoformat()


def _drop(instance: dg.DagsterInstance, partitions: str, names: Iterable[str]) -> None:
    for name in sorted(names):
        instance.delete_dynamic_partition(partitions, name)
