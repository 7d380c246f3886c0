"""Cycles and parts of them, run for the terminal: in a thread of their own, with progress bars and a summary."""

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.explained import INTERRUPTED, after_interrupt
from kubestats_pipeline.cli.progress import RichProgress
from kubestats_pipeline.discover.entries import is_github_name
from kubestats_pipeline.hosts.github.costs import describe_first_calls
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.repositories import read_rows
from kubestats_pipeline.orchestration.base.context import Progress, Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.cycle import Cycle, run_cycle, run_some
from kubestats_pipeline.settings import Settings

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

    from dagster import DagsterInstance


UNWRITTEN = "Exception while writing logger call to event log"
"""The beginning of several lines, of which the last ones are SQL."""


def cycle_over(settings: Settings, sources: Sequence[str] = (), *, command: str = "run") -> bool:
    """Run a cycle and show it, for a command that would go on after an interrupt. Gives True if nothing has failed."""
    return _run(settings, lambda services, instance: run_cycle(services, instance, sources), command)


def tell_costs(settings: Settings, sources: Sequence[str] = ()) -> None:
    """Say before a first run without a token what it takes from GitHub's limits. Later ones take less."""
    if settings.github.token is not None or settings.log_format == "json" or read_rows(Lake(settings.layout)):
        return
    named = [entry for entry in settings.repositories if is_github_name(entry, git_url=settings.github.git_url)]
    topics = len(settings.topics) if not sources or "github" in sources else 0
    names = len(named) if not sources or "list" in sources else 0
    if text := describe_first_calls(topics, names, settings.max_repositories):
        terminal.show_line(text)


def cycle_of(settings: Settings, names: Sequence[str]) -> bool:
    """Sync and scan some repositories, publish, and show it. Gives True if nothing has failed."""
    return _run(settings, lambda services, instance: run_some(services, instance, names), "sync")


def _run(settings: Settings, work: Callable[[Services, "DagsterInstance"], Cycle], command: str) -> bool:
    layout = settings.layout
    as_json = settings.log_format == "json"
    sys.unraisablehook = _show_unraisable
    with (
        redirect_stderr(cast("IO[str]", _QuietErrors(sys.stderr))),
        open_instance(layout) as instance,
        terminal.open_progress(as_json=as_json) as progress,
    ):
        cycle = _interruptible(partial(work, Services(settings, progress), instance), progress, command)
    terminal.show_cycle(cycle, layout, as_json=as_json)
    return cycle.succeeded


class _QuietErrors:
    """Standard error without what Dagster writes there where its own storage cannot be written: it is raised too."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return len(text) if text.startswith(UNWRITTEN) else self._file.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _show_unraisable(unraisable: "UnraisableHookArgs") -> None:
    """Show errors that Python cannot raise, but for Dagster's generators that go on when they are closed.

    They do so where Dagster's own storage cannot be written, which is reported anyway.
    """
    code = getattr(unraisable.object, "gi_code", None)
    is_of_dagster = code is not None and "dagster" in Path(code.co_filename).parts
    if not is_of_dagster or "ignored GeneratorExit" not in str(unraisable.exc_value):
        sys.__unraisablehook__(unraisable)


def _interruptible(work: Callable[[], Cycle], progress: Progress, command: str) -> Cycle:
    """Do the work in a thread, for in the main one Dagster would take an interrupt for a step's failure and go on.

    An interrupt ends the process at once. That is safe: whatever was under way, the next run ends where this one would
    have, and marks what Dagster still takes for running as failed.
    """
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            if isinstance(progress, RichProgress):
                progress.stop()  # it would leave the terminal without a cursor
            terminal.show_error(after_interrupt(command))
            os._exit(INTERRUPTED)
