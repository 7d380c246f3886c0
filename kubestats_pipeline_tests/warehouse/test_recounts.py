"""The marts of `test_insights.py` over real histories, counted again in Python from the rows of the lake.

Each function replays or reads the tables in its own way and shares no SQL with the mart that it judges. Everyday runs
take the small repositories of the corpus; the slow ones take them all, with everything that ever happened there.
"""

import dataclasses
import datetime
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import APPLIED_EVENTS, APPLIED_RESOURCES, RESOURCE_EVENTS, RESOURCES, SCAN_PROBLEMS
from kubestats_pipeline_tests.corpus import LARGER, LARGEST, SMALL
from kubestats_pipeline_tests.warehouse.published_corpus import PublishedCorpus, publish_corpus

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
GAP = datetime.timedelta(days=7)
Row = dict[str, Any]


@pytest.fixture(scope="module", params=["small", pytest.param("whole", marks=pytest.mark.slow)])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PublishedCorpus:
    """The small repositories; or all of them, which takes some minutes."""
    if request.param == "small":
        small: PublishedCorpus = request.getfixturevalue("published_corpus")
        return small
    return publish_corpus(tmp_path_factory.mktemp("whole"), (*SMALL, *LARGER, *LARGEST))


@pytest.fixture(scope="module")
def warehouse(published: PublishedCorpus) -> Iterator[duckdb.DuckDBPyConnection]:
    with published.connect() as connection:
        yield connection


def found(connection: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[tuple[Any, ...]]:
    return connection.execute(query, list(values)).fetchall()


def events_of(lake: Lake) -> list[Row]:
    """All events in the order of each log, without their documents."""
    columns = [name for name in RESOURCE_EVENTS.column_names if name not in ("resource_data", "field_changes")]
    return lake.read_all(RESOURCE_EVENTS).select(columns).sort("repository_id", "sequence").to_dicts()


def present(lake: Lake) -> list[Row]:
    active = (pl.col("status") == "ACTIVE") & (pl.col("context") == "active")
    return lake.read_all(RESOURCES).filter(active).to_dicts()


def uses(lake: Lake) -> list[Row]:
    """What counts now: the objects that clusters run, and documents of which their repository does not tell."""
    applied = lake.read_all(APPLIED_RESOURCES).filter(pl.col("context") == "active").to_dicts()
    return applied + [row for row in present(lake) if row["is_applied"] is None]


@dataclasses.dataclass(frozen=True)
class Logs:
    """Both logs of all repositories in their order, and the documents of which their repository tells something."""

    documents: list[Row]
    objects: list[Row]
    told: set[str]

    @classmethod
    def of(cls, lake: Lake) -> "Logs":
        objects = lake.read_all(APPLIED_EVENTS).sort("repository_id", "sequence").to_dicts()
        told = lake.read_all(RESOURCES).filter(pl.col("is_applied").is_not_null())["resource_id"]
        return cls(events_of(lake), objects, set(told))

    def used_before(self, moment: datetime.datetime) -> list[Row]:
        """What counted just before a moment: a repository's documents do so until its clusters have a log."""
        objects = left_before(self.objects, "applied_id", moment)
        with_log = {event["repository_id"] for event in self.objects}
        has_begun = {event["repository_id"] for event in self.objects if event["event_timestamp"] < moment}
        documents = [
            event
            for event in left_before(self.documents, "resource_id", moment)
            if event["resource_id"] not in self.told
            or (event["repository_id"] in with_log and event["repository_id"] not in has_begun)
        ]
        return [event for event in documents + objects if event["context"] == "active"]


def left_before(log: list[Row], key: str, moment: datetime.datetime) -> list[Row]:
    """The last events of what exists once each repository has gone as far in its log as it does before a moment."""
    reached: dict[str, int] = {}
    for event in log:
        if event["event_timestamp"] < moment:
            reached[event["repository_id"]] = event["sequence"]
    last = {event[key]: event for event in log if event["sequence"] <= reached.get(event["repository_id"], -1)}
    return [event for event in last.values() if event["event_type"] != "DELETED"]


def end_of(month: datetime.date) -> datetime.datetime:
    """The first moment of the next month."""
    after = (month + datetime.timedelta(days=32)).replace(day=1)
    return datetime.datetime(after.year, after.month, 1, tzinfo=datetime.UTC)


def watches_images(event: Row) -> bool:
    """An object's event has its group in a column, a document's in its API version."""
    group = event["api_group"] if "api_group" in event else event["resource_api_version"].partition("/")[0]
    return group == "image.toolkit.fluxcd.io"


def plain(version: str | None) -> str | None:
    """A version without the v before its number."""
    return version[1:] if version and version[0] == "v" and version[1:2].isdigit() else version


def is_release(row: Row) -> bool:
    return row["resolution"] != "not_applicable"


def test_versions_of_a_month_are_those_that_the_logs_left_at_its_end(published, warehouse):
    logs = Logs.of(published.lake)
    months = found(warehouse, "SELECT DISTINCT month FROM monthly_versions ORDER BY month")
    for (month,) in months[::7]:
        seen: dict[tuple[Any, ...], set[str]] = defaultdict(set)
        for event in filter(is_release, logs.used_before(end_of(month))):
            url = event["chart_url"] if event["resolution"] == "exact" else None
            seen[event["chart_name"], url, plain(event["version_after"])].add(event["repository_id"])
        columns = "chart_name, chart_url, version, sum(repositories)"
        query = f"SELECT {columns} FROM monthly_versions WHERE month = ? GROUP BY ALL"
        expected = {key: len(repositories) for key, repositories in seen.items()}
        assert {tuple(key): count for *key, count in found(warehouse, query, month)} == expected
    assert len(months) > 40


def test_api_versions_move_when_an_event_says_so(published, warehouse):
    first: dict[tuple[Any, ...], datetime.datetime] = {}
    last: dict[tuple[Any, Any], Row] = {}
    for event in events_of(published.lake):
        key = (event["repository_id"], event["resource_id"])
        before = last.get(key)
        if before and event["event_type"] == "MODIFIED" and {before["context"], event["context"]} == {"active"}:
            old, new = before["resource_api_version"], event["resource_api_version"]
            if old != new:
                subject = "/".join([*new.split("/")[:-1], event["resource_kind"]])
                move = (event["repository_id"], subject, old.split("/")[-1], new.split("/")[-1])
                first[move] = min(first.get(move, event["event_timestamp"]), event["event_timestamp"])
        last[key] = event
    columns = "repository_id, subject, moved_from, moved_to, started_at"
    rows = found(warehouse, f"SELECT {columns} FROM migrations WHERE wave = 'API version'")
    assert {tuple(key): at for *key, at in rows} == first
    assert len(first) > 5


def test_sources_migrate_from_the_first_oci_repository_on(published, warehouse):
    first: dict[tuple[str, str], datetime.datetime] = {}
    for event in events_of(published.lake):
        if event["resource_kind"] in ("HelmRepository", "OCIRepository") and event["context"] == "active":
            key = (event["repository_id"], event["resource_kind"])
            first[key] = min(first.get(key, event["event_timestamp"]), event["event_timestamp"])
    left = Counter(row["repository_id"] for row in present(published.lake) if row["kind"] == "HelmRepository")
    expected = {repository: (first.get((repository, "OCIRepository")), left[repository]) for repository, _ in first}
    query = "SELECT repository_id, started_at, old_left FROM migrations WHERE wave = 'HelmRepository to OCIRepository'"
    assert {repository: (at, old) for repository, at, old in found(warehouse, query)} == expected
    assert expected


def test_pairs_are_what_the_uses_of_now_say(published, warehouse):
    apps: dict[str, set[str]] = defaultdict(set)
    for row in uses(published.lake):
        if row["app_name"] and (is_release(row) or row["kind"] in WORKLOADS):
            apps[row["repository_id"]].add(row["app_name"])
    single = Counter(itertools.chain(*apps.values()))
    pairs = Counter(itertools.chain(*(itertools.permutations(each, 2) for each in apps.values())))
    expected = {
        pair: (count, round(count * len(apps) / (single[pair[0]] * single[pair[1]]), 9))
        for pair, count in pairs.items()
        if count >= 3
    }
    rows = found(warehouse, "SELECT app, other_app, repositories, round(lift, 9) FROM app_pairs")
    assert {(one, other): (count, lift) for one, other, count, lift in rows} == expected


def tenures(warehouse: duckdb.DuckDBPyConnection, subject: str) -> list[Row]:
    cursor = warehouse.execute("SELECT * FROM tenures WHERE subject = ?", [subject])
    names = [name for name, *_ in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_survival_is_the_product_over_its_days(warehouse):
    """By the textbook, one life at a time; the tenures themselves are judged in `test_spans.py`."""
    lives = [
        (int(each["days"]), not each["is_running"])
        for each in tenures(warehouse, "app")
        if not each["is_left_censored"]
    ]
    expected, share = [], 1.0
    for day in sorted({day for day, _ in lives}):
        at_risk = sum(other >= day for other, _ in lives)
        ended = sum(other == day and is_over for other, is_over in lives)
        share *= 1 - ended / at_risk
        expected.append((day, at_risk, ended, round(share, 9)))
    query = (
        "SELECT day, at_risk, ended, round(survival, 9) FROM survival_curves WHERE subject = 'every app' ORDER BY day"
    )
    assert found(warehouse, query) == expected


def test_what_replaced_what_in_one_commit_is_what_the_commits_say(warehouse):
    for subject in ("app", "chart"):
        expected: dict[tuple[Any, ...], set[str]] = defaultdict(set)
        every = [each for each in tenures(warehouse, subject) if each["name"] is not None]
        started = defaultdict(list)
        for each in every:
            started[each["repository_id"], each["started_commit"]].append(each)
        for old in (each for each in every if not each["is_running"]):
            for new in started[old["repository_id"], old["ended_commit"]]:
                same = (new["name"], new["chart_url"]) == (old["name"], old["chart_url"])
                lasts = new["is_running"] or new["ended_at"] > old["ended_at"]
                if not same and lasts and new["started_at"] > old["started_at"]:
                    key = (old["name"], old["chart_url"], new["name"], new["chart_url"])
                    expected[key].add(old["repository_id"])
        columns = "old_name, old_url, new_name, new_url, in_one_commit"
        query = f"SELECT {columns} FROM replacements WHERE subject = ? AND in_one_commit > 0"
        rows = {tuple(key): count for *key, count in found(warehouse, query, subject)}
        assert rows == {key: len(repositories) for key, repositories in expected.items()}


def test_authors_have_the_shares_that_counting_their_events_gives(published, warehouse):
    changes: Counter[tuple[Any, ...]] = Counter()
    versions: Counter[tuple[Any, ...]] = Counter()
    first: dict[str, str] = {}
    for event in events_of(published.lake):
        begun = first.setdefault(event["repository_id"], event["commit_sha"])
        if event["commit_sha"] == begun or event["context"] != "active":
            continue
        key = (event["event_timestamp"].astimezone(datetime.UTC).date().replace(day=1), event["author_kind"])
        changes[key] += 1
        versions[key] += event["event_type"] == "MODIFIED" and event["version_before"] != event["version_after"]
    rows = found(warehouse, "SELECT month, author_kind, changes, version_changes FROM monthly_authors")
    assert {(month, kind): (all_of, some) for month, kind, all_of, some in rows} == {
        key: (count, versions[key]) for key, count in changes.items()
    }


def test_registries_of_now_are_those_of_the_present_images(published, warehouse):
    pinned: dict[tuple[str, str, str], bool] = {}
    for row in uses(published.lake):
        if row["api_group"] != "image.toolkit.fluxcd.io":
            for image in row["images"]:
                key = (row["repository_id"], image["registry"], image["image"])
                pinned[key] = pinned.get(key, True) and image["digest"] is not None
    named = Counter(registry for _, registry, _ in pinned)
    by_digest = Counter(registry for (_, registry, _), is_pinned in pinned.items() if is_pinned)
    newest = "(SELECT max(month) FROM monthly_registries)"
    rows = found(warehouse, f"SELECT registry, uses, pinned FROM monthly_registries WHERE month = {newest}")
    assert {registry: (used, count) for registry, used, count in rows} == {
        registry: (count, by_digest[registry]) for registry, count in named.items()
    }
    assert named["ghcr.io"] > 3


def test_images_of_a_past_month_are_those_that_its_events_left(published, warehouse):
    """Another way: the last event of each use before the end of a month, for every tenth month."""
    logs = Logs.of(published.lake)
    months = found(warehouse, "SELECT DISTINCT month FROM monthly_registries ORDER BY month")
    for (month,) in months[:-1:10]:
        images = {
            (each["repository_id"], image["image"])
            for each in logs.used_before(end_of(month))
            if not watches_images(each)
            for image in each["images"]
        }
        query = "SELECT sum(uses) FROM monthly_registries WHERE month = ?"
        assert found(warehouse, query, month) == [(len(images),)]


def test_drift_is_seen_in_the_present_releases(published, warehouse):
    versions: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row in uses(published.lake):
        if row["resolution"] == "exact" and row["version"]:
            versions[row["repository_id"], row["chart_name"], row["chart_url"]].add(plain(row["version"]))
    rows = found(warehouse, "SELECT repository_id, chart_name, chart_url, versions FROM chart_drift")
    expected = {key: some for key, some in versions.items() if len(some) > 1}
    assert {tuple(key): set(some) for *key, some in rows} == expected
    assert expected


def test_quality_adds_up_to_what_the_tables_hold(published, warehouse):
    releases = Counter((row["repository_id"], row["resolution"]) for row in uses(published.lake) if is_release(row))
    problems = Counter(row["repository_id"] for row in published.lake.read_all(SCAN_PROBLEMS).to_dicts())
    rows = found(warehouse, "SELECT repository_id, exact, ambiguous, unresolved, problems FROM repository_quality")
    for repository, *counts, broken in rows:
        assert counts == [releases[repository, each] for each in ("exact", "ambiguous", "unresolved")]
        assert broken == problems[repository]
    unresolved = sum(count for (_, resolution), count in releases.items() if resolution != "exact")
    query = "SELECT coalesce(sum(occurrences), 0)::BIGINT FROM unresolved_reasons WHERE area = ?"
    assert found(warehouse, query, "resolution") == [(unresolved,)]
    assert found(warehouse, query, "reading") == [(problems.total(),)]


def test_secrets_are_counted_from_their_kinds(published, warehouse):
    kinds = Counter((row["repository_id"], row["kind"]) for row in present(published.lake))
    query = "SELECT repository_id, sum(resources) FROM secrets_practice WHERE practice = 'external' GROUP BY ALL"
    assert dict(found(warehouse, query)) == {
        repository: count for (repository, kind), count in kinds.items() if kind == "ExternalSecret"
    }
    query = "SELECT coalesce(sum(resources), 0)::BIGINT FROM secrets_practice WHERE kinds = ['Secret']"
    assert found(warehouse, query) == [(sum(count for (_, kind), count in kinds.items() if kind == "Secret"),)]
