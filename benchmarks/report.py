"""The lines of the benchmarks as one table: what was measured, its floor of the same run, their ratio and the goal.

A ratio does not depend on the speed of the machine. A goal in seconds is that of the design.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.measure import Runs, machine_facts

HEADINGS = ("what", "floor CPU", "CPU min", "median", "ratio", "wall", "peak MB", "goals")

WIDTH = 160
"""Characters of a line if the table goes to a file."""


@dataclass(frozen=True)
class Goal:
    """A goal of the design, and its result: True if this run reached it, None if this run cannot decide that."""

    text: str
    is_met: bool | None


@dataclass(frozen=True)
class Line:
    """One measured thing.

    Attributes:
        group: the benchmark that it belongs to.
        what: what was done, with its size.
        runs: the costs.
        floor: the least that the same work costs, or None if there is no floor.
        goals: empty for a line that only informs.
    """

    group: str
    what: str
    runs: Runs
    floor: Runs | None = None
    goals: tuple[Goal, ...] = ()

    @property
    def ratio(self) -> float | None:
        """CPU seconds over those of the floor."""
        return ratio_of(self.runs, self.floor) if self.floor else None


def ratio_of(runs: Runs, floor: Runs) -> float:
    """CPU seconds as a multiple of those of the floor."""
    return runs.cpu / max(floor.cpu, 1e-6)


def at_most(value: float, limit: float, unit: str) -> Goal:
    """The goal that a value must not pass a limit."""
    return Goal(f"≤ {limit:g} {unit}", value <= limit)


def show(lines: Iterable[Line], notes: Iterable[str] = (), console: Console | None = None) -> None:
    """Print the machine, the table and the notes."""
    out = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    out.print("  ".join(f"{name} {value}" for name, value in machine_facts()), highlight=False)
    table = Table(*HEADINGS, caption="CPU seconds with children, the cheapest of several runs (wall is indicative)")
    for column in table.columns[1:-1]:
        column.justify = "right"
    group = ""
    for line in lines:
        if line.group != group:
            table.add_section()
            group = line.group
        table.add_row(*_cells(line))
    out.print(table)
    for note in notes:
        out.print(f"- {note}", highlight=False)


def format_seconds(seconds: float) -> str:
    """Seconds from one tenth on, milliseconds below."""
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def _cells(line: Line) -> list[Text]:
    runs, ratio = line.runs, line.ratio
    texts = [
        f"{line.group}: {line.what}",
        format_seconds(line.floor.cpu) if line.floor else "",
        format_seconds(runs.cpu),
        format_seconds(runs.median_cpu) if len(runs.costs) > 1 else "",
        f"{ratio:.2f}" if ratio is not None else "",
        format_seconds(runs.wall),
        f"{runs.peak_mb:.0f}",
    ]
    return [*(Text(text) for text in texts), Text("\n").join(_goal(goal) for goal in line.goals)]


def _goal(goal: Goal) -> Text:
    if goal.is_met is None:
        return Text(goal.text)
    return Text(goal.text, "green") if goal.is_met else Text(f"{goal.text} MISSED", "bold red")
