"""The statistics of single days, worked out by hand from `small_lake.py`."""

import datetime
from pathlib import Path

import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS, REPOSITORY_METRICS
from kubestats_pipeline.warehouse.statistics.ecosystem import (
    backfill_ecosystem_stats,
    days_to_compute,
    record_due_days,
    write_ecosystem_stats,
)
from kubestats_pipeline_tests.warehouse.small_lake import Row, day, metrics, write_small_lake, write_story


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return write_small_lake(tmp_path)


def march(number: int) -> datetime.date:
    return datetime.date(2026, 3, number)


def compute(lake: Lake, date: datetime.date) -> Row:
    row = write_ecosystem_stats(lake, date)
    assert row is not None
    return row


def counts(entries: list[Row]) -> dict[str, int]:
    return {entry["key"]: entry["value"] for entry in entries}


def test_a_past_day_is_computed_from_the_events_up_to_its_end(lake):
    row = compute(lake, march(8))
    plain = {name: value for name, value in row.items() if not isinstance(value, list)}
    assert plain == {
        "date": march(8),
        "total_repositories": 3,
        "active_repositories": 3,
        "repositories_with_resources": 3,
        "total_resources": 9,
        "active_resources": 7,
        "total_resource_events": 13,
        "daily_created_resources": 0,
        "daily_modified_resources": 0,
        "daily_deleted_resources": 1,
        "total_stars": 17,
        "total_forks": 3,
        "total_watchers": None,
        "total_open_issues": None,
        "repository_growth": 0,
        "resource_growth": -1,
        "star_growth": 2,
        "total_joined_repositories": 2,
        "total_left_repositories": 0,
        "joined_resources": 0,
        "joined_resources_in_week": 0,
        "joined_resources_in_month": 7,
    }


def test_breakdowns_name_what_exists_on_the_day(lake):
    row = compute(lake, march(8))
    assert counts(row["resource_type_breakdown"]) == {"HelmRelease": 6, "OCIRepository": 1}
    assert counts(row["popular_helm_charts"]) == {"app-template": 3, "thing": 1}
    assert counts(row["language_breakdown"]) == {"YAML": 2, "unknown": 1}
    assert counts(row["popular_topics"]) == {"kubesearch": 2, "flux": 1}


def test_a_resurrected_resource_counts_as_created_and_exists_again(lake):
    row = compute(lake, march(9))
    assert (row["daily_created_resources"], row["active_resources"], row["resource_growth"]) == (1, 8, 1)
    assert row["total_resources"] == 9


def test_a_repository_is_retired_from_its_day_on(lake):
    row = compute(lake, march(10))
    assert (row["total_repositories"], row["repository_growth"], row["repositories_with_resources"]) == (2, -1, 2)
    assert row["total_left_repositories"] == 1
    assert counts(row["popular_helm_charts"])["app-template"] == 2
    assert row["active_resources"] == 8


def test_a_repository_is_known_from_its_creation_its_first_event_or_its_discovery(lake):
    """Alice was created on 1 January, carol's first event is of 20 February, bob's of 1 March."""
    days = [datetime.date(2026, 1, 1), datetime.date(2026, 2, 20), march(1)]
    assert [compute(lake, date)["total_repositories"] for date in days] == [1, 2, 3]
    assert write_ecosystem_stats(lake, datetime.date(2025, 12, 31)) is None
    assert lake.read(ECOSYSTEM_STATS, 2025) is None


def test_a_repository_stays_active_for_thirty_days(lake):
    """The newest event is of 9 March: the thirtieth day, counting that one, is 7 April."""
    assert compute(lake, datetime.date(2026, 4, 7))["active_repositories"] == 1
    assert compute(lake, datetime.date(2026, 4, 8))["active_repositories"] == 0


def test_stars_of_a_day_without_metrics_are_unknown_and_not_zero(lake):
    row = compute(lake, march(9))
    assert (row["total_stars"], row["star_growth"]) == (None, None)
    assert compute(lake, march(7))["star_growth"] is None


def test_a_commit_clock_that_runs_backwards_does_not_bring_a_resource_back(tmp_path: Path):
    """The deletion comes later in the log but bears an earlier time than the creation."""
    lake = Lake(Layout(tmp_path / "data"))
    story = {"app": ([("CREATED", day(3, 5), "1"), ("DELETED", day(3, 3), None)], {})}
    write_story(lake, 1, "a/b", story, by_time=False)
    assert [compute(lake, march(number))["active_resources"] for number in (3, 4, 5, 6)] == [0, 0, 0, 0]


def test_the_rows_of_days_lie_in_the_file_of_their_year(lake):
    rows = [compute(lake, march(number)) for number in (8, 9, 8)]
    partition = lake.read(ECOSYSTEM_STATS, 2026)
    assert partition is not None
    assert partition.rows.to_dicts() == rows[:2]
    assert lake.partitions(ECOSYSTEM_STATS) == [2026]


def test_daily_files_of_an_earlier_version_are_read_and_those_days_are_not_due_again(lake):
    last = march(12)
    record_due_days(lake, last)
    rows = lake.read_all(ECOSYSTEM_STATS)
    lake.delete(ECOSYSTEM_STATS, 2026)
    for row in rows.iter_rows(named=True):
        lake.write(ECOSYSTEM_STATS, row["date"], [row])
    assert record_due_days(lake, last) == [march(11), march(12)]
    assert lake.read_all(ECOSYSTEM_STATS).equals(rows)
    assert lake.partitions(ECOSYSTEM_STATS) == [2026]


def test_history_is_filled_from_the_first_event_and_then_only_the_last_two_days_are_due(lake):
    first, last = datetime.date(2026, 2, 20), march(12)
    due = days_to_compute(lake, last)
    assert (due[0], due[-1], len(due)) == (first, last, 21)
    assert record_due_days(lake, last) == due
    assert days_to_compute(lake, last) == [march(11), march(12)]
    assert record_due_days(lake, last) == [march(11), march(12)]


def test_days_are_due_again_from_a_newly_found_old_event_on(lake):
    backfill_ecosystem_stats(lake, days_to_compute(lake, march(12)))
    write_story(lake, 4, "dave/late", {"app": ([("CREATED", day(3, 10), "1")], {})})
    assert days_to_compute(lake, march(12)) == [march(10), march(11), march(12)]


def test_a_day_is_due_again_with_its_successor_when_metrics_arrive(lake):
    backfill_ecosystem_stats(lake, days_to_compute(lake, march(12)))
    lake.write(REPOSITORY_METRICS, march(4), [metrics(1, march(4), stars_count=9)])
    assert days_to_compute(lake, march(12)) == [march(4), march(5), march(11), march(12)]


def test_nothing_is_due_in_an_empty_lake(tmp_path: Path):
    lake = Lake(Layout(tmp_path / "data"))
    assert days_to_compute(lake, march(12)) == []
    assert write_ecosystem_stats(lake, march(12)) is None
