"""Drawings in SVG: lines over days, bars, and sparklines, each with a title and a description for screen readers.

They are made of attributes and classes alone, because the pages allow no style in their text. Colours come from
`style.css`, so that they follow light and dark. The table with the numbers is always behind a drawing.
"""

import datetime
import math
from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 26
GRID_LINES = 4
MOST_POINTS = 400
"""Points of one line. More would not be seen, and make the page heavy."""
MOST_LINES = 6
BAR_HEIGHT = 26
LABEL_WIDTH = 210

Point = tuple[str, float | None]


def lines(title: str, points: Sequence[Sequence[float | str | None]], names: Sequence[str]) -> Markup:
    """Lines over days.

    Args:
        title: what is drawn.
        points: a row each: a date as text, then a number or None for each line, sorted by date.
        names: the name of each line.
    """
    kept = _thinned([row for row in points if row[0]])
    days = [datetime.date.fromisoformat(str(row[0])[:10]).toordinal() for row in kept]
    series = [[_number(row[place]) for row in kept] for place in range(1, len(names) + 1)]
    known = [value for values in series for value in values if value is not None]
    if len(set(days)) < 2 or not known:
        return Markup("")
    top = _ceiling(max(known))
    parts = [*_grid(top), *_days(days[0], days[-1])]
    for number, values in enumerate(series[:MOST_LINES]):
        path = _path(
            [(_x(day, days[0], days[-1]), _height(value, top)) for day, value in zip(days, values, strict=True)]
        )
        parts.append(f'<path class="line s{number}" d="{path}"/>')
    ends = ", ".join(f"{name} {_last(values):,g}" for name, values in zip(names, series, strict=True))
    description = f"From {kept[0][0]} to {kept[-1][0]}. At its end: {ends}."
    return _svg(title, description, WIDTH, HEIGHT, parts) + _legend(names[:MOST_LINES])


def bars(title: str, points: Sequence[Point]) -> Markup:
    """Horizontal bars, in the order given, each with its label and its number."""
    known = [(label, value or 0) for label, value in points]
    most = max((value for _, value in known), default=0)
    if most <= 0:
        return Markup("")
    space = WIDTH - LABEL_WIDTH - 80
    parts = []
    for number, (label, value) in enumerate(known):
        y = number * BAR_HEIGHT
        length = max(space * value / most, 1)
        parts.append(f'<text class="label" x="{LABEL_WIDTH - 8}" y="{y + 17}" text-anchor="end">{_short(label)}</text>')
        parts.append(
            f'<rect class="bar" x="{LABEL_WIDTH}" y="{y + 4}" width="{length:.1f}" height="{BAR_HEIGHT - 9}" rx="3"/>'
        )
        parts.append(f'<text class="amount" x="{LABEL_WIDTH + length + 6:.1f}" y="{y + 17}">{value:,g}</text>')
    description = ", ".join(f"{label} {value:,g}" for label, value in known[:10])
    return _svg(title, f"{description}.", WIDTH, len(known) * BAR_HEIGHT + 4, parts)


def sparkline(title: str, values: Sequence[float | None]) -> Markup:
    """A small line without axes."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or max(known) == min(known):
        return Markup("")
    low, high = min(known), max(known)
    step = 120 / (len(known) - 1)
    path = _path([(step * place, 30 - 26 * (value - low) / (high - low)) for place, value in enumerate(known)])
    description = f"From {known[0]:,g} to {known[-1]:,g}."
    return _svg(title, description, 120, 34, [f'<path class="line s0" d="{path}"/>'], "spark")


def _svg(title: str, description: str, width: int, height: int, parts: Sequence[str], name: str = "drawing") -> Markup:
    head = f'<svg class="{name}" role="img" viewBox="0 0 {width} {height}" preserveAspectRatio="xMinYMin meet">'
    spoken = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    return Markup(f"{head}{spoken}{''.join(parts)}</svg>")  # noqa: S704 - texts are escaped, the rest are numbers


def _legend(names: Sequence[str]) -> Markup:
    if len(names) < 2:
        return Markup("")
    items = "".join(f'<li class="s{number}">{escape(name)}</li>' for number, name in enumerate(names))
    return Markup(f'<ul class="legend">{items}</ul>')  # noqa: S704 - names are escaped


def _grid(top: float) -> list[str]:
    parts = []
    for number in range(GRID_LINES + 1):
        value = top * number / GRID_LINES
        y = _y(value, top)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_tick(value)}</text>')
    return parts


def _days(first: int, last: int) -> list[str]:
    parts = []
    for number in range(GRID_LINES + 1):
        day = first + (last - first) * number // GRID_LINES
        anchor = "start" if number == 0 else "end" if number == GRID_LINES else "middle"
        text = datetime.date.fromordinal(day).isoformat()
        parts.append(
            f'<text class="tick" x="{_x(day, first, last):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{text}</text>'
        )
    return parts


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    """The `d` of a path. It begins again after a gap."""
    parts, is_open = [], False
    for x, y in points:
        if y is not None:
            parts.append(f"{'L' if is_open else 'M'}{x:.1f} {y:.1f}")
        is_open = y is not None
    return "".join(parts)


def _x(day: int, first: int, last: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (day - first) / (last - first)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _height(value: float | None, top: float) -> float | None:
    return None if value is None else _y(value, top)


def _ceiling(most: float) -> float:
    """A round number that is at least as large. Small ones have whole numbers at all lines of the grid."""
    if most <= 10 * GRID_LINES:
        return max(math.ceil(most / GRID_LINES), 1) * GRID_LINES
    size = 10.0 ** math.floor(math.log10(most))
    return next(size * step for step in (1, 2, 4, 6, 8, 10) if size * step >= most)


def _tick(value: float) -> str:
    for size, name in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"


def _thinned(rows: Sequence[Sequence[float | str | None]]) -> Sequence[Sequence[float | str | None]]:
    """At most `MOST_POINTS` rows, the last one among them."""
    step = -(-len(rows) // MOST_POINTS) or 1
    return rows[::-1][::step][::-1]


def _number(value: float | str | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _last(values: Sequence[float | None]) -> float:
    return next((value for value in reversed(values) if value is not None), 0)


def _short(label: str) -> Markup:
    return escape(label if len(label) <= 30 else f"{label[:29]}…")
