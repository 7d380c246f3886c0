"""The views on real repositories, against the same answers counted in Python from the rows of the lake."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.contract import Table
from kubestats_pipeline.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline_tests.warehouse.published_corpus import (  # noqa: F401 - fixtures
    PublishedCorpus,
    corpus_warehouse,
    published_corpus,
)

Rows = list[dict[str, Any]]
Read = Callable[[Table], Rows]


@pytest.fixture(scope="module")
def read(published_corpus: PublishedCorpus) -> Read:  # noqa: F811
    """All rows of a table of the lake."""
    return lambda table: published_corpus.lake.read_all(table).to_dicts()


@pytest.fixture
def ask(corpus_warehouse: duckdb.DuckDBPyConnection) -> Callable[[str], list[tuple[Any, ...]]]:  # noqa: F811
    return lambda query: corpus_warehouse.execute(query).fetchall()


def active(rows: Iterable[dict[str, Any]]) -> Rows:
    return [row for row in rows if row["status"] == "ACTIVE" and row["context"] == "active"]


def by_repository(keyed: Iterable[tuple[Any, str]]) -> dict[Any, tuple[int, int]]:
    """How many repositories and how many rows each key has."""
    repositories, rows = defaultdict(set), Counter()
    for key, repository_id in keyed:
        repositories[key].add(repository_id)
        rows[key] += 1
    return {key: (len(repositories[key]), rows[key]) for key in rows}


def test_charts_are_counted_once_per_repository(ask, read):
    releases = [row for row in active(read(RESOURCES)) if row["resolution"] != "not_applicable"]
    expected = by_repository(
        ((row["chart_name"], row["chart_url"] if row["resolution"] == "exact" else None), row["repository_id"])
        for row in releases
    )
    found = ask("SELECT chart_name, chart_url, repositories, releases FROM chart_popularity")
    assert {(name, url): (repositories, count) for name, url, repositories, count in found} == expected
    assert len(found) == len(expected) > 20


def test_kinds_are_counted_once_per_repository(ask, read):
    keyed = (((row["api_group"], row["kind"]), row["repository_id"]) for row in active(read(RESOURCES)))
    found = {(group, kind): (repositories, count) for group, kind, repositories, count in ask("FROM kinds")}
    assert found == by_repository(keyed)


def test_every_event_stands_in_the_count_of_its_day(ask, read):
    keyed = (
        ((row["event_timestamp"].date(), row["event_type"], row["resource_kind"]), row["repository_id"])
        for row in read(RESOURCE_EVENTS)
    )
    found = ask("SELECT day, event_type, resource_kind, repositories, events FROM daily_event_counts")
    assert {tuple(row[:3]): (row[3], row[4]) for row in found} == by_repository(keyed)
