"""A section of a page: a title and one query over the published views, from which all its pages are made.

The query is written once, with `{only}` where its rows are restricted to one page. In bulk, `{only}` names all
pages that are made now, the page's key is selected too, and the rows come sorted by page. The query that is shown
under a section is the same text with the key of its page. A test runs both and compares them.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Key = tuple[str | int, ...]
"""The values of a page's key columns. A page of which there is one alone has none."""

Shape = Literal["table", "facts", "lines", "bars"]

WANTED = "wanted_pages"
"""The temporary table with the keys of the pages that are made now."""

ALL = "TRUE"

_OUTER = re.compile(r"^(SELECT|GROUP BY)\b", re.MULTILINE)
"""The outer SELECT and its GROUP BY, which begin a line. Inner ones are indented."""

_PLACE = re.compile(r"\{(only|first)\}")


@dataclass(frozen=True, eq=False)
class Section:
    """One query of a kind of page, and how its rows are shown.

    Attributes:
        title: heading of the section.
        sql: a SELECT without ORDER BY and LIMIT, with `{only}` in its WHERE unless its page is the only one. `{first}`
            restricts to the first part of the key alone, where that spares work.
        order: ORDER BY over columns of the result, between all rows where there is a limit. Empty for one row.
        limit: rows of one page, or None for all.
        key: the page's key columns as this query calls them. Empty: as the kind of page does.
        shape: a table, one row of facts, or a drawing with its table behind it: lines over its first column, or bars.
        note: a sentence below the heading.
        drawn: the columns that are drawn. Empty: all numbers.
        empty: what to say where there are no rows. Empty: the section is left out there.
        digested: tables whose rows of one repository decide the section, where comparing them costs less.
        source: a SELECT of the key and of rows that decide the section, where digesting these costs less than its own.
            Sections with the same one are digested together.
    """

    title: str
    sql: str
    order: str = ""
    limit: int | None = None
    key: tuple[str, ...] = ()
    shape: Shape = "table"
    note: str = ""
    drawn: tuple[str, ...] = ()
    empty: str = ""
    digested: tuple[str, ...] = ()
    source: str = ""

    @cached_property
    def anchor(self) -> str:
        """The section's anchor on its page."""
        return "-".join("".join(sign if sign.isalnum() else " " for sign in self.title.lower()).split())

    def query(self, columns: Sequence[str], values: Key) -> str:
        """The query of one page, as a person would write it."""
        only = " AND ".join(_equals(*pair) for pair in zip(self.key or columns, values, strict=True))
        first = _equals(columns[0], values[0]) if values else ALL
        lines = [_restricted(self.sql.strip(), only or ALL, first)]
        lines += [f"ORDER BY {self.order}"] if self.order else []
        return "\n".join([*lines, *([f"LIMIT {self.limit}"] if self.limit else [])])

    def bulk(
        self, columns: Sequence[str], *, everything: bool, sort: bool = True, few: Collection[str | int] = ()
    ) -> str:
        """The query of all pages, or of those in `WANTED`: first the key, then the rows.

        Args:
            columns: the page's key columns, as the kind of page calls them.
            everything: the query is of all pages.
            sort: sort the rows, and restrict them to the limit.
            few: the first parts of all keys in `WANTED`, where there are few. DuckDB takes constants into views, past
                their windows and joins, and reads only the row groups that can have them. A table it joins last.
        """
        names = self.key or tuple(columns)
        if not names:
            return self.query((), ())
        keys = {"SELECT": ", ".join(f"{name} AS key_{number}" for number, name in enumerate(names))}
        keys["GROUP BY"] = ", ".join(names)
        only = ALL if everything else _wanted(names, few)
        first = ALL if everything else _wanted(columns[:1], few)
        selected = _OUTER.sub(lambda found: f"{found[1]} {keys[found[1]]},", self.sql.strip())
        rows = _restricted(selected, only, first)
        return f"FROM ({rows})\n{self._first(len(names)) if sort else ''}"

    def _first(self, keys: int) -> str:
        page = ", ".join(f"key_{number}" for number in range(keys))
        order = f"ORDER BY {page}, {self.order}" if self.order else f"ORDER BY {page}"
        if not self.limit:
            return order
        place = f"row_number() OVER (PARTITION BY {page} ORDER BY {self.order})"
        return f"QUALIFY {place} <= {self.limit}\n{order}"


def _restricted(sql: str, only: str, first: str) -> str:
    """A query with its restrictions. They are put in at once, because a name may look like a place for another one."""
    return _PLACE.sub(lambda found: only if found[0] == "{only}" else first, sql)


def _wanted(names: Sequence[str], few: Collection[str | int]) -> str:
    """A restriction of some columns, the first of a key or all of it, to the keys in `WANTED`."""
    among = f"{names[0]} IN ({', '.join(map(_constant, few))})" if few else ""
    if len(few) == 1:  # DuckDB takes an equation into more views than a list
        among = _equals(names[0], *few)
    if few and len(names) == 1:
        return among
    keys = ", ".join(f"#{place}" for place in range(1, len(names) + 1))
    inside = f"({', '.join(names)}) IN (SELECT {keys} FROM {WANTED})"  # noqa: S608 - quoted
    return f"{among} AND {inside}" if among else inside


def _equals(name: str, value: str | int) -> str:
    return f"{name} = {_constant(value)}"


def _constant(value: str | int) -> str:
    return str(value) if isinstance(value, int) else quoted(value)


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
