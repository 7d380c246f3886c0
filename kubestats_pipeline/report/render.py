"""From the rows of a page to its files: HTML by the templates, JSON beside it, and a feed where it has one.

Templates escape everything and fail where they name something that is not there.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import orjson
from markupsafe import Markup

from kubestats_pipeline.report.feeds import feed_of
from kubestats_pipeline.report.pages.all_pages import MENU
from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.links import Links
from kubestats_pipeline.report.parts.page import Page, PageKind
from kubestats_pipeline.report.parts.published import ReportError, Rows
from kubestats_pipeline.report.parts.sections import Section
from kubestats_pipeline.report.resource_lives import contents_of, lives_of
from kubestats_pipeline.report.section_html import show, show_query

FOLDER = Path(__file__).parent
TEMPLATES, STATIC = FOLDER / "templates", FOLDER / "static"

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'"
)
"""The Content-Security-Policy of every page. The server sends it too."""

Found = Mapping[Section, Rows]
"""The rows of each section of one page."""

Queries = Mapping[Section, str]
"""The query behind each section of one page."""


def render(page: Page, found: Found, links: Links, base: str) -> Iterator[tuple[str, bytes]]:
    """The files of a page, by address. `base` is the address of the site, or nothing where that is not known.

    Raises:
        ReportError: a template fails.
    """
    queries = {section: section.query(page.kind.key, page.key) for section in page.kind.sections}
    try:
        html = _environment().get_template(page.kind.template).render(_variables(page, found, queries, links))
    except (jinja2.TemplateError, TypeError, ValueError, LookupError) as error:
        told = str(error) if isinstance(error, jinja2.TemplateError) else type(error).__name__  # others quote values
        problem = f"the template {page.kind.template} fails for {page.address}: {told}"
        raise ReportError(f"{problem}. The last site stays. Report it, or install the version before") from error
    yield page.address, html.encode()
    yield addresses.beside(page.address, ".json"), _as_json(page, found, queries)
    if page.kind.feed:
        yield feed_address(page), feed_of(page, found[page.kind.feed], base)


def feed_address(page: Page) -> str:
    """The address of the feed of a page: one in its folder."""
    folder = page.address.rpartition("/")[0]
    return f"{folder}/feed.xml" if folder else "feed.xml"


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _variables(page: Page, found: Found, queries: Queries, links: Links) -> dict[str, Any]:
    up, above = page.kind.up(page.known)
    variables = {
        "page": page,
        "known": page.known,
        "lead": page.kind.lead(page.known),
        "root": addresses.root_of(page.address),
        "policy": POLICY,
        "menu": _menu(page.kind, addresses.root_of(page.address)),
        "up": (up, addresses.relative(above, page.address)),
        "json": addresses.relative(addresses.beside(page.address, ".json"), page.address),
        "feed": addresses.relative(feed_address(page), page.address) if page.kind.feed else None,
    }
    if page.kind.template != "resources.html":
        variables["sections"] = [
            show(section, found[section], queries[section], page.known, links) for section in page.kind.sections
        ]
    if page.kind.template == "repository.html":
        variables["has_resources"] = links.to("resources", (page.key[0], 1)) is not None
    if page.kind.template == "resources.html":
        resources, events = page.kind.sections
        variables["queries"] = [show_query(section, queries[section]) for section in page.kind.sections]
        variables["contents"] = contents_of(found[resources])
        variables["lives"] = lives_of(found[resources], found[events], page.known, links)
    return variables


@functools.cache
def _menu(here: PageKind, root: str) -> Markup:
    """The entries of the menu, which are those of all pages of a kind that lie as deep."""
    entries = [(kind.menu, f"{root}{kind.address({})}", kind is here) for kind in MENU]
    return Markup(_environment().get_template("menu.html").render(entries=entries))  # noqa: S704 - of a template


def _as_json(page: Page, found: Found, queries: Queries) -> bytes:
    sections = [
        {
            "title": section.title,
            "query": queries[section],
            "columns": found[section].columns,
            "rows": _plain(found[section]),
        }
        for section in page.kind.sections
    ]
    content = {"title": page.title, "page": page.address, "sections": sections}
    return orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS)


def _plain(rows: Rows) -> Sequence[Sequence[Any]]:
    """Rows as JSON has them: a document is an object, not a text."""
    plain = rows.rows
    for place in [place for place, kind in enumerate(rows.types) if kind == "JSON"]:
        plain = [(*row[:place], orjson.Fragment(row[place]), *row[place + 1 :]) if row[place] else row for row in plain]
    return plain
