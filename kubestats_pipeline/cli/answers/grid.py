"""Rows as lines of text for people: a table that fits a width, or one value a line. Nothing is left out silently.

A cell that is cut ends in `…`. Where whole columns do not fit, those in the middle make room for one `…`, and the
caller is told which. Widths are those of the terminal's cells, of which a Chinese character takes two.
"""

import datetime
import decimal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size

from kubestats_pipeline.plain_text import plain, plain_lines

GAP = "  "
CUT = "…"

LEAST_WIDTH = 14
"""Cells that a column keeps where it has so many: less is no name and no version."""


@dataclass(frozen=True)
class Grid:
    """A table as lines, header and rule first.

    Attributes:
        left_out: the names of columns that found no room, in their order.
    """

    lines: list[str]
    left_out: tuple[str, ...] = ()


def lay_out(names: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None = None) -> Grid:
    """Rows side by side, at most `width` cells wide. None cuts nothing."""
    texts = [[_cell(value) for value in row] for row in rows]
    columns = [[plain(name), *(row[place] for row in texts)] for place, name in enumerate(names)]
    natural = [max(map(_width, column)) for column in columns]
    shown = _that_fit(natural, width)
    widths = _shrunk([natural[place] for place in shown], width, len(shown) < len(names))
    cells = [columns[place] for place in shown]
    to_the_right = [_is_numeric(rows, place) for place in shown]
    cut_at = _first_gap(shown) if len(shown) < len(names) else None
    lines = [
        _line([column[number] for column in cells], widths, to_the_right, cut_at) for number in range(len(rows) + 1)
    ]
    lines.insert(1, "─" * max(sum(widths) + len(GAP) * (len(widths) - 1) + (0 if cut_at is None else 3), 1))
    return Grid(lines, tuple(plain(name) for place, name in enumerate(names) if place not in shown))


def lay_down(names: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None = None) -> list[str]:
    """One value a line, row after row. A value of several lines goes on below, and nothing is cut."""
    shown = [plain(name) for name in names]
    label = max(map(_width, shown), default=0)
    lines = list[str]()
    for number, row in enumerate(rows, start=1):
        title = f"─── {number:,} of {len(rows):,} "
        lines.append(title + "─" * max(min(width or 60, 60) - len(title), 3))
        for name, value in zip(shown, row, strict=True):
            first, *more = plain_lines(_text(value)).split("\n")
            lines.append(f"{set_cell_size(name, label)}{GAP}{first}".rstrip())
            lines += [" " * label + GAP + line for line in more]
    return lines


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join("" if item is None else str(item) for item in value)
    if isinstance(value, list | dict):
        from kubestats_pipeline.ask.statements import to_json  # DuckDB comes with it, which `status` does without

        return to_json(value)
    return str(value)


def _cell(value: Any) -> str:
    text = _text(value)
    return text if text.isprintable() else plain(text)


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _that_fit(natural: Sequence[int], width: int | None) -> list[int]:
    """The places of the columns that are shown: all, or the first and the last ones, as many as find room."""
    least = [min(each, LEAST_WIDTH) + len(GAP) for each in natural]
    if width is None or sum(least) - len(GAP) <= width:
        return list(range(len(natural)))
    room, shown = width - len(CUT), list[int]()
    for place in _from_both_ends(len(natural)):
        room -= least[place]
        if room < 0 and shown:
            break
        shown.append(place)
    return sorted(shown)


def _from_both_ends(count: int) -> Iterable[int]:
    """0, the last, 1, 2, the last but one, 3, 4 …: of the first ones twice as many, since they name a row."""
    first, last, turn = 0, count - 1, 0
    while first <= last:
        if turn % 3 == 1:
            yield last
            last -= 1
        else:
            yield first
            first += 1
        turn += 1


def _shrunk(natural: Sequence[int], width: int | None, is_cut: bool) -> list[int]:
    """Widths of columns that fit: the widest give way first, and none below what it keeps."""
    if width is None:
        return list(natural)
    room = width - len(GAP) * (len(natural) - 1) - (len(CUT) + len(GAP) if is_cut else 0)
    most = min(max(natural, default=0), max(room, 1))
    while most > LEAST_WIDTH and sum(min(each, most) for each in natural) > room:
        most -= 1
    return [min(each, most) for each in natural]


def _first_gap(shown: Sequence[int]) -> int:
    """How many columns stand before those that are left out."""
    return next((number for number, place in enumerate(shown) if place != number), len(shown))


def _is_numeric(rows: Sequence[Sequence[Any]], place: int) -> bool:
    values = [row[place] for row in rows if row[place] is not None]
    numeric = (int, float, decimal.Decimal)
    return bool(values) and all(isinstance(value, numeric) and not isinstance(value, bool) for value in values)


def _line(cells: Sequence[str], widths: Sequence[int], to_the_right: Sequence[bool], cut_at: int | None) -> str:
    parts = [_fitted(*each) for each in zip(cells, widths, to_the_right, strict=True)]
    if cut_at is not None:
        parts.insert(cut_at, CUT)
    return GAP.join(parts).rstrip()


def _fitted(text: str, width: int, to_the_right: bool) -> str:
    length = _width(text)
    if length > width:
        return set_cell_size(text, width - 1) + CUT
    blank = " " * (width - length)
    return blank + text if to_the_right else text + blank
