"""Cost of a sweep over repositories without changes: sync and scan alone, and as Dagster's jobs.

The repositories are copies of the sample's under other names. They are remotes on this disk, so git's share is that of
its processes and not of a network.
"""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks import floors
from benchmarks.measure import Runs, repeat
from benchmarks.report import Goal, Line, at_most
from kubestats_pipeline.discover.configured import sources_from
from kubestats_pipeline.discover.discover import discover
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.base.console_log import QUIET
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.sample.build import build_sample
from kubestats_pipeline.scan.outcomes import Scanned, UpToDate
from kubestats_pipeline.scan.scan import scan_all
from kubestats_pipeline.settings import Settings, load_settings
from kubestats_pipeline.sync import outcomes
from kubestats_pipeline.sync.outcomes import Synced
from kubestats_pipeline.sync.retries import due
from kubestats_pipeline.sync.sync import sync_all

GROUP = "sweep"
GOAL_MS = 30
CHANGED = Synced | Scanned
UNCHANGED = outcomes.Unchanged | UpToDate
JOBS = ("sync_repositories", "scan_repositories")


def sweep_lines(count: int, folder: Path, repeats: int) -> Iterator[Line]:
    """An unchanged sweep, per repository, then the same as Dagster's jobs."""
    settings = prepare(count, folder)
    urls = [repository.clone_url for repository in Services(settings).repositories().values()]
    floor = repeat(repeats, floors.list_remotes, urls).each(count)
    plain = repeat(repeats, sweep_again, settings).each(count)
    yield Line(GROUP, f"each of {count} unchanged, floor: git ls-remote", plain, floor, (_goal(plain),))
    execute(settings)  # Dagster's storage is made by the first run
    jobs = repeat(repeats, execute, settings).each(count)
    yield Line(GROUP, f"each of {count} as Dagster jobs, floor: the line above", jobs, plain, (_goal(jobs),))
    idle = repeat(repeats, execute, _empty_installation(folder))
    yield Line(GROUP, "Dagster's own part: the same two jobs over no repository", idle)


def prepare(count: int, folder: Path) -> Settings:
    """Make the remotes and the results of a first cycle, outside any measurement.

    Raises:
        RuntimeError: one of them could not be scanned, so that a sweep over it would measure something else.
    """
    remotes = copy_sample(count, folder)
    settings = load_settings(data_dir=folder / "data", repositories=[str(remotes)], history_days=0)
    services = Services(settings)
    discover(services.lake, sources_from(settings), services.now())
    sweep(settings)
    return settings


def copy_sample(count: int, folder: Path) -> Path:
    """Make `count` bare repositories with the sample's content, and return the folder above them."""
    originals = itertools.cycle(build_sample(folder / "sample"))
    for number, original in zip(range(count), originals, strict=False):
        shutil.copytree(original, folder / "remotes" / f"owner{number % 10}" / f"cluster{number}.git")
    return folder / "remotes"


def sweep(settings: Settings) -> int:
    """Sync and scan every repository that is due, as the two jobs do, and return the number of changed ones.

    Raises:
        RuntimeError: one of them failed.
    """
    services = Services(settings)
    lake, known = services.lake, list(services.repositories().values())
    synced = [each.outcome for each in sync_all(due(known, lake, services.now()), settings, lake, None, services.now)]
    scanned = [outcome for _, outcome in scan_all(known, lake, settings, None, services.now)]
    failed = [each for each in (*synced, *scanned) if not isinstance(each, CHANGED | UNCHANGED)]
    if failed or len(synced) != len(known):
        raise RuntimeError(f"{len(failed)} steps of the sweep failed, the first with {failed[:1]}")
    return sum(isinstance(outcome, Scanned) for outcome in scanned)


def sweep_again(settings: Settings) -> None:
    """Make a sweep in which nothing may have changed.

    Raises:
        RuntimeError: something had changed, so that more than an unchanged sweep was measured.
    """
    if changed := sweep(settings):
        raise RuntimeError(f"{changed} repositories changed during the benchmark")


def execute(settings: Settings) -> None:
    """Make a sweep through Dagster, in this process, as a schedule's tick asks for it."""
    services = Services(settings)
    definitions = build_definitions(services)
    with open_instance(services.lake.layout) as instance:
        for job in JOBS:
            definitions.resolve_job_def(job).execute_in_process(instance=instance, run_config=QUIET)


def _goal(runs: Runs) -> Goal:
    return at_most(runs.cpu * 1000, GOAL_MS, "ms")


def _empty_installation(folder: Path) -> Settings:
    """An installation without repositories, whose Dagster storage exists."""
    settings = load_settings(data_dir=folder / "empty", github={"topics": []})
    execute(settings)
    return settings
