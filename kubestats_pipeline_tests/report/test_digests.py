"""A digest of a page changes with everything that the page shows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.report.digests import PUBLISHED, SMALL, _digest_rows, _digest_tables, share_views
from kubestats_pipeline.report.pages.all_pages import KINDS_OF_PAGES
from kubestats_pipeline.report.parts.published import open_published
from kubestats_pipeline.report.parts.sections import Key
from kubestats_pipeline.report.search.names import USES
from kubestats_pipeline.warehouse.marts import MARTS

ELSEWHERE = {"repository_id", "content_hash", "resource_data"}
"""Columns that are in no digest: the key, a hash for which the document stands, and documents of the past."""

STORED = {mart.name: mart.sql for mart in MARTS if mart.is_stored}
"""The SQL of marts that the warehouse fills when it is built."""

OTHER_VALUES = {
    "BIGINT": "coalesce({0}, 0) + 1",
    "BOOLEAN": "NOT coalesce({0}, FALSE)",
    "DATE": "{0} - 1",
    "DOUBLE": "coalesce({0}, 0) + 1",
    "JSON": "CAST('[]' AS JSON)",
    "TIMESTAMP WITH TIME ZONE": "{0} - INTERVAL 1 DAY",
    "VARCHAR": "coalesce({0}, '') || '!'",
}
"""SQL of another value of a column, by its type. A list becomes an empty one."""


@pytest.fixture
def file(demo_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(demo_file) as connection:
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


def others(connection: duckdb.DuckDBPyConnection, relation: str) -> Iterator[tuple[str, str]]:
    """All columns of a table or a view, each with another value for it in every row."""
    columns = connection.execute(f"DESCRIBE FROM kubestats.main.{relation}").fetchall()
    for name, kind, *_ in columns:
        yield name, OTHER_VALUES.get(kind, f"CAST([] AS {kind})").format(name) + f" AS {name}"


def fill_again(connection: duckdb.DuckDBPyConnection, *marts: str) -> None:
    """Compute stored marts from what is before the file's tables, as the warehouse does from its own."""
    for mart in marts:
        connection.execute(f"DROP TABLE IF EXISTS temp.{mart}")
        connection.execute(f"CREATE TEMP TABLE {mart} AS {STORED[mart]}")


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


@pytest.mark.parametrize("table", [*PUBLISHED, *SMALL])
def test_what_changes_a_section_of_a_repository_changes_its_digest_of_the_table(
    file: duckdb.DuckDBPyConnection, table: str
):
    before, digests = shown_of(file, table), _digest_tables(file)[table]
    changing = set()
    for column, other in others(file, table):
        if column not in ELSEWHERE:
            put_before(file, table, other)
            fill_again(file, "repository_digests")
            repositories = {key[2] for key in differing(before, shown_of(file, table))}
            after = _digest_tables(file)[table]
            assert repositories <= differing(digests, after), f"{table}.{column}"
            changing |= {column} if repositories else set()
    assert changing or table in SMALL


def test_an_empty_list_has_another_digest_than_none(file: duckdb.DuckDBPyConnection):
    found = [_digest_rows(file, f"SELECT 1 AS key, CAST({value} AS VARCHAR[]) AS list", 1) for value in ("NULL", "[]")]
    assert found[0] != found[1]


OF_MANY = ("resource_uses", "resource_overview", "image_uses", "helm_values", "version_steps", "version_sightings")
"""What sections are made of whose rows stand for them, and `chart_families`, by which they come to their page."""


@pytest.mark.parametrize("relation", [*OF_MANY, "chart_families"])
def test_what_changes_a_section_changes_the_rows_that_stand_for_it(demo_file: Path, relation: str):
    sections = [(kind, section) for kind in KINDS_OF_PAGES for section in kind.queries if section.source]
    with open_published(demo_file) as file:

        def read_all() -> list[tuple[Mapping[Key, Any], Mapping[Key, Any]]]:
            keys = {section.source: len(kind.key) for kind, section in sections}
            sources = {source: digests_by(file, source, number) for source, number in keys.items()}
            queries = [section.bulk(kind.key, everything=True, sort=False) for kind, section in sections]
            return [
                (rows_by(file, query, keys[section.source]), sources[section.source])
                for query, (_, section) in zip(queries, sections, strict=True)
            ]

        before, changing = read_all(), set()
        assert all(rows.keys() <= digests.keys() for rows, digests in before)
        for column, other in others(file, relation):
            put_before(file, relation, other)
            if relation in ("resource_uses", "resource_overview", "helm_values"):
                fill_again(file, "setting_values", "value_popularity")
            for (_, section), old, new in zip(sections, before, read_all(), strict=True):
                changed = differing(old[0], new[0])
                assert changed <= differing(old[1], new[1]), f"{section.title}: {relation}.{column}"
                changing |= {column} if changed else set()
        assert changing


def digests_by(connection: duckdb.DuckDBPyConnection, source: str, keys: int) -> Mapping[Key, str]:
    return {tuple(row[:keys]): row[keys] for row in _digest_rows(connection, source, keys)}
