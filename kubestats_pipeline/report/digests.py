"""A digest of everything that a page shows, computed in DuckDB, by which a build knows what has changed.

The digest of a section is the sum of the hashes of its rows, because DuckDB gives equal rows in any order. Views that
many sections read are computed once and put before the views of the file under the same names.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import duckdb

from kubestats_pipeline.report.parts.page import Page, PageKind
from kubestats_pipeline.report.parts.published import read
from kubestats_pipeline.report.parts.sections import Key, Section

SHARED = ("resource_overview", "resource_uses", "releases", "event_overview", "image_uses", "version_lag")
"""Views that several sections read, each after those that it reads itself."""

UNSEEN_COLUMNS = {
    "resource_events": ("resource_data", "sync_run_id", "file_hash_before", "file_hash_after"),
    "resources": (),
}
"""Tables that can stand for sections, and their columns that no page shows."""


def share_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute each shared view once. Temporary tables come before views of the same name, inside other views too."""
    for view in SHARED:
        connection.execute(f"CREATE TEMP TABLE {view} AS FROM {view}")


def digest_pages(
    connection: duckdb.DuckDBPyConnection, kinds: Iterable[PageKind], pages: Mapping[PageKind, list[Page]]
) -> dict[str, str]:
    """The digest of every page, by its address."""
    tables = {table: _digest_table(connection, table) for table in UNSEEN_COLUMNS}
    digests = {}
    for kind in kinds:
        found = defaultdict[Key, list[str]](list)
        for section in kind.queries:
            for key, digest in _digest_section(connection, kind, section, tables):
                found[key].append(digest)
        for page in pages[kind]:
            digests[page.address] = _whole(page, found.get(page.key, []))
    return digests


def digest_code(folder: Path) -> str:
    """The digest of everything in the code that decides how a page looks."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _whole(page: Page, digests: list[str]) -> str:
    text = repr((page.title, sorted(page.known.items(), key=str), digests))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digest_section(
    connection: duckdb.DuckDBPyConnection, kind: PageKind, section: Section, tables: Mapping[str, Mapping[Key, str]]
) -> Iterator[tuple[Key, str]]:
    """The digest of a section on each page where it has rows. It names the section."""
    if section.digested:
        for table in section.digested:
            yield from ((key, f"{section.title} {digest}") for key, digest in tables[table].items())
        return
    bulk = section.bulk(kind.key, everything=True)
    keys = len(kind.key)
    columns = connection.sql(bulk).columns[keys:]
    names = ", ".join(f'rows."{name}"' for name in columns)
    keyed = ", ".join(f"key_{number}" for number in range(keys))
    group = f"GROUP BY {keyed}" if keys else "HAVING count(*) > 0"
    query = f"SELECT {keyed}{', ' if keys else ''}{_SUM.format(names)} FROM ({bulk}) AS rows {group}"  # noqa: S608 - constants
    for row in connection.execute(query).fetchall():
        yield tuple(row[:keys]), f"{section.title} {row[keys]}"


_SUM = "CAST(sum(CAST(hash({}) AS HUGEINT)) AS VARCHAR) || ' ' || count(*)"


def _digest_table(connection: duckdb.DuckDBPyConnection, table: str) -> dict[Key, str]:
    """The digest of a table's rows by repository."""
    unseen = UNSEEN_COLUMNS[table]
    names = ", ".join(name for name in read(connection, f"FROM {table} LIMIT 0").columns if name not in unseen)
    query = f"SELECT repository_id, {_SUM.format(names)} FROM {table} GROUP BY repository_id"  # noqa: S608 - constants
    return {(identity,): digest for identity, digest in connection.execute(query).fetchall()}
