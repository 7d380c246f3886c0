"""A section as HTML: its heading, its facts, its drawing or its table, and the query behind it.

A page has many, so no template makes them, which would take six times as long. Titles, notes and queries are escaped
here, and everything else by whoever made it.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from kubestats_pipeline.report.parts import cells, drawing
from kubestats_pipeline.report.parts.links import Links
from kubestats_pipeline.report.parts.page import Known
from kubestats_pipeline.report.parts.published import Rows
from kubestats_pipeline.report.parts.sections import Section

MOST_BARS = 20

REMEMBERED = 1000
"""Tables whose beginnings are remembered. All pages of a kind have the same."""


@dataclass(frozen=True)
class ShownSection:
    """The parts of a section that templates put into pages.

    Attributes:
        title: its heading.
        anchor: its anchor.
        query: the query behind it, as HTML.
        facts: the headings and values of its only row, or nothing where rows are no facts.
        whole: all of it, as HTML. Nothing where the page says nothing of it.
    """

    title: str
    anchor: str
    query: Markup
    facts: Sequence[tuple[str, Markup]]
    whole: Markup


def show(section: Section, rows: Rows, query: str, known: Known, links: Links) -> ShownSection:
    """Show a section of a page of which something is known, with the query of that page."""
    is_facts = section.shape == "facts" and len(rows.rows) == 1
    facts = cells.facts(rows, links, known) if is_facts else []
    behind = show_query(section, query)
    if not rows.rows and not section.empty:
        return ShownSection(section.title, section.anchor, behind, facts, Markup(""))
    if not rows.rows:
        shown = f"<p>{escape(section.empty)}</p>\n"
    elif facts:
        pairs = [f"<div><dt>{escape(heading)}</dt><dd>{value}</dd></div>\n" for heading, value in facts]
        shown = f'<dl class="facts">\n{"".join(pairs)}</dl>\n\n'
    else:
        table = _table(section, rows, "" if is_facts else cells.table_rows(rows, links, known))
        shown = _with_drawing(section, rows, table) or f"{table}{_limited(section, rows)}"
    whole = f"{_heading(section)}{shown}{behind}\n</section>\n"
    return ShownSection(section.title, section.anchor, behind, facts, Markup(whole))  # noqa: S704 - see above


def show_query(section: Section, query: str) -> Markup:
    """The query behind a section, which a reader opens."""
    return Markup(  # noqa: S704 - escaped
        f'<details class="query">\n<summary>The query behind this<span class="unseen">: {escape(section.title)}</span>'
        f'</summary>\n<pre tabindex="0"><code>{escape(query)}</code></pre>\n</details>\n'
    )


@functools.lru_cache(REMEMBERED)
def _heading(section: Section) -> str:
    title, anchor = escape(section.title), escape(section.anchor)
    note = f'<p class="note">{escape(section.note)}</p>\n' if section.note else ""
    return f'<section id="{anchor}" aria-labelledby="{anchor}-title">\n<h2 id="{anchor}-title">{title}</h2>\n{note}'


def _table(section: Section, rows: Rows, body: str) -> str:
    head = _head(section.title, rows.columns, rows.types)
    return f"{head}<tbody>{body}</tbody>\n</table>\n</div>\n\n"


@functools.lru_cache(REMEMBERED)
def _head(title: str, columns: tuple[str, ...], types: tuple[str, ...]) -> str:
    starts = ['<th scope="col" class="n">' if cells.is_number(kind) else '<th scope="col">' for kind in types]
    headings = [f"{starts[place]}{escape(cells.heading_of(columns[place]))}</th>" for place in cells.shown(columns)]
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(title)}, table">\n<table class="data">\n'
        f"<thead><tr>{''.join(headings)}</tr></thead>\n"
    )


def _limited(section: Section, rows: Rows) -> str:
    """The words below a table that has as many rows as it may have."""
    if section.limit != len(rows.rows):
        return ""
    return f'<p class="note">The first {section.limit:,}. The query without its limit gives all.</p>\n'


def _with_drawing(section: Section, rows: Rows, table: str) -> str:
    """A drawing with its table behind it, or nothing where nothing can be drawn."""
    drawn = _drawing(section, rows)
    title = escape(section.title)
    summary = f'<summary>The numbers<span class="unseen">: {title}</span></summary>'
    return f'<figure>{drawn}</figure>\n<details class="numbers">{summary}\n{table}</details>\n' if drawn else ""


def _drawing(section: Section, rows: Rows) -> Markup:
    if section.shape not in ("lines", "bars"):
        return Markup("")
    numbers = [name for name, kind in zip(rows.columns, rows.types, strict=True) if cells.is_number(kind)]
    drawn = list(section.drawn) or numbers
    places = [rows.columns.index(name) for name in drawn]
    if section.shape == "bars":
        return drawing.bars(section.title, [(str(row[0]), row[places[0]]) for row in rows.rows[:MOST_BARS]])
    points = [[row[0], *(row[place] for place in places)] for row in rows.rows]
    return drawing.lines(section.title, points, [cells.heading_of(name) for name in drawn])
