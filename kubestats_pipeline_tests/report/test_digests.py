"""A digest of a page changes with everything that the page shows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.report.digests import STANDING, _digest_section, _digest_table, share_views
from kubestats_pipeline.report.pages import settings
from kubestats_pipeline.report.pages.all_pages import KINDS_OF_PAGES
from kubestats_pipeline.report.parts.page import Page, want
from kubestats_pipeline.report.parts.published import open_published
from kubestats_pipeline.report.parts.sections import Key
from kubestats_pipeline.report.search.names import USES

ELSEWHERE = {"repository_id", "data"}
"""Columns that are in no digest: the key, and documents, for which `content_hash` stands."""


@pytest.fixture
def file(small_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(small_file) as connection:
        yield connection


def put_before(connection: duckdb.DuckDBPyConnection, source: str, replaced: str) -> None:
    """Let a table or a view have other values, also where other views read it."""
    query = f"SELECT * REPLACE ({replaced}) FROM kubestats.main.{source}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {source} AS {query}")


def rows_by(connection: duckdb.DuckDBPyConnection, query: str, keys: int) -> Mapping[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for row in connection.execute(query).fetchall():
        found.setdefault(tuple(row[:keys]), []).append(repr(row[keys:]))
    return {key: sorted(rows) for key, rows in found.items()}


def differing(before: Mapping[Key, Any], after: Mapping[Key, Any]) -> set[Key]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def shown_of(connection: duckdb.DuckDBPyConnection, table: str) -> Mapping[Key, list[str]]:
    """All rows of the sections for which a table stands."""
    found: dict[Key, list[str]] = {}
    for kind in KINDS_OF_PAGES:
        for section in kind.queries:
            if table in section.digested:
                rows = rows_by(connection, section.bulk(kind.key, everything=True, sort=False), len(kind.key))
                found |= {(kind.sort, section.title, *key): each for key, each in rows.items()}
    return found


@pytest.mark.parametrize("name", ["demo_file", "small_file"])
def test_shared_views_say_what_those_of_the_file_say(name: str, request: pytest.FixtureRequest):
    sections = [(kind, section) for kind in KINDS_OF_PAGES for section in kind.queries]
    queries = [(section.bulk(kind.key, everything=True, sort=False), len(kind.key)) for kind, section in sections]
    queries += [(query, 1) for query in USES.values()]
    with open_published(request.getfixturevalue(name)) as connection:
        alone = [rows_by(connection, *query) for query in queries]
        share_views(connection, everything=True)
        assert [rows_by(connection, *query) for query in queries] == alone


@pytest.mark.parametrize("table", STANDING)
def test_columns_that_are_left_out_of_a_digest_show_on_no_page(file: duckdb.DuckDBPyConnection, table: str):
    columns = dict(zip(file.table(table).columns, file.table(table).types, strict=True))
    digested = set(file.sql(f"SELECT {STANDING[table]} FROM {table}").columns)
    before = shown_of(file, table)
    for column in columns.keys() - digested - ELSEWHERE:
        put_before(file, table, f"CAST(NULL AS {columns[column]}) AS {column}")
        assert differing(before, shown_of(file, table)) == set(), f"{table}.{column}"
    assert digested <= columns.keys()


def test_a_subject_that_changes_changes_what_is_shown_and_its_digest(file: duckdb.DuckDBPyConnection):
    before, digests = shown_of(file, "resource_events"), _digest_table(file, "resource_events")
    put_before(file, "resource_events", "commit_subject || '!' AS commit_subject")
    assert differing(before, shown_of(file, "resource_events"))
    assert _digest_table(file, "resource_events").keys() == digests.keys()
    assert not set(_digest_table(file, "resource_events").values()) & set(digests.values())


def test_an_empty_list_has_another_digest_than_none(file: duckdb.DuckDBPyConnection):
    found = []
    for value in ("NULL", "[]"):
        put_before(file, "resource_events", f"CAST({value} AS VARCHAR[]) AS changes_detected")
        found.append(_digest_table(file, "resource_events"))
    assert not set(found[0].values()) & set(found[1].values())


EVERY_SETTING = """
SELECT DISTINCT chart_name, family_url, path FROM value_popularity JOIN chart_families USING (chart_name, chart_url)
"""
"""The keys of pages of settings, also of those that too few repositories share."""

CHANGES = {
    "releases": ("full_name", "name", "app_name", "source_url"),
    "helm_values": ("value", "value_type"),
    "chart_families": ("family_url",),
}


@pytest.mark.parametrize(("source", "column"), [(source, column) for source in CHANGES for column in CHANGES[source]])
def test_the_digest_of_who_sets_a_setting_changes_exactly_where_its_rows_do(demo_file: Path, source: str, column: str):
    kind, section = settings.SETTING, settings.USERS
    bulk = section.bulk(kind.key, everything=False, sort=False)
    with open_published(demo_file) as file:
        want(file, kind, [Page(kind, key, {}) for key in file.execute(EVERY_SETTING).fetchall()])
        rows, digests = rows_by(file, bulk, 3), dict(_digest_section(file, kind, section))
        assert rows
        assert rows.keys() == digests.keys()
        for odd in ("FALSE", f"hash({column}) % 2 = 1", "TRUE"):
            put_before(
                file, source, f"CASE WHEN {odd} THEN coalesce({column}, '') || '!' ELSE {column} END AS {column}"
            )
            rows_after, digests_after = rows_by(file, bulk, 3), dict(_digest_section(file, kind, section))
            assert differing(rows, rows_after) == differing(digests, digests_after)
        assert differing(rows, rows_after)
