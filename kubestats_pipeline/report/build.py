"""Makes the site from the published file: changed pages are made, all others kept, and the whole is swapped.

Nothing but the published file decides what the pages say. The digest of each page is kept beside the site, with one of
the code and the templates. A page is made again where its digest is another one, or where a page that it links to came
or went. So a build after a small change gives, byte for byte, what a build from nothing would give.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from kubestats_pipeline.locks import locked
from kubestats_pipeline.report.confidence import answers
from kubestats_pipeline.report.digests import digest_code, digest_pages, share_views
from kubestats_pipeline.report.make import PageMaker, rarely_collected
from kubestats_pipeline.report.pages.all_pages import KINDS_OF_PAGES
from kubestats_pipeline.report.pages.resources import RESOURCES, RESOURCES_PAGE
from kubestats_pipeline.report.parts.links import Subject, short
from kubestats_pipeline.report.parts.page import Page, PageKind
from kubestats_pipeline.report.parts.published import Publication, ReportError, identify, open_published, read
from kubestats_pipeline.report.parts.site_folder import NewSite, SiteFolder
from kubestats_pipeline.report.render import FOLDER, STATIC
from kubestats_pipeline.report.search.index import Gathered, write_index
from kubestats_pipeline.report.search.names import NAMES, names_of
from kubestats_pipeline.report.search.words import words_of_resources
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


@dataclass(frozen=True)
class _MadeFor:
    """Everything but the pages' own rows that decides them: the publication, the code, and the site's address."""

    publication: Publication
    code: str
    base: str


def build_site(published: Path, target: Path, schema_version: str, url: str | None = None) -> SiteReport:
    """Make the site of a published file, and let it take the place of the last one.

    Args:
        published: the DuckDB file.
        target: the folder by which the site is reached.
        schema_version: the schema that the file must have.
        url: where the site will be published, if that is known. The sitemap and the feeds name it.

    Raises:
        ReportError: the file is missing, damaged or of another schema, the disk is full, or a template fails. The last
            site stays as it was, and nothing is left beside it.
        BusyError: another process builds the same site.
    """
    started = time.monotonic()
    place = SiteFolder(target)
    with locked(place.sites / "build", WAIT_SECONDS), open_published(published) as connection:
        publication = identify(connection, schema_version)
        state = place.read_state()
        made_for = _MadeFor(publication, f"{digest_code(FOLDER)} {url}", f"{url.rstrip('/')}/" if url else "")
        if state and (state.get("publication"), state.get("code")) == (asdict(publication), made_for.code):
            files = sum(len(page["files"]) for page in state["pages"].values())
            return SiteReport(target / "index.html", len(state["pages"]), 0, files, _since(started))
        try:
            share_views(connection, everything=state.get("code") != made_for.code)
            with rarely_collected():
                try:
                    site = _build(connection, place, state, made_for)
                except FileNotFoundError:  # somebody has removed files of the last site
                    site = _build(connection, place, {}, made_for)
        except (OSError, duckdb.Error) as error:
            problem = f"{target} cannot be built ({type(error).__name__}: {_first_line(error)})"
            raise ReportError(f"{problem}. The last site stays. See that the disk has room, and run again") from error
    return SiteReport(target / "index.html", site.pages, site.written, site.kept, _since(started))


def _build(
    connection: duckdb.DuckDBPyConnection, place: SiteFolder, last: Mapping[str, Any], made_for: _MadeFor
) -> NewSite:
    """Build and publish a site. `last` has the notes of the one before, or nothing where all of it is made anew.

    Raises:
        FileNotFoundError: the site before has lost a file.
    """
    site = place.begin(last)
    try:
        site.pages = _write_pages(connection, site, last, made_for)
    finally:
        site.discard()
    return site


def _write_pages(
    connection: duckdb.DuckDBPyConnection, site: NewSite, last: Mapping[str, Any], made_for: _MadeFor
) -> int:
    pages = {kind: _pages_of(connection, kind) for kind in KINDS_OF_PAGES}
    every = [page for some in pages.values() for page in some]
    subjects = {subject: page.address for page in every for subject in page.subjects}
    digests = digest_pages(connection, KINDS_OF_PAGES, pages)
    known = last["pages"] if last.get("code") == made_for.code else {}
    moved = _moved(last.get("subjects", {}), subjects)
    maker = PageMaker(connection, subjects, made_for.base)
    gathered = Gathered(_in_order(pages[RESOURCES_PAGE]))
    noted: dict[str, Any] = {}
    for kind, some in pages.items():
        stale = [page for page in some if _is_stale(known.get(page.address), digests.get(page.address), moved)]
        for made in maker.make(kind, stale, everything=len(stale) == len(some)):
            for address, content in made.files:
                site.write(address, content)
            if kind is RESOURCES_PAGE:
                gathered.add(made.page.address, words_of_resources(made.found[RESOURCES]))
            files = [address for address, _ in made.files]
            asked = " ".join(made.asked)  # one text, because half a million of them take long to read
            noted[made.page.address] = {"digest": digests.get(made.page.address), "files": files, "asked": asked}
    for page in every:
        if page.address not in noted:
            noted[page.address] = known[page.address]
            site.keep(*known[page.address]["files"])
    for path in sorted(STATIC.iterdir()):
        site.write(path.name, path.read_bytes())
    site.write("sitemap.xml", sitemap_of([page.address for page in every], made_for.base))
    site.write(NAMES, names_of(connection, every))
    write_index(site, gathered, anew=not known)
    for address, content in answers(connection):
        site.write(address, content)
    shortened = {short(subject): address for subject, address in subjects.items()}
    site.publish({**asdict(made_for), "pages": noted, "subjects": shortened})
    return len(every)


def _in_order(pages: Sequence[Page]) -> list[str]:
    """The addresses of pages of resources as the search numbers them: those of one repository in their order."""
    places = sorted((page.address.rpartition("/")[0], page.known["page"], page.address) for page in pages)
    return [address for _, _, address in places]


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


def _is_stale(known: Mapping[str, Any] | None, digest: str | None, moved: set[str]) -> bool:
    """True if a page must be made. One without a digest is always made, and written where it differs."""
    if known is None or digest is None or known["digest"] != digest:
        return True
    return bool(moved) and not moved.isdisjoint(known["asked"].split())


def _first_line(error: Exception) -> str:
    text = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return text.partition("\n")[0]


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
