"""Days become partitions when they have data, in the order of time, whatever came before."""

import datetime
from collections.abc import Iterator

import dagster as dg
import pytest

from kubestats_pipeline.orchestration.base.partitions import register_days, statistics_days, unregistered_days

ASSET = "ecosystem_stats"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def days(*numbers: int) -> list[datetime.date]:
    return [datetime.date(2026, 1, number) for number in numbers]


def registered(instance: dg.DagsterInstance) -> list[str]:
    return list(instance.get_dynamic_partitions("statistics_day"))


def test_only_days_with_data_are_partitions_and_a_day_is_one_once(instance: dg.DagsterInstance):
    assert registered(instance) == []
    register_days(instance, statistics_days, ASSET, days(5, 4))
    register_days(instance, statistics_days, ASSET, days(5, 9))
    assert registered(instance) == ["2026-01-04", "2026-01-05", "2026-01-09"]
    assert unregistered_days(instance, statistics_days, days(3, 4, 3)) == days(3)


def test_days_before_the_first_one_take_their_place_in_the_order(instance: dg.DagsterInstance):
    register_days(instance, statistics_days, ASSET, days(8))
    register_days(instance, statistics_days, ASSET, days(2, 7, 9))
    assert registered(instance) == ["2026-01-02", "2026-01-07", "2026-01-08", "2026-01-09"]


def test_days_that_an_earlier_version_has_materialized_stay(instance: dg.DagsterInstance):
    """Until then every day since 2014 was a partition, and nearly all of them were missing."""
    instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, partition="2026-01-03"))
    register_days(instance, statistics_days, ASSET, days(4))
    assert registered(instance) == ["2026-01-03", "2026-01-04"]
