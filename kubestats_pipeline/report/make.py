"""Makes pages: the rows of all sections of many pages with one query a section, then the files of each page."""

import contextlib
import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import duckdb

from kubestats_pipeline.report.parts.links import Links, Subject
from kubestats_pipeline.report.parts.page import Page, PageKind, want
from kubestats_pipeline.report.parts.published import Row, Rows, read
from kubestats_pipeline.report.parts.sections import Key, Section
from kubestats_pipeline.report.render import Found, render

FEW = 20
"""First parts of keys, such as repositories, that a query names one by one."""

NEW_OBJECTS = 500_000
"""Objects after which Python looks for those that only lead to one another. Its own 700 are a row's few columns."""


@dataclass(frozen=True)
class MadePage:
    """A page with its rows, its files by address, and what it asked for to link to it."""

    page: Page
    found: Found
    files: Sequence[tuple[str, bytes]]
    asked: Sequence[str]


@dataclass(frozen=True)
class PageMaker:
    """Makes pages from one open file.

    Attributes:
        connection: the file, with the shared views.
        subjects: the address of each page, by what leads to it.
        base: the address of the site with a slash at its end, or nothing where that is not known.
    """

    connection: duckdb.DuckDBPyConnection
    subjects: Mapping[Subject, str]
    base: str

    def make(self, kind: PageKind, pages: Sequence[Page], *, everything: bool) -> Iterator[MadePage]:
        """Make pages of one kind. `everything` says that these are all of it.

        Raises:
            ReportError: a template fails.
        """
        for start in range(0, len(pages), kind.at_once):
            some = pages[start : start + kind.at_once]
            found = self._fetch(kind, some, everything=everything and not kind.is_part and len(some) == len(pages))
            for page in some:
                links = Links(self.subjects, page.address)
                files = list(render(page, found[page.key], links, self.base))
                yield MadePage(page, found[page.key], files, sorted(links.asked))

    def _fetch(self, kind: PageKind, pages: Sequence[Page], *, everything: bool) -> Mapping[Key, Found]:
        """The rows of every section of some pages, by the pages' keys."""
        if kind.key and not everything:
            want(self.connection, kind, pages)
        found = {page.key: dict[Section, Rows]() for page in pages}
        firsts = sorted({page.key[0] for page in pages}, key=str) if kind.key else []
        few = firsts if len(firsts) <= FEW else ()
        for section in kind.queries:
            rows = read(self.connection, section.bulk(kind.key, everything=everything, few=few))
            split = _split(rows, len(kind.key))
            columns, types = rows.columns[len(kind.key) :], rows.types[len(kind.key) :]
            for page in pages:
                found[page.key][section] = Rows(columns, types, split.get(page.key, []))
        return found


def _split(rows: Rows, keys: int) -> dict[Key, list[Row]]:
    """The rows of each page, which are neighbours, without the key."""
    if not keys:
        return {(): list(rows.rows)}
    key_of, without_key = itemgetter(slice(keys)), itemgetter(slice(keys, None))
    return {key: list(map(without_key, some)) for key, some in groupby(rows.rows, key=key_of)}


@contextlib.contextmanager
def rarely_collected() -> Iterator[None]:
    """Let Python seldom look for objects to remove. It would go through all rows of a query again and again."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
