"""The rows of an answer as lines: a table or one value a line, with what it leaves out said below it."""

from collections.abc import Sequence
from typing import Any

from kubestats_pipeline.cli.answers.grid import lay_down, lay_out

FEW_ROWS, FEWEST_ROWS = 20, 3
"""So many rows at most are shown one value a line, where fewer than half of the columns would fit, or not all."""


def as_lines(
    names: Sequence[str], rows: Sequence[Sequence[Any]], total: int, width: int | None, *, is_vertical: bool = False
) -> list[str]:
    """The lines of an answer.

    Args:
        names: of the columns.
        rows: those to show.
        total: how many there are.
        width: cells of the terminal. None for a file or a pipe, where nothing is cut.
        is_vertical: one value a line is what the user asked for.
    """
    if is_vertical:
        return [*lay_down(names, rows, width), _count(len(rows), total)]
    grid = lay_out(names, rows, width)
    few = FEW_ROWS if len(grid.left_out) * 2 > len(names) else FEWEST_ROWS
    if grid.left_out and len(rows) <= few:
        return [*lay_down(names, rows, width), _count(len(rows), total)]
    return [*grid.lines, _count(len(rows), total), *left_out(grid.left_out, len(names))]


def left_out(names: Sequence[str], count: int) -> list[str]:
    """The line that names columns that found no room, if there are any."""
    if not names:
        return []
    return [f"… {len(names)} of {count} columns left out: {', '.join(names)}. `--format vertical` shows them"]


def _count(shown: int, total: int) -> str:
    if shown < total:
        return f"… {shown:,} of {total:,} rows. `--rows 0` shows all, `--format csv` too"
    return f"({total:,} rows)" if total != 1 else "(1 row)"
