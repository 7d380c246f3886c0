"""The views on real repositories, against the same answers counted in Python from the rows of the lake."""

import functools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.tables import (
    APPLIED_RESOURCES,
    ECOSYSTEM_STATS,
    HELM_VALUES,
    REPOSITORIES,
    RESOURCE_EVENTS,
    RESOURCES,
    SCANS,
    TABLES,
)
from kubestats_pipeline_tests.warehouse.published_corpus import PublishedCorpus

Rows = list[dict[str, Any]]
Read = Callable[[Table], Rows]


@pytest.fixture(scope="module")
def read(published_corpus: PublishedCorpus) -> Read:
    """All rows of a table of the lake, read once."""
    return functools.cache(lambda table: published_corpus.lake.read_all(table).to_dicts())


@pytest.fixture
def ask(corpus_warehouse: duckdb.DuckDBPyConnection) -> Callable[[str], list[tuple[Any, ...]]]:
    return lambda query: corpus_warehouse.execute(query).fetchall()


def active(rows: Iterable[dict[str, Any]]) -> Rows:
    return [row for row in rows if row["status"] == "ACTIVE" and row["context"] == "active"]


def uses(read: Read) -> Rows:
    """What counts: the objects that clusters run, and documents of which their repository does not tell."""
    untold = [row for row in active(read(RESOURCES)) if row["is_applied"] is None]
    return untold + [row for row in read(APPLIED_RESOURCES) if row["context"] == "active"]


def documents(read: Read) -> Rows:
    """The documents that are in scope: all but those of which their repository tells that nothing applies them."""
    return [row for row in active(read(RESOURCES)) if row["is_applied"] is not False]


def by_repository(keyed: Iterable[tuple[Any, str]]) -> dict[Any, tuple[int, int]]:
    """How many repositories and how many rows each key has."""
    repositories, rows = defaultdict(set), Counter()
    for key, repository_id in keyed:
        repositories[key].add(repository_id)
        rows[key] += 1
    return {key: (len(repositories[key]), rows[key]) for key in rows}


def test_charts_are_counted_once_per_repository(ask, read):
    releases = releases_of(read)
    expected = by_repository(
        ((row["chart_name"], row["chart_url"] if row["resolution"] == "exact" else None), row["repository_id"])
        for row in releases
    )
    found = ask("SELECT chart_name, chart_url, repositories, releases FROM chart_popularity")
    assert {(name, url): (repositories, count) for name, url, repositories, count in found} == expected
    assert len(found) == len(expected) > 20


def test_kinds_are_counted_once_per_repository(ask, read):
    keyed = (((row["api_group"], row["kind"]), row["repository_id"]) for row in documents(read))
    found = {(group, kind): (repositories, count) for group, kind, repositories, count in ask("FROM kinds")}
    assert found == by_repository(keyed)


def test_every_event_stands_in_the_count_of_its_day(ask, read):
    keyed = (
        (
            (row["event_timestamp"].date(), row["event_type"], row["resource_kind"], row["resource_namespace"]),
            row["repository_id"],
        )
        for row in read(RESOURCE_EVENTS)
    )
    found = ask("SELECT day, event_type, kind, namespace, repositories, events FROM daily_event_counts")
    assert {tuple(row[:4]): (row[4], row[5]) for row in found} == by_repository(keyed)


def releases_of(read: Read) -> Rows:
    return [row for row in uses(read) if row["resolution"] != "not_applicable"]


def newest(read: Read) -> Any:
    return max(row["event_timestamp"] for row in read(RESOURCE_EVENTS))


def test_repositories_have_what_they_run(ask, read):
    """Stars are ten for each number of a repository: see `published_corpus.py`."""
    expected = []
    for number, repository in enumerate(sorted(read(REPOSITORIES), key=lambda row: row["repository_id"]), 1):
        own = [row for row in documents(read) if row["repository_id"] == repository["repository_id"]]
        releases = [row for row in releases_of(read) if row["repository_id"] == repository["repository_id"]]
        log = [row for row in read(RESOURCE_EVENTS) if row["repository_id"] == repository["repository_id"]]
        charts = {(row["chart_name"], row["chart_url"]) for row in releases if row["chart_name"]}
        apps = {row["app_name"] for row in own if row["app_name"]}
        last = max(row["event_timestamp"] for row in log)
        counts = (len(own), len(releases), len(charts), len(apps))
        expected.append((repository["full_name"], 10 * number, *counts, last))
    columns = "full_name, stars_count, resources, releases, charts, apps, last_event_at"
    assert ask(f"SELECT {columns} FROM repository_overview ORDER BY stars_count") == expected
    assert min(row[3] for row in expected) > 1


def test_totals_are_those_of_all_repositories(ask, read):
    own, releases = documents(read), releases_of(read)
    charts = {(row["chart_name"], row["chart_url"]) for row in releases if row["chart_name"]}
    apps = {row["app_name"] for row in own if row["app_name"]}
    columns = "repositories, stars, topics, resources, releases, charts, apps, last_event_at"
    expected = (2, 30, 1, len(own), len(releases), len(charts), len(apps), newest(read))
    assert ask(f"SELECT {columns} FROM ecosystem_totals") == [expected]
    assert ask("SELECT language, repositories, stars FROM languages") == [("unknown", 2, 30)]
    assert ask("SELECT topic, repositories, stars FROM topics") == [("kubesearch", 2, 30)]


def test_a_search_finds_what_python_finds(ask, read):
    for words in ("flux", "cluster kubesearch", "HOMELAB number", "cluster 2", "lab 1"):
        expected = set()
        for row in read(REPOSITORIES):
            text = "\0".join([row["full_name"], row["description"], *row["topics"]]).lower()
            if all(word in text for word in words.lower().split()):
                expected.add(row["full_name"])
        assert {name for (name,) in ask(f"SELECT full_name FROM search_repositories('{words}')")} == expected


def later(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events that are not of the first commit of their log."""
    first = {row["full_name"]: row["commit_sha"] for row in rows if row["sequence"] == 0}
    return [row for row in rows if row["commit_sha"] != first[row["full_name"]]]


@pytest.mark.parametrize("days", [1, 365, 2000])
def test_the_most_active_repositories_have_the_most_events(ask, read, days: int):
    since = newest(read) - timedelta(days=days)
    recent = [row for row in later(read(RESOURCE_EVENTS)) if row["event_timestamp"] > since]
    expected = Counter((row["full_name"], row["event_type"]) for row in recent)
    columns = "full_name, created, modified, deleted, resurrected, events"
    found = ask(f"SELECT {columns} FROM most_active_repositories({days})")
    types = ("CREATED", "MODIFIED", "DELETED", "RESURRECTED")
    assert {
        (name, each): count for name, *counts, _ in found for each, count in zip(types, counts, strict=True) if count
    } == (expected)
    assert [row[-1] for row in found] == sorted((sum(row[1:-1]) for row in found), reverse=True)


def test_events_by_any_filter_are_those_of_the_log(ask, read):
    keyed = Counter(
        (row["resource_kind"], row["resource_namespace"], row["author_kind"], row["context"] == "active")
        for row in read(RESOURCE_EVENTS)
    )
    found = ask("SELECT kind, namespace, author_kind, in_scope, count(*) FROM event_overview GROUP BY ALL")
    assert {tuple(row[:4]): row[4] for row in found} == keyed


def test_groups_of_resources_know_how_many_each_repository_has(ask, read):
    expected: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in active(read(RESOURCES)):
        expected[(row["api_group"], row["kind"], row["name"])][row["full_name"]] += 1
    found = ask("SELECT api_group, kind, name, resources_by_repository, repositories, resources FROM resource_groups")
    assert {tuple(row[:3]): row[3] for row in found} == expected
    assert all((len(row[3]), sum(row[3].values())) == row[4:] for row in found)


def test_a_charts_page_has_its_releases_with_their_ages(ask, read):
    ages = Counter(
        (row["full_name"], row["name"], row["version"], (newest(read) - row["created_at"]).days)
        for row in releases_of(read)
        if row["chart_name"] == "app-template"
    )
    found = ask("SELECT full_name, name, version, age_days FROM chart_page('app-template')")
    assert Counter(found) == ages
    assert len(found) > 5
    major = sum(count for (_, _, version, _), count in ages.items() if version.lstrip("v").split(".")[0] == "3")
    assert ask("SELECT count(*) FROM chart_page('app-template', major := 3)") == [(major,)]


def test_charts_that_run_beside_another_are_counted_by_repository(ask, read):
    charts = defaultdict(set)
    for row in releases_of(read):
        if row["chart_name"]:
            url = row["chart_url"] if row["resolution"] == "exact" else None
            charts[(row["chart_name"], url)].add(row["repository_id"])
    users = set().union(*(found for (name, _), found in charts.items() if name == "cert-manager"))
    expected = {
        key: (len(found & users), len(found & users) / len(users), len(found))
        for key, found in charts.items()
        if key[0] != "cert-manager" and found & users
    }
    assert {(name, url): tuple(rest) for name, url, *rest in ask("FROM also_runs('cert-manager')")} == expected
    assert len(users) == 2


def test_images_are_found_where_resources_name_them(ask, read):
    expected = Counter(
        (image["image"], image["tag"], row["full_name"], row["kind"], row["name"])
        for row in active(read(RESOURCES))
        if row["api_group"] != "image.toolkit.fluxcd.io"
        for image in row["images"]
        if "ghcr.io" in image["image"]
    )
    assert Counter(ask("SELECT image, tag, full_name, kind, name FROM search_images('GHCR.io')")) == expected
    assert expected


def test_settings_are_counted_by_chart_and_path_and_no_value_of_one_repository_is_shown(ask, read):
    """With two repositories no value can be shared by three: what is shown stands at a safe path or says nothing."""
    releases = {row["resource_id"]: row for row in releases_of(read)}
    keyed = []
    for row in read(HELM_VALUES):
        release = releases.get(row["resource_id"])
        if release:
            path = re.sub(r"\[[0-9]+\]", "[]", row["path"])
            keyed.append(((release["chart_name"], path), row["repository_id"]))
    query = "SELECT chart_name, path, max(repositories), sum(releases) FROM value_popularity GROUP BY ALL"
    assert {(name, path): repositories for name, path, repositories, _ in ask(query)} == {
        key: repositories for key, (repositories, _) in by_repository(keyed).items()
    }
    shown = ask("SELECT DISTINCT value_type, parse_path(path, '.')[-1] FROM setting_uses WHERE value IS NOT NULL")
    assert {kind for kind, _ in shown} >= {"boolean", "string"}
    assert not {key for kind, key in shown if kind == "string"} & {"host", "email", "domain", "server_name"}


def test_the_spec_before_an_event_is_that_after_the_one_before(ask, read):
    log: dict[str, list[Any]] = defaultdict(list)
    for event, resource, data in ask(
        "SELECT event_id, resource_id, resource_data FROM resource_events ORDER BY sequence"
    ):
        log[resource].append({"event_id": event, "resource_data": data})
    places = {row["event_id"]: (own, place) for own in log.values() for place, row in enumerate(own)}
    found = ask("SELECT event_id, spec_before, spec_after FROM release_activity(newest := 200)")
    for event_id, before, after in found:
        own, place = places[event_id]
        previous = own[place - 1]["resource_data"] if place else None
        assert (spec(previous), spec(own[place]["resource_data"])) == (before, after)
    releases = [row for row in read(RESOURCE_EVENTS) if row["resolution"] != "not_applicable"]
    times = sorted((row["event_timestamp"] for row in releases), reverse=True)
    assert ask("SELECT min(event_timestamp) FROM release_activity(newest := 200)") == [(times[199],)]


def spec(document: str | None) -> str | None:
    """The spec of a document as DuckDB gives it: the text between."""
    found = json.loads(document).get("spec") if document else None
    return None if found is None else json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def test_the_figures_are_the_rows_of_the_lake(ask, read):
    found = dict(ask("SELECT table_name, rows FROM table_figures"))
    assert found == {name: len(read(table)) for name, table in TABLES.items()}


def test_growth_is_the_difference_of_days(ask, read):
    days = {row["date"]: row for row in read(ECOSYSTEM_STATS)}
    found = ask("SELECT date, resources_1_day, resources_7_days, resources_30_days, stars_1_day FROM ecosystem_growth")
    for date, *growth in found:
        earlier = [days.get(date - timedelta(days=number)) for number in (1, 7, 30)]
        resources = [days[date]["active_resources"] - row["active_resources"] if row else None for row in earlier]
        assert growth == [*resources, None]
    assert len(found) == 40


def test_versions_of_charts_are_counted_by_repository(ask, read):
    keyed = (
        (
            (row["chart_name"], row["chart_url"] if row["resolution"] == "exact" else None, row["version"]),
            row["repository_id"],
        )
        for row in releases_of(read)
    )
    query = "SELECT chart_name, chart_url, version, repositories, releases FROM chart_versions WHERE releases > 0"
    assert {tuple(row[:3]): (row[3], row[4]) for row in ask(query)} == by_repository(keyed)


def test_images_are_counted_by_tag_and_repository(ask, read):
    found = {
        ((image["image"], image["tag"]), row["repository_id"], row.get("applied_id") or row["resource_id"])
        for row in uses(read)
        if row["api_group"] != "image.toolkit.fluxcd.io"
        for image in row["images"]
    }
    expected = by_repository((key, repository_id) for key, repository_id, _ in found)
    assert {(image, tag): tuple(rest) for image, tag, *rest in ask("FROM image_usage")} == expected


def test_changes_of_versions_are_those_of_the_log_and_not_of_another_image(ask, read):
    def tagged(images, tag):
        return next((image["image"] for image in images if (image["role"], image["tag"]) == ("main", tag)), None)

    def of_one_thing(earlier, row):
        before, after = row["version_before"], row["version_after"]
        if before is None or after is None:
            return True
        if row["resolution"] != "not_applicable":
            return earlier["chart_name"] == row["chart_name"]
        return tagged(earlier["images"], before) == tagged(row["images"], after)

    expected, last = Counter(), {}
    for row in sorted(read(RESOURCE_EVENTS), key=lambda row: (row["resource_id"], row["sequence"])):
        before, after = row["version_before"], row["version_after"]
        if row["event_type"] == "MODIFIED" and before != after and of_one_thing(last[row["resource_id"]], row):
            expected[row["full_name"], row["resource_name"], before, after] += 1
        last[row["resource_id"]] = row
    assert Counter(ask("SELECT full_name, name, version_before, version_after FROM version_changes")) == expected
    assert sum(expected.values()) > 100


def test_activity_counts_back_from_the_newest_event(ask, read):
    ages = [(row["full_name"], newest(read) - row["event_timestamp"]) for row in later(read(RESOURCE_EVENTS))]
    expected = {
        name: tuple(sum(each == name and age < timedelta(days=days) for each, age in ages) for days in (7, 30, 90))
        for name in {name for name, _ in ages}
    }
    found = ask("SELECT full_name, events_7_days, events_30_days, events_90_days FROM repository_activity")
    assert {name: tuple(counts) for name, *counts in found} == expected


def test_metrics_of_a_day_know_the_resources_of_its_end(ask, read):
    """The only day with metrics comes after the last event, as the last of each repository."""
    expected = Counter(row["full_name"] for row in read(RESOURCES) if row["status"] == "ACTIVE")
    query = "SELECT full_name, resources_count FROM daily_repository_metrics"
    assert dict(ask(f"{query} QUALIFY date = max(date) OVER (PARTITION BY full_name)")) == expected


def test_every_resource_stands_in_the_overview_once(ask, read):
    rows = read(RESOURCES)
    found = ask("SELECT resource_id, full_name, kind, status, is_resolved, is_release, in_scope FROM resource_overview")
    assert sorted(found) == sorted(
        (
            row["resource_id"],
            row["full_name"],
            row["kind"],
            row["status"],
            row["resolution"] in ("exact", "not_applicable"),
            row["resolution"] != "not_applicable",
            row["context"] == "active" and row["is_applied"] is not False,
        )
        for row in rows
    )
    assert len(rows) > 50


def test_every_image_of_an_active_resource_is_a_use(ask, read):
    untold = [row for row in read(RESOURCES) if row["status"] == "ACTIVE" and row["is_applied"] is None]
    everything = untold + read(APPLIED_RESOURCES)
    expected = Counter(
        (row["resource_id"], image["image"], image["tag"], image["digest"], image["role"])
        for row in everything
        if row["api_group"] != "image.toolkit.fluxcd.io"
        for image in row["images"]
    )
    assert Counter(ask("SELECT resource_id, image, tag, digest, role FROM image_uses")) == expected
    assert expected.total() > 10


def test_each_repository_has_one_status_with_the_outcomes_of_its_stages(ask, read):
    scans = {row["repository_id"]: row for row in read(SCANS)}
    found = ask("SELECT repository_id, full_name, scan_status, resources_count, gitops_engine FROM repository_status")
    assert sorted(found) == sorted(
        (
            row["repository_id"],
            row["full_name"],
            *(
                scans.get(row["repository_id"], {}).get(name)
                for name in ("scan_status", "resources_count", "gitops_engine")
            ),
        )
        for row in read(REPOSITORIES)
    )
