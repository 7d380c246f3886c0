"""Cycles and parts of them, run for the terminal: in a thread of their own, with progress bars and a summary."""

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.explained import INTERRUPTED
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.cycle import Cycle, run_cycle, run_some
from kubestats_pipeline.settings import Settings

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

    from dagster import DagsterInstance


def cycle_over(settings: Settings, sources: Sequence[str] = ()) -> bool:
    """Run a cycle and show it. Gives True if nothing has failed."""
    return _run(settings, lambda services, instance: run_cycle(services, instance, sources))


def cycle_of(settings: Settings, names: Sequence[str]) -> bool:
    """Sync and scan some repositories, publish, and show it. Gives True if nothing has failed."""
    return _run(settings, lambda services, instance: run_some(services, instance, names))


def _run(settings: Settings, work: Callable[[Services, "DagsterInstance"], Cycle]) -> bool:
    layout = Layout(settings.data_dir)
    as_json = settings.log_format == "json"
    sys.unraisablehook = _show_unraisable
    with open_instance(layout) as instance, terminal.open_progress(as_json=as_json) as progress:
        cycle = _interruptible(partial(work, Services(settings, progress), instance))
    terminal.show_cycle(cycle, layout, as_json=as_json)
    return cycle.succeeded


def _show_unraisable(unraisable: "UnraisableHookArgs") -> None:
    """Show errors that Python cannot raise, but for Dagster's generators that go on when they are closed.

    They do so where Dagster's own storage cannot be written, which is reported anyway.
    """
    code = getattr(unraisable.object, "gi_code", None)
    is_of_dagster = code is not None and "dagster" in Path(code.co_filename).parts
    if not is_of_dagster or "ignored GeneratorExit" not in str(unraisable.exc_value):
        sys.__unraisablehook__(unraisable)


def _interruptible(work: Callable[[], Cycle]) -> Cycle:
    """Do the work in a thread, for in the main one Dagster would take an interrupt for a step's failure and go on.

    An interrupt ends the process at once. That is safe: whatever was under way, the next run ends where this one would
    have, and marks what Dagster still takes for running as failed.
    """
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            terminal.show_error("interrupted. Nothing is lost, run it again to go on")
            os._exit(INTERRUPTED)
