"""Time and memory of scans of a fleet: of its tip alone, and of its history, commit by commit.

The repository is made by `made_fleet.py`. Its commits reach many clusters at once, which no repository of the corpus
does: what a commit costs here shows how much of the fleet is resolved anew for it. There is no floor without another
revision, because git and a parser do none of that work.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.inputs import mirror
from benchmarks.made_fleet import FleetSize, make_fleet
from benchmarks.measure import Runs, measure
from benchmarks.report import Line
from benchmarks.scan import scan

GROUP = "fleet"


def fleet_lines(size: FleetSize, folder: Path, repeats: int) -> Iterator[Line]:
    """The first scan of the tip, then that of the whole history, as the cost of each commit."""
    remote = make_fleet(folder, size)
    tip = mirror(remote, folder / "tip", 0)
    scans = [measure(scan, tip, tip.span.head, folder / f"tip-{number}") for number in range(repeats)]
    yield Line(GROUP, f"{tip_of(size)}, {scans[0].value.resources:,} resources", Runs(tuple(e.cost for e in scans)))
    whole = mirror(remote, folder / "history", "all")
    found = measure(scan, whole, whole.span.head, folder / "history-0")
    what = f"{each_commit_of(size)}, {found.value.events:,} events"
    yield Line(GROUP, what, Runs((found.cost,)).each(size.commits))


def tip_of(size: FleetSize) -> str:
    """The words for the first scan of a tip."""
    return f"the tip of {_words(size)}"


def each_commit_of(size: FleetSize) -> str:
    """The words for the scan of a history as the cost of each commit."""
    return f"each of {size.commits:,} commits of {_words(size)}"


def _words(size: FleetSize) -> str:
    return f"{size.clusters} clusters × {size.apps} apps"
