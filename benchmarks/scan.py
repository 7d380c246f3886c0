"""Time of scans, with peak memory: of the tip alone, of the whole history, and of one commit more.

Every scan runs in a fresh process, as a scan worker does. Its lake is empty, or for one commit more, one commit behind.
The floors read the same mirrors.
"""

import datetime
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import floors
from benchmarks.inputs import Mirrored, first_parents, mirror, name_of
from benchmarks.measure import Measured, Runs, measure, repeat
from benchmarks.report import Goal, Line, at_most, ratio_of
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.outcomes import Scanned
from kubestats_pipeline.scan.scan import scan_repository

GROUP = "scan"
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

HELPERS = 1
"""Helper processes, as `scan_all` has them for a repository that is scanned alone with the default of two workers."""

TIP_GOAL = 5
"""Times as fast as the original's scanner. That is not here, but the time of its YAML parser is a part of its time."""

HISTORY_GOAL = 1.5
COMMIT_GOAL_SECONDS = 0.5
MEMORY_GOAL_MB = 500


def scan_lines(remotes: Sequence[Path], long: Path, folder: Path, repeats: int) -> Iterator[Line]:
    """The tips of all remotes, then the whole history of one of them and one commit more on top of it."""
    for remote in remotes:
        yield _tip_line(remote, folder, repeats)
    mirrored = mirror(long, folder / "long" / name_of(long), "all")
    yield _history_line(mirrored)
    yield _commit_line(mirrored, repeats)


def scan(mirrored: Mirrored, head: str, data_dir: Path | None = None) -> Scanned:
    """Scan a mirror up to a commit, into its own lake or another one that sees the same mirrors.

    Raises:
        RuntimeError: the lake had that commit already, so that nothing was measured.
    """
    lake = _lake_beside(mirrored, data_dir) if data_dir else mirrored.lake
    job = ScanJob(
        layout=lake.layout,
        repository=mirrored.repository,
        head=head,
        history_since=mirrored.span.since,
        started_at=NOW,
        helpers=HELPERS,
    )
    outcome = scan_repository(job)
    if not isinstance(outcome, Scanned):
        raise RuntimeError(f"{mirrored.repository.full_name} was scanned already, give an empty folder")
    return outcome


def _tip_line(remote: Path, folder: Path, repeats: int) -> Line:
    mirrored = mirror(remote, folder / "tip" / name_of(remote), 0)
    head = mirrored.span.head
    found = _scan_repeatedly(mirrored, head, repeats)
    floor = repeat(repeats, floors.scan_tip, mirrored.folder, head)
    what = f"tip of {name_of(remote)}, {found[0].value.resources:,} resources"
    runs = _runs(found)
    return Line(GROUP, what, runs, floor, (_tip_goal(runs, mirrored.folder, head), _memory_goal(runs)))


def _tip_goal(runs: Runs, mirror_folder: Path, head: str) -> Goal:
    """A goal that is reached if the original takes so long only to read the files. Otherwise it is not decided."""
    times = 1 / ratio_of(runs, repeat(1, floors.read_with_ruamel, mirror_folder, head))
    text = f"≥ {TIP_GOAL} × the original, whose YAML parser alone takes {times:.1f} ×"
    return Goal(text, True if times >= TIP_GOAL else None)


def _history_line(mirrored: Mirrored) -> Line:
    head, commits = mirrored.span.head, len(first_parents(mirrored.folder, mirrored.span.head))
    found = _scan_repeatedly(mirrored, head, 1)
    floor = repeat(1, floors.scan_history, mirrored.folder, head, processes=2)
    what = f"history of {_short_name(mirrored)}, {commits:,} commits, {found[0].value.events:,} events"
    runs = _runs(found)
    goals = (at_most(ratio_of(runs, floor), HISTORY_GOAL, "× floor"), _memory_goal(runs))
    return Line(GROUP, what, runs, floor, goals)


def _commit_line(mirrored: Mirrored, repeats: int) -> Line:
    commits = first_parents(mirrored.folder, mirrored.span.head)
    before = mirrored.lake.layout.data_dir.with_name("one-commit-back")
    measure(scan, mirrored, commits[1], before)
    found = [_scan_copy(mirrored, before, commits[0], number) for number in range(repeats)]
    floor = repeat(repeats, floors.read_step, mirrored.folder, commits[0])
    what = f"one commit after {len(commits) - 1:,} of {_short_name(mirrored)}"
    runs = _runs(found)
    return Line(GROUP, what, runs, floor, (at_most(runs.cpu, COMMIT_GOAL_SECONDS, "s"), _memory_goal(runs)))


def _scan_repeatedly(mirrored: Mirrored, head: str, times: int) -> list[Measured[Scanned]]:
    base = mirrored.lake.layout.data_dir
    return [measure(scan, mirrored, head, base.with_name(f"{base.name}-{number}")) for number in range(times)]


def _scan_copy(mirrored: Mirrored, before: Path, head: str, number: int) -> Measured[Scanned]:
    """Continue a scan from a copy of the lake of an earlier one."""
    data_dir = before.with_name(f"{before.name}-{number}")
    shutil.copytree(before, data_dir, symlinks=True)
    return measure(scan, mirrored, head, data_dir)


def _lake_beside(mirrored: Mirrored, data_dir: Path) -> Lake:
    layout = Layout(data_dir)
    if not layout.mirrors.is_symlink():
        data_dir.mkdir(parents=True)
        layout.mirrors.symlink_to(mirrored.lake.layout.mirrors)
    return Lake(layout)


def _runs(found: Sequence[Measured[Scanned]]) -> Runs:
    return Runs(tuple(each.cost for each in found))


def _memory_goal(runs: Runs) -> Goal:
    goal = at_most(runs.peak_mb, MEMORY_GOAL_MB, "MB")
    return replace(goal, text=f"{goal.text} of memory")


def _short_name(mirrored: Mirrored) -> str:
    return mirrored.repository.full_name.removeprefix("local/")
