"""From a value of a query to what a page shows: text that is never markup, numbers that can be read, links.

Everything that strangers wrote is escaped here or by the templates. A link that leads elsewhere is http or https.
"""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from markupsafe import Markup

from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.escaping import escape
from kubestats_pipeline.report.parts.links import Links
from kubestats_pipeline.report.parts.published import Rows

Cell = Callable[[Any], str]

NOTHING = '<span class="none" title="not known">–</span>'
_WEB = re.compile(r"https?://[^\s\"'<>\\]+")
_PERCENT = re.compile(r"share|confidence|survival|percent")

LINKS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "full_name": ("repository", ("full_name",)),
    "first_seen_in": ("repository", ("first_seen_in",)),
    "chart_name": ("chart", ("chart_name", "family_url|chart_url")),
    "old_name": ("replaced", ("old_name", "old_url")),
    "new_name": ("replaced", ("new_name", "new_url")),
    "other_chart": ("chart", ("other_chart", "other_url")),
    "app_name": ("app", ("app_name",)),
    "other_app": ("app", ("other_app",)),
    "image": ("image", ("image",)),
    "present_image": ("image", ("present_image",)),
    "kind": ("kind", ("api_group", "kind")),
    "path": ("setting", ("chart_name", "family_url|chart_url", "path")),
}
"""Columns whose value links to a page: the sort of page, and the columns of its key, which the page may have itself.
`a|b` is the first of two columns that there is."""

HEADINGS = {
    "full_name": "repository",
    "chart_name": "chart",
    "other_chart": "chart",
    "app_name": "app",
    "other_app": "app",
    "present_image": "image",
    "html_url": "on the web",
    "source_url": "source",
    "happened_at": "at",
    "old_name": "old",
    "new_name": "new",
    "is_lower_bound": "lower bound",
    "versions_behind": "behind",
    "newest_version": "newest",
}
"""Headings of columns that say more shortly what they hold. All others are called as they are."""

UNSEEN = {"page", "sequence", "family_url", "chart_url", "resource_id", "old_url", "new_url", "other_url", "api_group"}
"""Columns that only say where a link leads. They are in the JSON."""


def outside(url: object, label: str = "open") -> str:
    """A link to another site, or nothing if it is not one that a browser may follow."""
    if not isinstance(url, str) or not _WEB.fullmatch(url):
        return NOTHING
    return f'<a href="{html.escape(url)}" rel="noopener nofollow">{escape(label)}</a>'


def resource_link(resource_id: str, page: int) -> str:
    """The link to a resource from another page of its repository."""
    return f"{addresses.resource_page(page)}#{addresses.resource_anchor(resource_id)}"


def heading_of(column: str) -> str:
    """A column's name as a heading."""
    return HEADINGS.get(column) or column.replace("_", " ")


def is_number(kind: str) -> bool:
    """True if values of a type are numbers, which are aligned and can be drawn."""
    return kind in ("BIGINT", "INTEGER", "DOUBLE", "HUGEINT", "FLOAT", "UBIGINT") or kind.startswith("DECIMAL")


def cell_of(column: str, kind: str) -> Cell:
    """The function that shows the values of a column."""
    if column.endswith("_url"):
        return outside if kind == "VARCHAR" else _text
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return _share if _PERCENT.search(column) else _decimal
    if is_number(kind):
        return _integer
    if kind == "BOOLEAN":
        return _boolean
    if kind == "TIMESTAMP WITH TIME ZONE":
        return _time
    if column.endswith("commit") or column == "commit_sha":
        return _commit
    return _text if kind == "VARCHAR" else _any


def table_rows(found: Rows, links: Links, known: Mapping[str, Any]) -> str:
    """The rows of a table's body. `known` has the key of the page, for links that need it."""
    if not found.rows:
        return ""
    values = list(zip(*found.rows, strict=True))
    places = shown(found.columns)
    starts = ('<td class="n">' if is_number(found.types[place]) else "<td>" for place in places)
    row = f"<tr>{''.join(f'{start}%s</td>' for start in starts)}</tr>"
    columns = [_column(place, found, values, links, known) for place in places]
    return "".join([row % each for each in zip(*columns, strict=True)])


def facts(found: Rows, links: Links, known: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    """The values of the only row that are known, with their headings."""
    (row,) = found.rows
    values = [(value,) for value in row]
    places = [place for place in shown(found.columns) if row[place] not in (None, [])]
    made = ((heading_of(found.columns[place]), *_column(place, found, values, links, known)) for place in places)
    return [(heading, Markup(cell)) for heading, cell in made]  # noqa: S704 - cells are escaped


def shown(columns: Sequence[str]) -> list[int]:
    """The places of the columns that are shown."""
    return [place for place, column in enumerate(columns) if column not in UNSEEN]


def _column(
    place: int, found: Rows, values: Sequence[Sequence[Any]], links: Links, known: Mapping[str, Any]
) -> Iterable[str]:
    """The cells of a column, from the values of all columns. Whole columns take a third of the time of single cells."""
    column = found.columns[place]
    cells = map(cell_of(column, found.types[place]), values[place])
    if column == "resource" and "page" in found.columns:
        identity, page = found.columns.index("resource_id"), found.columns.index("page")
        targets = map(resource_link, values[identity], values[page])
        return [f'<a href="{target}">{cell}</a>' for target, cell in zip(targets, cells, strict=True)]
    if column not in LINKS:
        return cells
    sort, names = LINKS[column]
    sources = [_source(name.split("|"), found.columns, known) for name in names]
    keys = zip(*(repeat(given) if source is None else values[source] for source, given in sources))  # noqa: B905
    return map(links.anchor, repeat(sort), keys, cells)


def _source(names: Sequence[str], columns: Sequence[str], known: Mapping[str, Any]) -> tuple[int | None, Any]:
    """The place in a row of a part of a key, or its value if the page has it."""
    place = next((columns.index(name) for name in names if name in columns), None)
    return place, next((known[name] for name in names if name in known), None)


def _text(value: str | None) -> str:
    return NOTHING if value is None else escape(value)


def _integer(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def _decimal(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.1f}"


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"


def _boolean(value: bool | None) -> str:
    return NOTHING if value is None else "yes" if value else "no"


def _time(value: str | None) -> str:
    return NOTHING if value is None else f'<time datetime="{value}">{value[:10]} {value[11:16]}</time>'


def _commit(value: str | None) -> str:
    return NOTHING if value is None else f"<code>{escape(value[:10])}</code>"


def _any(value: Any) -> str:
    """A list, a map, a date: its parts in a row."""
    if type(value) is str:
        return escape(value)
    if value is None or value in ([], {}):
        return NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{_any(name)}: {_any(part)}" for name, part in value.items())
    return ", ".join([_any(part) for part in value]) if isinstance(value, list) else escape(str(value))
