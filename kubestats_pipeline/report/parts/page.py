"""A kind of page, and one page of it: which pages there are, their addresses and titles, and their sections."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from kubestats_pipeline.report.parts.links import Subject
from kubestats_pipeline.report.parts.sections import WANTED, Key, Section

Known = Mapping[str, Any]
"""Facts about a page that are known before its sections: the columns of its row in `PageKind.pages`."""


@dataclass(frozen=True, eq=False)
class PageKind:
    """Pages that are made alike.

    Attributes:
        sort: what its pages are about, such as `chart`. Links use it.
        address: the address of a page.
        title: its title.
        sections: what it shows.
        key: the columns that tell its pages apart, as its sections' queries call them. None for a single page.
        pages: a SELECT with one row a page, the key first and in its order. Empty for a single page.
        lead: a sentence below the title.
        template: how it is laid out.
        feed: its events, for a feed with the columns `event_id`, `happened_at`, `title` and `summary`.
        up: the page above it, as a title and an address.
        menu: its short name in the menu, if it is there.
        subjects: what else leads to a page.
        is_part: keys without a page are in the rows too, because only some are worth one.
        at_once: pages whose rows are in memory at one time.
    """

    sort: str
    address: Callable[[Known], str]
    title: Callable[[Known], str]
    sections: tuple[Section, ...]
    key: tuple[str, ...] = ()
    pages: str = ""
    lead: Callable[[Known], str] = lambda _: ""
    template: str = "page.html"
    feed: Section | None = None
    up: Callable[[Known], tuple[str, str]] = lambda _: ("Kubestats", "index.html")
    menu: str = ""
    subjects: Callable[[Known], tuple[Subject, ...]] = lambda _: ()
    is_part: bool = False
    at_once: int = 500

    @property
    def queries(self) -> tuple[Section, ...]:
        """All its sections, that of the feed too."""
        return (*self.sections, self.feed) if self.feed else self.sections


@dataclass(frozen=True, eq=False)
class Page:
    """One page.

    Attributes:
        kind: how it is made.
        key: the values of its key columns.
        known: what is known of it before its sections.
    """

    kind: PageKind
    key: Key
    known: Known

    @cached_property
    def address(self) -> str:
        """Its address."""
        return self.kind.address(self.known)

    @property
    def title(self) -> str:
        """Its title."""
        return self.kind.title(self.known)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Everything that leads to it."""
        return ((self.kind.sort, self.key), *self.kind.subjects(self.known))


def want(connection: duckdb.DuckDBPyConnection, kind: PageKind, pages: Sequence[Page]) -> None:
    """Fill the table of the pages whose rows are wanted, by which sections restrict theirs."""
    types = ("BIGINT" if isinstance(value, int) else "VARCHAR" for value in pages[0].key)
    columns = ", ".join(f'"{name}" {kind_of_value}' for name, kind_of_value in zip(kind.key, types, strict=True))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {WANTED} ({columns})")
    values = ", ".join("unnest(?)" for _ in kind.key)
    insert = f"INSERT INTO {WANTED} SELECT {values}"
    connection.execute(insert, [list(column) for column in zip(*(page.key for page in pages), strict=True)])
