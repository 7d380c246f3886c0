"""`--against REV`: the same work by another revision and by this one, in turn, as whole processes.

The other revision is checked out, gets an environment of its own, and works through its own `benchmarks` package. So
modules may move between revisions, but the names that the programs below use must stay. The floor of a line is the
other revision, so that its ratio is ours over theirs in CPU seconds.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

from benchmarks.ecosystem import Size
from benchmarks.fleet import each_commit_of, tip_of
from benchmarks.inputs import name_of
from benchmarks.made_fleet import FleetSize, make_fleet
from benchmarks.measure import Cost, Runs
from benchmarks.report import Goal, Line, at_most, ratio_of

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = ROOT / ".bench"
"""The folder in which checked-out revisions and their environments are kept for the next time."""

INSTALL_SECONDS, WORK_SECONDS = 900, 3600
RUN_TIPS = ("onedr0p/home-ops", "JJGadgets/Biohazard", "xunholy/k8s-gitops")
"""The repositories over which `kubestats run` is measured, if the corpus has them."""

_BEGIN = """
import json, pickle
from pathlib import Path
from benchmarks.measure import timed
folder, remotes, number = Path({folder!r}), [Path(each) for each in {remotes!r}], {number}
kept = folder / "prepared.pickle"
def report(measured):
    print(json.dumps([measured.cost.cpu, measured.cost.wall, measured.cost.peak_mb]))
"""


@dataclass(frozen=True)
class Revision:
    """One side of the comparison.

    Attributes:
        folder: its checkout, the working directory of its programs.
        python: the interpreter of its environment.
    """

    name: str
    folder: Path
    python: Path


OURS = Revision("this checkout", ROOT, Path(sys.executable))


class Work(NamedTuple):
    """A piece of work that both revisions know.

    Attributes:
        prepare: a Python program that is run once a side and not measured.
        measured: a Python program that ends with `report(timed(…))`, or the arguments of a `kubestats` command, which
            is measured from outside, together with the start of the interpreter.
        settings: variables that both programs get.
        items: equal parts of the work. The line shows the cost of one.
        share: the goal for our CPU seconds, as a share of theirs.
        seconds: the goal for our CPU seconds, whatever theirs are.
        stored: a pattern of the files and folders in a side's folder whose bytes are compared too, by name.
    """

    group: str
    what: str
    prepare: str
    measured: str | tuple[str, ...]
    remotes: tuple[Path, ...] = ()
    settings: Mapping[str, str] = {}
    items: int = 1
    share: float | None = None
    seconds: float | None = None
    stored: str = ""


TIPS_GOAL, STORED_GOAL = 0.7, 0.8
"""Shares of what the other revision needs: CPU of all tips together, and bytes of what both store."""

SCAN = "report(timed(scan.scan, mirrored, mirrored.span.head, folder / str(number)))"
_IMPORT_SCAN = "from benchmarks import inputs, scan\n"
_LOAD_MIRROR = _IMPORT_SCAN + "mirrored, commits = pickle.loads(kept.read_bytes())\n"
_MIRROR = (
    _IMPORT_SCAN + "mirrored = inputs.mirror(remotes[0], folder / 'data', {history!r})\n"
    "commits = inputs.first_parents(mirrored.folder)\n"
    "kept.write_bytes(pickle.dumps((mirrored, commits)))\n"
)
_ONE_BACK = "scan.scan(mirrored, commits[1], folder / 'back')\n"
_FORWARD = (
    "import shutil\nshutil.copytree(folder / 'back', folder / str(number), symlinks=True)\n"
    "report(timed(scan.scan, mirrored, commits[0], folder / str(number)))"
)
_SWEEP = (
    "from benchmarks import sweep\n"
    "settings = sweep.load_settings(data_dir=folder / 'data', repositories=[str(folder / 'remotes')], history_days=0)\n"
)
_RUN = "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'kubestats_pipeline.cli', 'run'], check=True)"
_IDLE = _SWEEP.replace("sweep", "idle")
_LAKE = "from benchmarks import warehouse\nlake = warehouse.Lake(warehouse.Layout(folder / 'ecosystem'))\n"
_ECOSYSTEM = """
import json, polars
from benchmarks import ecosystem
made, names = warehouse.Lake(warehouse.Layout(folder.parent / "ours" / "ecosystem")), folder.parent / "names.json"
tables = [each for each in vars(ecosystem).values() if isinstance(each, ecosystem.Table)]
if folder.name == "ours":
    scanned = [warehouse.scan_remote(remote, folder) for remote in remotes]
    warehouse.write_ecosystem(warehouse.learn(scanned), lake, warehouse.Size({size.resources}, {size.events}))
else:
    names.write_text(json.dumps([each.name for each in (*tables, *warehouse.MARTS)]))
    for table, key in [(table, key) for table in tables for key in made.partitions(table)]:
        rows = polars.concat([polars.read_parquet(file, hive_partitioning=False) for file in made.files(table, key)])
        lake.write(table, key, rows.select(table.column_names).unique(table.key, keep="first", maintain_order=True))
warehouse.compute_statistics(lake)
"""
"""Our generator makes the lake of both sides. The other one gets the tables and columns of it that it knows."""
_PUSH = """
if folder.name == "ours":
    from benchmarks.ecosystem import push_to_one
    push_to_one(lake, number)
"""
"""The other revision builds the same whatever has changed."""
_SHARED_TABLES = """
import json
from benchmarks import statements
names = json.loads((folder.parent / "names.json").read_text())
print(json.dumps([*statements.cost_of(statements.profile_build(lake), names)]))
"""


def check_out(revision: str, environments: Path = ENVIRONMENTS) -> Revision:
    """Check a revision of this repository out and install what it needs, unless an earlier call did.

    Raises:
        subprocess.CalledProcessError: the revision does not exist, or cannot be installed.
    """
    asked = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    commit = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
    folder = environments / commit[:12]
    found = Revision(revision, folder, folder / ".venv" / "bin" / "python")
    installed = folder / ".venv" / ".installed-for-bench"
    if not installed.exists():
        _clone(commit, folder)
        pip = [str(found.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", "."]
        for command in ([sys.executable, "-m", "venv", str(folder / ".venv")], pip):
            subprocess.run(command, check=True, cwd=folder, timeout=INSTALL_SECONDS)
        installed.touch()
    return found


def against_lines(
    chosen: Sequence[str],
    remotes: Sequence[Path],
    long: Path,
    sizes: tuple[Size, int, int, FleetSize],
    theirs: Revision,
    folder: Path,
    repeats: int,
    ours: Revision = OURS,
) -> Iterator[Line]:
    """The chosen benchmarks that both sides know, with the sizes of the ecosystem, sweep, idle cycle and fleet."""
    size, swept, idle, fleet = sizes
    works = [*_scans(remotes, long), *_runs(remotes), *_others(remotes, size, swept, idle)]
    works += _fleets(make_fleet(folder / "fleet", fleet), fleet) if "fleet" in chosen else []
    tips = []
    for number, work in enumerate(work for work in works if work.group in chosen):
        line = compare(work, ours, theirs, folder / f"against-{number}", repeats)
        yield line
        tips += [line] if work.what.startswith("tip of") else []
    if len(tips) > 1:
        yield _sum(tips)


def compare(work: Work, ours: Revision, theirs: Revision, folder: Path, repeats: int) -> Line:
    """Prepare both sides, then let them work in turn, so that a change of the machine's speed concerns both."""
    sides: list[tuple[Revision, Path, list[Cost]]] = [(ours, folder / "ours", []), (theirs, folder / "theirs", [])]
    for side, place, _ in sides:
        place.mkdir(parents=True)
        if work.prepare:
            _execute(side, _program(work, work.prepare, place, 0), place, work.settings)
    for number in range(repeats):
        for side, place, costs in sides:
            costs.append(_cost(work, side, place, number))
    runs, floor = (Runs(tuple(costs)).each(work.items) for _, _, costs in sides)
    goals = [] if work.share is None else [at_most(ratio_of(runs, floor), work.share, "× theirs")]
    goals += [] if work.seconds is None else [at_most(runs.cpu, work.seconds, "s")]
    goals += [_stored_goal(*(_stored(place, work.stored) for _, place, _ in sides))] if work.stored else []
    return Line(work.group, work.what, runs, floor, tuple(goals))


def _stored(place: Path, pattern: str) -> dict[str, int]:
    """Bytes of the files and folders that a pattern finds, by name."""
    return {
        path.name: sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
        for path in place.glob(pattern)
    }


def _stored_goal(ours: Mapping[str, int], theirs: Mapping[str, int]) -> Goal:
    """The goal for the bytes of what both sides have. Tables that only one of them knows do not count."""
    both = ours.keys() & theirs.keys()
    stored, other = (sum(side[name] for name in both) / 1e6 for side in (ours, theirs))
    return Goal(f"{stored:.1f} of {other:.1f} MB stored: ≤ {STORED_GOAL:g} ×", stored <= STORED_GOAL * other)


def _scans(remotes: Sequence[Path], long: Path) -> Iterator[Work]:
    for remote in remotes:
        yield Work("scan", f"tip of {name_of(remote)}", _MIRROR.format(history=0), _LOAD_MIRROR + SCAN, (remote,))
    everything = _MIRROR.format(history="all")
    yield Work(
        "scan", f"history of {name_of(long)}", everything, _LOAD_MIRROR + SCAN, (long,), share=1, stored="0/lake/*"
    )
    yield Work("scan", f"one commit more of {name_of(long)}", everything + _ONE_BACK, _LOAD_MIRROR + _FORWARD, (long,))


def _fleets(remote: Path, size: FleetSize) -> Iterator[Work]:
    """The tip and the history of a made fleet, which both sides mirror from the same repository."""
    yield Work("fleet", tip_of(size), _MIRROR.format(history=0), _LOAD_MIRROR + SCAN, (remote,), share=0.6)
    everything, what = _MIRROR.format(history="all"), each_commit_of(size)
    yield Work("fleet", what, everything, _LOAD_MIRROR + SCAN, (remote,), items=size.commits, share=0.1)


def _runs(remotes: Sequence[Path]) -> Iterator[Work]:
    chosen = tuple(each for each in remotes if name_of(each) in RUN_TIPS) or tuple(remotes)
    settings = {"KUBESTATS_REPOSITORIES": ",".join(map(str, chosen)), "KUBESTATS_HISTORY_DAYS": "0"}
    names = f"{len(chosen)} tips"
    yield Work("run", f"first run over {names}", "", ("run",), settings=settings, share=0.6, stored="0/lake/*")
    again = Work("run", f"run with nothing new over {names}", _RUN, ("run",), settings=settings, share=0.35)
    yield again
    for command, seconds in ((("sql", "SELECT 1"), 0.3), (("status",), 0.4), (("--help",), 0.2)):
        what = f"kubestats {command[0]} beside {names}"
        yield again._replace(what=what, measured=command, share=None, seconds=seconds)
    yield Work("run", "kubestats demo", "", ("demo",), share=0.7)


def _others(remotes: Sequence[Path], size: Size, swept: int, idle: int) -> Iterator[Work]:
    prepare = _SWEEP + f"sweep.prepare({swept}, folder)"
    yield Work("sweep", f"{swept} unchanged", prepare, _SWEEP + "report(timed(sweep.sweep_again, settings))")
    prepare = _IDLE + f"idle.prepare({idle}, folder)"
    cycle = _IDLE + "report(timed(idle.launch, settings, idle.JOBS))"
    yield Work("idle", f"cycle over {idle} unchanged", prepare, cycle, share=0.6)
    build = _LAKE + "lake.layout.warehouse.unlink(missing_ok=True)\nreport(timed(warehouse.build_warehouse, lake))"
    what = f"build of {size.resources:,} resources, {size.events:,} events"
    prepare = _LAKE + _ECOSYSTEM.format(size=size)
    yield Work("warehouse", what, prepare, build, tuple(remotes), share=0.6, stored="ecosystem/*.duckdb")
    shared = f"if folder.name == 'ours':\n{indent(_SHARED_TABLES, ' ')}\nelse:\n {build.removeprefix(_LAKE)}"
    yield Work("warehouse", f"{what}, tables of both sides", prepare, _LAKE + shared, tuple(remotes), share=0.6)
    yield Work(
        "warehouse",
        "publication after one repository changed",
        prepare + "warehouse.build_warehouse(lake)\n",
        _LAKE + _PUSH + "report(timed(warehouse.build_warehouse, lake))",
        tuple(remotes),
        share=0.2,
    )


def _cost(work: Work, side: Revision, place: Path, number: int) -> Cost:
    if isinstance(work.measured, str):
        printed = _execute(side, _program(work, work.measured, place, number), place, work.settings)
        return Cost(*json.loads(printed.splitlines()[-1]))
    data_dir = place / "data" if work.prepare else place / str(number)
    command = [str(side.python), "-m", "kubestats_pipeline.cli", *work.measured]
    return _watched(command, side.folder, _environment(work.settings, place, data_dir))


def _program(work: Work, body: str, place: Path, number: int) -> str:
    remotes = [str(remote) for remote in work.remotes]
    return _BEGIN.format(folder=str(place), remotes=remotes, number=number) + body


def _execute(side: Revision, program: str, place: Path, settings: Mapping[str, str]) -> str:
    """Run a program of one side, and return its output.

    Raises:
        RuntimeError: it failed. The message holds the end of its error output.
    """
    environment = _environment(settings, place, place / "data")
    command = [str(side.python), "-c", program]
    done = subprocess.run(
        command, cwd=side.folder, env=environment, capture_output=True, text=True, timeout=WORK_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{side.name} failed at its part of the work: …{done.stderr[-2000:]}")
    return done.stdout


def _watched(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """A whole process with its children, from the interpreter's start on.

    Raises:
        RuntimeError: it ended with another status than 0.
    """
    quiet, start = subprocess.DEVNULL, time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} ended with status {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e6)


def _environment(settings: Mapping[str, str], place: Path, data_dir: Path) -> dict[str, str]:
    """The environment with the settings of the work, and without the user's file, which may be in the checkout."""
    file = place / "kubestats.yaml"
    file.write_text("{}\n", encoding="utf-8")
    own = {"KUBESTATS_GITHUB__TOPICS": "", "KUBESTATS_CONFIG": str(file), "KUBESTATS_DATA_DIR": str(data_dir)}
    return {**os.environ, **own, **settings}


def _sum(lines: Sequence[Line]) -> Line:
    """The cheapest executions of the tips together."""
    ours, theirs = (
        Runs((Cost(sum(each.cpu for each in runs), sum(each.wall for each in runs), max(e.peak_mb for e in runs)),))
        for runs in ([line.runs for line in lines], [line.floor for line in lines if line.floor])
    )
    goal = at_most(ratio_of(ours, theirs), TIPS_GOAL, "× theirs")
    return Line(lines[0].group, f"all {len(lines)} tips together", ours, theirs, (goal,))


def _clone(commit: str, folder: Path) -> None:
    if not (folder / ".git").exists():
        command = ["git", "clone", "--quiet", "--shared", "--no-checkout", str(ROOT), str(folder)]
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
    subprocess.run(["git", "-C", str(folder), "checkout", "--quiet", "--detach", commit], check=True, timeout=60)
