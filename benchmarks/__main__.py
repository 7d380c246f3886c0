"""`python -m benchmarks [NAME|secrets|equality|units|all] [--against REV]`, with one of the `NAMES` below.

One table of costs, one of planted secrets that came out of the pipeline again, and those of the builds that equal
kubectl's. `units` is a table of its own, for docs/scale.md, and not a part of `all`.
"""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.against import against_lines, check_out
from benchmarks.discovery import discovery_lines
from benchmarks.ecosystem import Size
from benchmarks.equality_report import show_equality
from benchmarks.fleet import fleet_lines
from benchmarks.hostile import hostile_lines
from benchmarks.idle import GOAL_REPOSITORIES, idle_lines
from benchmarks.inputs import CORPUS, find_remotes
from benchmarks.long_histories import Lengths, long_lines
from benchmarks.made_fleet import FleetSize
from benchmarks.pages import pages_lines
from benchmarks.rendering import rendering_lines
from benchmarks.report import Line, show
from benchmarks.scan import scan_lines
from benchmarks.secrets import show_secrets
from benchmarks.startup import startup_lines
from benchmarks.sweep import sweep_lines
from benchmarks.units import show_units
from benchmarks.warehouse import warehouse_lines
from benchmarks.workers import workers_lines

NAMES = (
    "startup",
    "discovery",
    "scan",
    "rendering",
    "fleet",
    "long",
    "hostile",
    "run",
    "sweep",
    "workers",
    "idle",
    "warehouse",
    "pages",
)
"""`run` is compared with another revision only."""
USUAL_HISTORY = "infrastructure.git"
"""The repository of the corpus whose whole history is short enough for every day."""

USUAL_SIZE, FULL_SIZE = Size(30_000, 100_000), Size(300_000, 1_000_000)
USUAL_FLEET, FULL_FLEET = FleetSize(4, 2, 4, 5, commits=200), FleetSize(8, 2, 6, 10, commits=2_000)
USUAL_LENGTHS, FULL_LENGTHS = Lengths(10_000, 1_000), Lengths(125_000, 20_000)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chosen benchmarks and print their table."""
    options = _parser().parse_args(arguments)
    chosen = NAMES if options.which == "all" else (options.which,) if options.which in NAMES else ()
    corpus = options.corpus.absolute()
    for name in [name for name in os.environ if name.upper().startswith("KUBESTATS_")]:
        del os.environ[name]  # the user's settings must not change the measurements
    with tempfile.TemporaryDirectory(prefix="kubestats-bench-") as folder, contextlib.chdir(folder):
        if options.which in ("secrets", "all"):
            show_secrets(Path(folder) / "secrets", corpus, Console())
        if options.which in ("equality", "all"):
            show_equality(Path(folder) / "equality", corpus, Console())
        if not chosen and options.which != "units":
            return
        remotes, notes = find_remotes(corpus, Path(folder))
        if options.which == "units":
            counts = (options.repositories, options.discovered)
            show_units(remotes, Path(folder) / "units", FULL_SIZE if options.full else USUAL_SIZE, counts, Console())
            return
        lines = _announced(_lines(chosen, remotes, Path(folder), options))
        show((_without_goals(line) for line in lines) if notes else lines, notes)


def _lines(chosen: Sequence[str], remotes: Sequence[Path], folder: Path, options: argparse.Namespace) -> Iterator[Line]:
    repeats: int = options.repeats
    size, fleet = (FULL_SIZE, FULL_FLEET) if options.full else (USUAL_SIZE, USUAL_FLEET)
    if options.against:
        sizes = (size, options.repositories, options.idle_repositories, fleet)
        long, theirs = _long_history(remotes, options.full), check_out(options.against)
        yield from against_lines(chosen, remotes, long, sizes, theirs, folder, repeats)
        return
    if "startup" in chosen:
        yield from startup_lines(repeats)
    if "discovery" in chosen:
        yield from discovery_lines(options.discovered, folder / "discovery")
    if "scan" in chosen:
        yield from scan_lines(remotes, _long_history(remotes, options.full), folder / "scan", repeats)
    if "rendering" in chosen:
        yield from rendering_lines(remotes, folder / "rendering")
    if "fleet" in chosen:
        yield from fleet_lines(fleet, folder / "fleet", repeats)
    if "long" in chosen:
        yield from long_lines(FULL_LENGTHS if options.full else USUAL_LENGTHS, folder / "long")
    if "hostile" in chosen:
        yield from hostile_lines(repeats)
    if "sweep" in chosen:
        yield from sweep_lines(options.repositories, folder / "sweep", repeats)
    if "workers" in chosen:
        yield from workers_lines(remotes, folder / "workers", repeats)
    if "idle" in chosen:
        yield from idle_lines(options.idle_repositories, folder / "idle", 1)
    if "warehouse" in chosen:
        yield from warehouse_lines(remotes, folder / "warehouse", size, repeats)
    if "pages" in chosen:
        yield from pages_lines(remotes, folder / "pages", size)


def _without_goals(line: Line) -> Line:
    """The design's goals for scans are about real repositories."""
    return replace(line, goals=()) if line.group == "scan" else line


def _long_history(remotes: Sequence[Path], full: bool) -> Path:
    """The longest history for `--full`, else a shorter one where there is a choice."""
    usual = [remote for remote in remotes if remote.name == USUAL_HISTORY]
    return remotes[-1] if full or not usual else usual[0]


def _announced(lines: Iterator[Line]) -> Iterator[Line]:
    """Print every measurement on standard error as it ends, because some lines take minutes."""
    progress = Console(stderr=True)
    for line in lines:
        progress.print(f"measured {line.group}: {line.what}", highlight=False)
        yield line


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Costs beside their floors, as ratios.")
    parser.add_argument("which", nargs="?", choices=(*NAMES, "secrets", "equality", "units", "all"), default="all")
    parser.add_argument("--against", metavar="REV", help="compare with another revision, which is the floor then")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="a folder of bundles with its `unpack` script")
    parser.add_argument("--full", action="store_true", help="the longest history, the large fleet and a million events")
    parser.add_argument("--discovered", type=int, default=2_500, metavar="N", help="repositories on the little GitHub")
    parser.add_argument("--repositories", type=int, default=100, metavar="N", help="repositories of the sweep")
    parser.add_argument(
        "--idle-repositories", type=int, default=GOAL_REPOSITORIES, metavar="N", help="repositories of the idle cycle"
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="executions of what takes seconds only")
    return parser


if __name__ == "__main__":
    main()
