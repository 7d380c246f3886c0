"""A digest of everything that a page shows, computed in DuckDB, by which a build knows what has changed.

The digest of a section is the sum of the hashes of its rows, because DuckDB gives equal rows in any order, or of rows
that decide it. Views that many sections read are computed once and put before the views of the file under the same
names. The digests of the largest tables are in the file, because a publication need not read all of them again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from kubestats_pipeline.report.parts.page import Page, PageKind, want
from kubestats_pipeline.report.parts.sections import Key

DECLARED = "resource_overview"
"""A view of all resources. Few pages read it, so that it is worth its computing only where all pages are made."""

SHARED = {
    "resource_uses": "is_release OR app_name IS NOT NULL OR len(images) > 0",
    "image_uses": "TRUE",
    "version_lag": "TRUE",
    "family_popularity": "TRUE",
    "version_reception": "TRUE",
    "repository_overview": "TRUE",
    "repository_quality": "TRUE",
    "kinds": "TRUE",
    "ecosystem_growth": "TRUE",
}
"""Views that several sections read, each after those that it reads itself, and the rows of which anything is read.

Two uses in three are of no chart, no app and no image, and come on no page but those of resources."""

LEFT_OUT = {"resource_uses": ("applied_id", "applied_by", "file_path", "repository_status", "chart_kind")}
"""Columns of shared views that no page shows. To keep them costs a tenth of the view."""

PUBLISHED = {"resources": "resources_digest", "applied_resources": "applied_digest", "resource_events": "events_digest"}
"""Large tables that can stand for sections of a repository's pages, with their column in `repository_digests`."""

SMALL = {
    "repository_metrics": "* EXCLUDE (repository_id)",
    "scan_problems": "* EXCLUDE (repository_id)",
    "scans": "scanned_commit",
}
"""Small ones, and the columns that decide what such pages show."""


def share_views(connection: duckdb.DuckDBPyConnection, *, everything: bool) -> None:
    """Compute each shared view once. Temporary tables come before views of the same name, inside other views too.

    It begins a transaction that nobody ends, because after its end DuckDB would compress the tables for later.

    Args:
        connection: the published file.
        everything: all pages will be made.
    """
    connection.begin()
    for view, rows in ({DECLARED: "TRUE"} | SHARED if everything else SHARED).items():
        without = ", ".join(f"CAST(NULL AS VARCHAR) AS {column}" for column in LEFT_OUT.get(view, ()))
        columns = f"* REPLACE ({without})" if without else "*"
        connection.execute(f"CREATE TEMP TABLE {view} AS SELECT {columns} FROM {view} WHERE {rows}")  # noqa: S608


def digest_pages(
    connection: duckdb.DuckDBPyConnection, kinds: Iterable[PageKind], pages: Mapping[PageKind, list[Page]]
) -> dict[str, str]:
    """The digest of every page of which there are several, by its address. Single pages are always made."""
    tables = _digest_tables(connection)
    digests = {}
    for kind in (kind for kind in kinds if kind.key and pages[kind]):
        if kind.is_part:
            want(connection, kind, pages[kind])
        found = defaultdict[Key, list[str]](list)
        for title, query in _queries_of(kind).items():
            for *key, digest in _digest_rows(connection, query, len(kind.key)):
                found[tuple(key)].append(f"{title} {digest}")
        standing = {table: None for section in kind.queries for table in section.digested}
        for page in pages[kind]:
            local = [tables[table].get(page.key[0], "") for table in standing]
            digests[page.address] = _whole(page, [*local, *found.get(page.key, [])])
    return digests


def digest_code(folder: Path) -> str:
    """The digest of everything in the code that decides how a page looks."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _whole(page: Page, digests: list[str]) -> str:
    text = repr((page.title, list(page.known.values()), digests))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _queries_of(kind: PageKind) -> Mapping[str, str]:
    """The queries whose rows are digested by page, each with the title of a section that it decides.

    Rows behind the limit count too. To find those that are shown, DuckDB would sort a million rows, which takes longer
    than to make some pages that turn out to be the same.
    """
    titles = {
        section.source or section.bulk(kind.key, everything=not kind.is_part, sort=False): section.title
        for section in kind.queries
        if not section.digested
    }
    return {title: query for query, title in titles.items()}


def _digest_tables(connection: duckdb.DuckDBPyConnection) -> Mapping[str, Mapping[str | int, str]]:
    """The digests of rows of one repository, by table and repository."""
    columns = ", ".join(PUBLISHED.values())
    published = connection.execute(f"SELECT repository_id, {columns} FROM repository_digests").fetchall()  # noqa: S608
    tables = {
        table: {row[0]: f"{table} {row[place]}" for row in published if row[place]}
        for place, table in enumerate(PUBLISHED, 1)
    }
    for table, names in SMALL.items():
        found = _digest_rows(connection, f"SELECT repository_id, {names} FROM {table}", 1)  # noqa: S608 - constants
        tables[table] = {identity: f"{table} {digest}" for identity, digest in found}
    return tables


def _digest_rows(connection: duckdb.DuckDBPyConnection, query: str, keys: int) -> Sequence[tuple[Any, ...]]:
    """The digest of a query's rows for each value of its first columns. An empty list has the hash of none at all."""
    rows = connection.sql(query)
    names = [f'"{name}"' for name in rows.columns]
    lists = [name for name, kind in zip(names, rows.types, strict=True) if kind.id in ("list", "map")]
    values = ", ".join([*names[keys:], *(f"{name} IS NULL" for name in lists)])
    by = ", ".join(names[:keys])
    digest = f"sum(CAST(hash({values}) AS HUGEINT)) || ' ' || count(*)"
    return connection.execute(f"SELECT {by}, {digest} FROM ({query}) GROUP BY {by}").fetchall()  # noqa: S608
