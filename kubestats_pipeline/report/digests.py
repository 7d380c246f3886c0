"""A digest of everything that a page shows, computed in DuckDB, by which a build knows what has changed.

The digest of a section is the sum of the hashes of its rows, because DuckDB gives equal rows in any order. Views that
many sections read are computed once and put before the views of the file under the same names.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import duckdb

from kubestats_pipeline.report.parts.page import Page, PageKind, want
from kubestats_pipeline.report.parts.sections import Key, Section

DECLARED = "resource_overview"
"""A view of all resources. Few pages read it, so that it is worth its computing only where all pages are made."""

SHARED = {
    "resource_uses": "is_release OR app_name IS NOT NULL OR len(images) > 0",
    "releases": "TRUE",
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

STANDING = {
    "resources": "* EXCLUDE (repository_id, data)",
    "resource_events": "* EXCLUDE (repository_id, resource_api_version, file_hash_before, file_hash_after, chart_name, "
    "chart_url, chart_kind, app_name, images, resource_data, sync_run_id)",
    "applied_resources": "* EXCLUDE (repository_id)",
    "repository_metrics": "* EXCLUDE (repository_id)",
    "scan_problems": "* EXCLUDE (repository_id)",
    "scans": "scanned_commit",
}
"""Tables that can stand for sections of a repository's pages, and the columns that decide what such pages show.

A document stands in `content_hash`, which is of its very text: reading all documents takes longer than everything else
of these tables.
"""


def share_views(connection: duckdb.DuckDBPyConnection, *, everything: bool) -> None:
    """Compute each shared view once. Temporary tables come before views of the same name, inside other views too.

    It begins a transaction that nobody ends, because after its end DuckDB would compress the tables for later.

    Args:
        connection: the published file.
        everything: all pages will be made.
    """
    connection.begin()
    for view, rows in ({DECLARED: "TRUE"} | SHARED if everything else SHARED).items():
        connection.execute(f"CREATE TEMP TABLE {view} AS FROM {view} WHERE {rows}")


def digest_pages(
    connection: duckdb.DuckDBPyConnection, kinds: Iterable[PageKind], pages: Mapping[PageKind, list[Page]]
) -> dict[str, str]:
    """The digest of every page of which there are several, by its address. Single pages are always made."""
    tables = {table: _digest_table(connection, table) for table in STANDING}
    digests = {}
    for kind in (kind for kind in kinds if kind.key and pages[kind]):
        if kind.is_part:
            want(connection, kind, pages[kind])
        found = defaultdict[Key, list[str]](list)
        for section in (section for section in kind.queries if not section.digested):
            for key, digest in _digest_section(connection, kind, section):
                found[key].append(digest)
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


def _digest_section(
    connection: duckdb.DuckDBPyConnection, kind: PageKind, section: Section
) -> Iterator[tuple[Key, str]]:
    """The digest of a section on each page where it has rows. It names the section.

    Rows behind the limit count too. To find those that are shown, DuckDB would sort a million rows, which takes longer
    than to make some pages that turn out to be the same.
    """
    bulk = section.bulk(kind.key, everything=not kind.is_part, sort=False)
    keys = len(kind.key)
    keyed = ", ".join(f"key_{number}" for number in range(keys))
    digest = section.digest or f"SELECT {keyed}, {_sum_of(connection, bulk, keys)} FROM ({bulk}) GROUP BY {keyed}"  # noqa: S608
    for row in connection.execute(digest).fetchall():
        yield tuple(row[:keys]), f"{section.title} {row[keys]}"


def _digest_table(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str | int, str]:
    """The digest of a table's rows by repository."""
    digest = _sum_of(connection, f"SELECT {STANDING[table]} FROM {table}")  # noqa: S608 - constants
    query = f"SELECT repository_id, {digest} FROM {table} GROUP BY repository_id"  # noqa: S608 - constants
    return {identity: f"{table} {digest}" for identity, digest in connection.execute(query).fetchall()}


def _sum_of(connection: duckdb.DuckDBPyConnection, query: str, keys: int = 0) -> str:
    """SQL of the digest of a query's rows, behind its first columns. An empty list has the hash of none at all."""
    rows = connection.sql(query)
    names = [f'"{name}"' for name in rows.columns]
    lists = [name for name, kind in zip(names, rows.types, strict=True) if kind.id in ("list", "map")]
    values = [*names[keys:], *(f"{name} IS NULL" for name in lists)]
    return f"CAST(sum(CAST(hash({', '.join(values)}) AS HUGEINT)) AS VARCHAR) || ' ' || count(*)"
