"""What one repository, commit, event and publication cost, in CPU seconds, bytes and requests: for docs/scale.md.

The repositories are those of the corpus with the default depth of history, and the lake that `ecosystem.py` makes of
them. Remotes are on this disk and GitHub is on loopback, so git's and GitHub's own time is that of processes here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import discovery, idle, pages, scan, sweep, warehouse
from benchmarks.ecosystem import Size, learn, push_to_one, write_ecosystem
from benchmarks.inputs import Mirrored, first_parents, mirror, name_of
from benchmarks.measure import Cost, machine_facts, measure, repeat
from kubestats_pipeline.discover.configured import sources_from
from kubestats_pipeline.discover.discover import discover
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.scan.outcomes import Scanned
from kubestats_pipeline.settings import load_settings
from kubestats_pipeline.warehouse.build import build_warehouse

MORE_COMMITS = 20
"""First-parent commits that a scan brings after an earlier one, at most."""


@dataclass(frozen=True)
class Unit:
    """One cost.

    Attributes:
        what: what was done or kept, with the numbers that the amount was divided by.
        amount: how much it took for each one.
        unit: of the amount: "CPU ms", "kB", "requests".
        per: what one is: "repository", "commit", "event".
    """

    what: str
    amount: float
    unit: str
    per: str


@dataclass(frozen=True)
class Read:
    """One repository of the corpus, fetched and scanned, with the costs of both and of some commits more."""

    mirrored: Mirrored
    scanned: Scanned
    commits: int
    fetching: Cost
    scanning: Cost
    more: Cost
    more_commits: int


def show_units(remotes: Sequence[Path], folder: Path, size: Size, counts: tuple[int, int], console: Console) -> None:
    """Print all units as a table. `counts` are the repositories of the sweep and those of the little GitHub."""
    console.print("  ".join(f"{name} {value}" for name, value in machine_facts()), highlight=False)
    table = Table("what", "amount", "unit", "per")
    table.columns[1].justify = "right"
    read = [read_remote(remote, folder / "read") for remote in remotes]
    for units in (
        repository_units(read),
        sweep_units(counts[0], folder / "sweep"),
        request_units(counts[1], folder / "discovery"),
        publication_units([each.mirrored.lake for each in read], folder / "ecosystem", size),
    ):
        for unit in units:
            table.add_row(unit.what, f"{unit.amount:,.4g}", unit.unit, unit.per)
    console.print(table)


def read_remote(remote: Path, folder: Path) -> Read:
    """Fetch and scan a remote, then scan it again from some commits back."""
    data_dir = folder / name_of(remote)
    fetched = measure(mirror, remote, data_dir, warehouse.HISTORY_DAYS)
    mirrored, head = fetched.value, fetched.value.span.head
    scanned = measure(scan.scan, mirrored, head)
    commits = first_parents(mirrored.folder)
    back = min(MORE_COMMITS, len(commits) - 1)
    if not back:
        return Read(mirrored, scanned.value, 1, fetched.cost, scanned.cost, Cost(0, 0, 0), 0)
    earlier = data_dir.with_name(f"{data_dir.name}-earlier")
    measure(scan.scan, mirrored, commits[back], earlier)
    more = measure(scan.scan, mirrored, head, earlier)
    return Read(mirrored, scanned.value, len(commits), fetched.cost, scanned.cost, more.cost, back)


def repository_units(read: Sequence[Read]) -> Iterator[Unit]:
    """Fetching, scanning, and what both leave on the disk."""
    count, commits = len(read), sum(each.commits for each in read)
    events, resources = (sum(getattr(each.scanned, name) for each in read) for name in ("events", "resources"))
    of_all = f"{count} repositories, {commits:,} commits, {resources:,} resources, {events:,} events"
    fetching, scanning, more = (
        sum(getattr(each, name).cpu for each in read) * 1000 for name in ("fetching", "scanning", "more")
    )
    mirrors, lakes = (
        sum(size_of(place) for place in places)
        for places in (
            [each.mirrored.folder for each in read],
            [each.mirrored.lake.layout.lake for each in read],
        )
    )
    objects = sum(len(_files(each.mirrored.lake.layout.lake)) for each in read)
    yield Unit(f"first fetch: {of_all}", fetching / count, "CPU ms", "repository")
    yield Unit("first scan of the same", scanning / count, "CPU ms", "repository")
    yield Unit("first scan of the same", scanning / commits, "CPU ms", "commit")
    yield Unit("first scan of the same", scanning / events, "CPU ms", "event")
    added = sum(each.more_commits for each in read)
    yield Unit(f"a later scan that brings {added:,} commits in all", more / added, "CPU ms", "commit")
    yield Unit("mirrors of the same", mirrors / count / 1e6, "MB", "repository")
    yield Unit("lake of the same", lakes / count / 1e3, "kB", "repository")
    yield Unit("lake of the same", lakes / events, "bytes", "event")
    yield Unit("lake of the same", objects / count, "objects", "repository")


def sweep_units(count: int, folder: Path) -> Iterator[Unit]:
    """A sweep in which nothing has changed, and the processes of Dagster around it."""
    settings = sweep.prepare(count, folder)
    unchanged = repeat(3, sweep.sweep_again, settings).cpu * 1000
    yield Unit(f"sync and scan of {count} unchanged ones", unchanged / count, "CPU ms", "repository")
    (folder / "nothing").mkdir()
    empty = load_settings(data_dir=folder / "empty", repositories=[str(folder / "nothing")])
    started = repeat(3, idle.launch, empty, idle.JOBS).cpu
    yield Unit("a run that finds no work", started / len(idle.JOBS), "CPU s", "run")


def request_units(count: int, folder: Path) -> Iterator[Unit]:
    """Calls to GitHub's API of a first discovery of a day and of a later one, and git's own requests."""
    found = measure(discovery.discover_twice, count, folder / "api", discovery.TOKEN)
    for what, calls in zip(("first", "later"), found.value, strict=True):
        for bucket, number in sorted(calls.items()):
            told = f"{what} discovery of a day, {count:,} found: {bucket}"
            yield Unit(told, number / count, "requests", "repository")
    yield Unit("a discovery, with GitHub's part on loopback", found.cost.cpu * 500 / count, "CPU ms", "repository")
    first, again = git_requests(folder / "git")
    yield Unit("first fetch over HTTP", first, "requests", "repository")
    yield Unit("a look at an unchanged one over HTTP", again, "requests", "repository")


def git_requests(folder: Path) -> tuple[int, int]:
    """Requests to a git server for a first fetch, and for a sync that finds nothing new."""
    remotes = sweep.copy_sample(1, folder)
    with import_module("kubestats_pipeline_tests.sync.git_server").serve(remotes) as server:
        settings = load_settings(data_dir=folder / "data", repositories=[f"{server.url}/owner0/cluster0.git"])
        services = Services(settings)
        discover(services.lake, sources_from(settings), services.now())
        made = []
        for _ in range(2):
            server.authorizations.clear()  # one entry a request
            sweep.sweep(settings)
            made.append(len(server.authorizations))
    return made[0], made[1]


def publication_units(lakes: Sequence[Lake], folder: Path, size: Size) -> Iterator[Unit]:
    """Statistics, whole and partial publications, and the pages, with their sizes."""
    lake = Lake(Layout(folder))
    events = write_ecosystem(learn(lakes), lake, size)
    what = f"{size.repositories:,} repositories, {size.resources:,} resources, {events:,} events"
    yield Unit(f"lake of {what}", size_of(lake.layout.lake) / size.repositories / 1e3, "kB", "repository")
    days = measure(warehouse.compute_statistics, lake)
    yield Unit(f"statistics of {days.value:,} days", days.cost.cpu, "CPU s", "publication")
    built = measure(build_warehouse, lake)
    yield from _build_units("whole build", built.cost, events)
    yield Unit("published file", built.value.size_bytes / events, "bytes", "event")
    made = measure(pages.build_pages, lake)
    yield Unit(f"{made.value.pages:,} pages, all", made.cost.cpu, "CPU s", "publication")
    yield Unit("pages", size_of(lake.layout.report) / size.resources / 1e3, "kB", "resource")
    yield Unit("pages", len(_files(lake.layout.report.resolve())) / size.resources, "files", "resource")
    push_to_one(lake, 0)
    yield from _build_units("build after one push", measure(build_warehouse, lake).cost, events)
    changed = measure(pages.build_pages, lake)
    yield Unit(f"pages after one push, {changed.value.written:,} files", changed.cost.cpu, "CPU s", "publication")


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in _files(folder.resolve()))


def _build_units(what: str, cost: Cost, events: int) -> Iterator[Unit]:
    yield Unit(what, cost.cpu, "CPU s", "publication")
    yield Unit(what, cost.cpu * 1e6 / events, "CPU µs", "event")
    yield Unit(what, cost.peak_mb, "MB of memory", "publication")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
