"""Makes the site from the published file: changed pages are made, all others kept, and the whole is swapped.

Nothing but the published file decides what the pages say. The digest of each page is kept beside the site, with one of
the code and the templates. A page is made again where its digest is another one, or where a page that it links to came
or went. So a build after a small change gives, byte for byte, what a build from nothing would give.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from kubestats_pipeline.locks import locked
from kubestats_pipeline.report.digests import digest_code, digest_pages, share_views
from kubestats_pipeline.report.pages.all_pages import KINDS_OF_PAGES
from kubestats_pipeline.report.parts.links import Links, Subject, short
from kubestats_pipeline.report.parts.page import Page, PageKind
from kubestats_pipeline.report.parts.published import (
    Publication,
    ReportError,
    Row,
    Rows,
    declared_columns,
    identify,
    open_published,
    read,
)
from kubestats_pipeline.report.parts.sections import WANTED, Key, Section
from kubestats_pipeline.report.render import FOLDER, STATIC, Found, render
from kubestats_pipeline.report.site_folder import NewSite, SiteFolder
from kubestats_pipeline.report.sitemap import sitemap_of

WAIT_SECONDS = 600
"""How long a build waits for another one of the same site."""


@dataclass(frozen=True)
class SiteReport:
    """The results of a build.

    Attributes:
        index: the start page.
        pages: how many pages there are.
        written: how many files were written, JSON and feeds among them.
        kept: how many files are those of the last site.
        seconds: wall time of the build.
    """

    index: Path
    pages: int
    written: int
    kept: int
    seconds: float


def build_site(published: Path, target: Path, schema_version: str) -> SiteReport:
    """Make the site of a published file, and let it take the place of the last one.

    Args:
        published: the DuckDB file.
        target: the folder by which the site is reached.
        schema_version: the schema that the file must have.

    Raises:
        ReportError: the file is missing, damaged or of another schema, the disk is full, or a template fails. The last
            site stays as it was, and nothing is left beside it.
        BusyError: another process builds the same site.
    """
    started = time.monotonic()
    place = SiteFolder(target)
    with locked(target, WAIT_SECONDS), open_published(published) as connection:
        publication = identify(connection, schema_version)
        state = place.read_state()
        if not is_stale(state, publication):
            files = sum(len(page["files"]) for page in state["pages"].values())
            return SiteReport(target / "index.html", len(state["pages"]), 0, files, _since(started))
        try:
            site = place.begin()
            try:
                pages = _build(connection, site, state, publication)
            finally:
                site.discard()
        except (OSError, duckdb.Error) as error:
            problem = f"{target} cannot be built ({type(error).__name__}: {_first_line(error)})"
            raise ReportError(f"{problem}. The last site stays. See that the disk has room, and run again") from error
    return SiteReport(target / "index.html", pages, site.written, site.kept, _since(started))


def is_stale(state: Mapping[str, Any], publication: Publication) -> bool:
    """True if a site is not that of a publication and of this code."""
    return not state or (state["publication"], state["code"]) != (asdict(publication), digest_code(FOLDER))


def _build(
    connection: duckdb.DuckDBPyConnection, site: NewSite, state: Mapping[str, Any], publication: Publication
) -> int:
    share_views(connection)
    pages = {kind: _pages_of(connection, kind) for kind in KINDS_OF_PAGES}
    subjects = {subject: page.address for made in pages.values() for page in made for subject in page.subjects}
    digests = digest_pages(connection, KINDS_OF_PAGES, pages)
    code = digest_code(FOLDER)
    known = state["pages"] if state and state["code"] == code else {}
    moved = _moved(state.get("subjects", {}), subjects)
    noted: dict[str, Any] = {}
    for kind, made in pages.items():
        stale = [page for page in made if _is_stale_page(known.get(page.address), digests[page.address], moved)]
        for page in made:
            noted[page.address] = known.get(page.address)
        for page, files, asked in _make(connection, site, kind, stale, subjects, is_all=len(stale) == len(made)):
            noted[page.address] = {"digest": digests[page.address], "files": files, "asked": asked}
        _keep(site, noted, made, {page.address for page in stale})
    _write_rest(site, [page for made in pages.values() for page in made])
    site.publish(
        {
            "publication": asdict(publication),
            "code": code,
            "pages": noted,
            "subjects": {short(subject): address for subject, address in subjects.items()},
        }
    )
    return len(noted)


def _pages_of(connection: duckdb.DuckDBPyConnection, kind: PageKind) -> list[Page]:
    """All pages of a kind, in the order of their keys. Of two with one address there is only the first."""
    if not kind.pages:
        return [Page(kind, (), {})]
    found = read(connection, kind.pages)
    pages: dict[str, Page] = {}
    for row in sorted(found.rows, key=str):
        page = Page(kind, tuple(row[: len(kind.key)]), dict(zip(found.columns, row, strict=True)))
        pages.setdefault(page.address, page)
    return list(pages.values())


def _moved(before: Mapping[str, str], subjects: Mapping[Subject, str]) -> set[str]:
    """Subjects whose pages came, went or have another address."""
    now = {short(subject): address for subject, address in subjects.items()}
    return {subject for subject, _ in now.items() ^ before.items()}


def _is_stale_page(known: Mapping[str, Any] | None, digest: str, moved: set[str]) -> bool:
    return known is None or known["digest"] != digest or not moved.isdisjoint(known["asked"])


def _make(
    connection: duckdb.DuckDBPyConnection,
    site: NewSite,
    kind: PageKind,
    stale: Sequence[Page],
    subjects: Mapping[Subject, str],
    *,
    is_all: bool,
) -> Iterator[tuple[Page, list[str], list[str]]]:
    """Make pages of one kind. Gives each with its files and with what it asked for."""
    for start in range(0, len(stale), kind.at_once):
        some = stale[start : start + kind.at_once]
        everything = is_all and len(some) == len(stale)
        found = _fetch(connection, kind, some, everything=everything)
        for page in some:
            links = Links(subjects)
            files = []
            for address, content in render(page, found[page.key], links):
                site.write(address, content)
                files.append(address)
            yield page, files, sorted(links.asked)


def _fetch(
    connection: duckdb.DuckDBPyConnection, kind: PageKind, pages: Sequence[Page], *, everything: bool
) -> Mapping[Key, Found]:
    """The rows of every section of some pages, by the pages' keys."""
    if kind.key and not everything:
        _want(connection, kind, pages)
    found = {page.key: dict[Section, Rows]() for page in pages}
    for section in kind.queries:
        rows = read(connection, section.bulk(kind.key, everything=everything))
        split = _split(rows, len(kind.key))
        columns, types = rows.columns[len(kind.key) :], rows.types[len(kind.key) :]
        for page in pages:
            found[page.key][section] = Rows(columns, types, split.get(page.key, []))
    return found


def _want(connection: duckdb.DuckDBPyConnection, kind: PageKind, pages: Sequence[Page]) -> None:
    """Fill the table of the pages that are made now."""
    columns = declared_columns(kind.key, pages[0].key)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {WANTED} ({columns})")
    marks = ", ".join("?" * len(kind.key))
    insert = f"INSERT INTO {WANTED} VALUES ({marks})"  # noqa: S608 - a constant name and marks
    connection.executemany(insert, [list(page.key) for page in pages])


def _split(rows: Rows, keys: int) -> dict[Key, list[Row]]:
    """The rows of each page, which are neighbours, without the key."""
    if not keys:
        return {(): list(rows.rows)}
    return {key: [row[keys:] for row in group] for key, group in groupby(rows.rows, key=lambda row: tuple(row[:keys]))}


def _keep(site: NewSite, noted: Mapping[str, Any], pages: Sequence[Page], made: set[str]) -> None:
    for page in pages:
        if page.address not in made:
            for address in noted[page.address]["files"]:
                site.keep(address)


def _write_rest(site: NewSite, pages: Sequence[Page]) -> None:
    """The files that belong to no page: style, script and sitemap."""
    for path in sorted(STATIC.iterdir()):
        site.write(path.name, path.read_bytes())
    site.write("sitemap.xml", sitemap_of([page.address for page in pages]))


def _first_line(error: Exception) -> str:
    text = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return text.partition("\n")[0]


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
