"""Dagster's home below the data directory: made once, by one process, with the policies of `dagster.yaml`."""

import datetime
import shutil
from importlib.resources import as_file, files
from pathlib import Path

import dagster as dg

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.locks import BusyError, hold_until_exit, locked
from kubestats_pipeline.orchestration.base.dagster_private import open_quickly

CONFIGURATION = "dagster.yaml"


class HomeError(ExplainedError):
    """Dagster's home cannot be made. The text says what to do."""


def prepare_home(layout: Layout) -> Path:
    """Make the home and its storage where they are missing, and give its path.

    A lock keeps two processes from initialising the storage at once, which would corrupt it for good. A `dagster.yaml`
    that is there already is left as it is.

    Raises:
        HomeError: the folder cannot be written.
    """
    home = layout.dagster_home
    try:
        home.mkdir(parents=True, exist_ok=True)
        with locked(home / CONFIGURATION, wait=60):
            _initialise(home)
    except OSError as error:
        raise HomeError(
            f"{home} cannot be written: {error.strerror}. Free or unlock the disk, or set data_dir"
        ) from error
    return home


def open_instance(layout: Layout) -> dg.DagsterInstance:
    """The Dagster instance of the data directory, made where it is missing.

    Raises:
        HomeError: the folder cannot be written.
    """
    return open_quickly(prepare_home(layout))


def claim_home(layout: Layout) -> Path:
    """Make the home and keep any other `kubestats dev` from it for as long as this process lives. Give its path.

    Raises:
        HomeError: another one works there, or the folder cannot be written.
    """
    home = prepare_home(layout)
    try:
        hold_until_exit(home / "dev", wait=2)
    except BusyError:
        raise HomeError(
            f"another `kubestats dev` works on {home}. End it, or set data_dir to a folder of its own"
        ) from None
    return home


def last_heartbeats(instance: dg.DagsterInstance) -> dict[str, datetime.datetime]:
    """The last sign of life of each of Dagster's daemons that ever gave one, by name."""
    statuses = instance.get_daemon_statuses().items()
    beats = {name: status.last_heartbeat for name, status in statuses}
    return {name: datetime.datetime.fromtimestamp(beat.timestamp, datetime.UTC) for name, beat in beats.items() if beat}


def _initialise(home: Path) -> None:
    configuration = home / CONFIGURATION
    if not configuration.exists():
        with as_file(files("kubestats_pipeline") / CONFIGURATION) as source:
            shutil.copyfile(source, configuration)
    ready = home / ".initialised"
    if not ready.exists():
        with open_quickly(home) as instance:
            instance.get_runs_count()
        ready.touch()
