"""`kubestats doctor`: examines everything that the pipeline needs and says what to do where it is wrong.

Each examination gives one `Diagnosis` and changes nothing.
"""

import datetime
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb

from kubestats_pipeline.cli.answers.interrupts import stopping
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.git import command as git
from kubestats_pipeline.hosts.errors import HostError
from kubestats_pipeline.hosts.github.health import describe_github
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import read_repositories, read_rows
from kubestats_pipeline.lake.tables import REPOSITORIES, TABLES
from kubestats_pipeline.orchestration.base.dagster_home import HomeError, last_heartbeats, open_instance
from kubestats_pipeline.orchestration.base.dagster_private import storage_errors
from kubestats_pipeline.scan.kinds.registry import load_scanners
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.warehouse.connect import open_to_read
from kubestats_pipeline.warehouse.verify import verify

OLDEST_GIT = (2, 31)
"""The first that takes its configuration from the environment (`GIT_CONFIG_COUNT`), as `git/command.py` gives it."""

LITTLE_DISK_GB = 2

SILENT_AFTER = datetime.timedelta(minutes=5)
"""A daemon gives a sign of life every half minute. After so long it is taken for dead."""

OLD_AFTER = datetime.timedelta(days=1)
"""Younger data never cause a warning, whatever the cadence."""


@dataclass(frozen=True)
class Diagnosis:
    """The result of one examination: `ok`, `warning` or `failed`."""

    subject: str
    mark: str
    text: str


def examine(settings: Settings) -> Iterator[Diagnosis]:
    """All examinations, one after another."""
    layout = settings.layout
    yield _examine_git()
    yield _examine_github(settings, _has_samples_alone(layout))
    yield _examine_disk(layout)
    yield _reading("lake", _examine_lake, layout)
    yield _reading("warehouse", _examine_warehouse, layout)
    yield Diagnosis(
        "scanners", "ok", f"{len(load_scanners())} kinds have a scanner of their own, all others the generic one"
    )
    yield _reading("dagster", _examine_storage, layout)
    yield _reading("daemons", _examine_daemons, layout)
    yield _reading("age", _examine_age, layout)


def _reading(subject: str, examine: Callable[[Layout], Diagnosis], layout: Layout) -> Diagnosis:
    """An examination whose files may be unreadable: that is a finding too, and the next one goes on."""
    try:
        return examine(layout)
    except ExplainedError as error:
        return Diagnosis(subject, "failed", str(error))
    except OSError as error:
        path = error.filename or layout.data_dir
        return Diagnosis(subject, "failed", f"{path}: {error.strerror}. See its permissions")


def _examine_git() -> Diagnosis:
    try:
        version = git.run(["version"]).decode().strip()
    except git.GitError as error:
        return Diagnosis("git", "failed", str(error))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST_GIT:
        oldest = ".".join(map(str, OLDEST_GIT))
        return Diagnosis("git", "failed", f"{version} is too old. Install {oldest} or later")
    return Diagnosis("git", "ok", version)


def _has_samples_alone(layout: Layout) -> bool:
    """True after `kubestats demo`, which works without a network."""
    try:
        urls = [row["clone_url"] for row in read_rows(Lake(layout)) if row["status"] == "active"]
    except (LakeError, OSError):  # other examinations tell
        return False
    return bool(urls) and all(url.startswith(f"{layout.sample.as_uri()}/") for url in urls)


def _examine_github(settings: Settings, samples_alone: bool) -> Diagnosis:
    """The answer of the API: to whom, and how many calls are left. A failure counts only where it is used."""
    try:
        return Diagnosis("github", "ok", describe_github(settings.github))
    except HostError as error:
        mark = "failed" if settings.topics and not samples_alone else "warning"
        who = "with a token" if settings.github.token else "without a token"
        return Diagnosis("github", mark, f"{settings.github.api_url} {who}: {error}")


def _examine_disk(layout: Layout) -> Diagnosis:
    try:
        layout.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=layout.data_dir) as file:
            file.write(b"kubestats")
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(layout.data_dir).free / 1e9
    except OSError as error:
        return Diagnosis("disk", "failed", f"{layout.data_dir} cannot be written: {error.strerror}. Unlock or free it")
    mark = "ok" if free > LITTLE_DISK_GB else "warning"
    return Diagnosis("disk", mark, f"{layout.data_dir} is writable, {free:.1f} GB are free")


def _examine_lake(layout: Layout) -> Diagnosis:
    """Read every partition: the damaged ones are named."""
    lake, damaged, rows = Lake(layout).pulled(), [], 0
    for table in TABLES.values():
        for partition in lake.partitions(table):
            try:
                found = lake.read(table, partition)
            except LakeError as error:
                damaged.append(str(error))
                continue
            rows += len(found.rows) if found else 0
    if damaged:
        more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
        return Diagnosis("lake", "failed", damaged[0] + more)
    return Diagnosis("lake", "ok", f"{rows} rows of {len(read_repositories(lake))} active repositories can be read")


def _examine_warehouse(layout: Layout) -> Diagnosis:
    path = layout.warehouse
    if not path.is_file():
        return Diagnosis("warehouse", "warning", f"{path} is not published yet. Run `kubestats run`")
    try:
        with open_to_read(path) as connection, stopping(connection):
            violations = verify(connection)
            built = connection.execute("SELECT built_at FROM warehouse_info").fetchone()
    except duckdb.Error as error:
        return Diagnosis("warehouse", "failed", f"{path}: {type(error).__name__}. Delete it and run `kubestats run`")
    if violations:
        return Diagnosis("warehouse", "failed", f"{violations[0].table}: {violations[0].count} {violations[0].detail}")
    age = datetime.datetime.now(datetime.UTC) - built[0] if built else datetime.timedelta()
    hours = age.total_seconds() / 3600
    return Diagnosis("warehouse", "ok", f"{path}, built {hours:.1f} hours ago, keeps its invariants")


def _examine_storage(layout: Layout) -> Diagnosis:
    try:
        with open_instance(layout) as instance:
            runs = instance.get_runs_count()
    except _storage_failures() as error:
        return Diagnosis("dagster", "failed", f"{layout.dagster_home}: {_first_line(error)}")
    return Diagnosis("dagster", "ok", f"{layout.dagster_home} holds {runs} runs")


def _examine_daemons(layout: Layout) -> Diagnosis:
    """The daemons that start schedules and sensors. They never ran where all is run by `kubestats run`."""
    try:
        with open_instance(layout) as instance:
            beats = last_heartbeats(instance)
    except _storage_failures() as error:
        return Diagnosis("daemons", "failed", f"{layout.dagster_home}: {_first_line(error)}")
    if not beats:
        return Diagnosis("daemons", "ok", "none has ever run. Schedules and sensors only run under `kubestats dev`")
    now = datetime.datetime.now(datetime.UTC)
    silent = sorted(name.lower() for name, beat in beats.items() if now - beat > SILENT_AFTER)
    if silent:
        last = max(beats.values())
        text = f"no sign of life of {', '.join(silent)} since {last:%Y-%m-%d %H:%M} UTC. Start `kubestats dev`"
        return Diagnosis("daemons", "warning", text)
    return Diagnosis("daemons", "ok", f"{len(beats)} daemons are alive")


def _storage_failures() -> tuple[type[Exception], ...]:
    return (HomeError, *storage_errors())


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _examine_age(layout: Layout) -> Diagnosis:
    """When discovery last saw a repository: everything else follows from it, or has its own examination."""
    try:
        partition = Lake(layout).read(REPOSITORIES)
    except LakeError as error:
        return Diagnosis("age", "failed", str(error))
    seen = partition.rows["last_seen_at"].max() if partition else None
    if not isinstance(seen, datetime.datetime):
        return Diagnosis("age", "warning", "nothing was discovered yet. Run `kubestats run`")
    age = datetime.datetime.now(datetime.UTC) - seen
    text = f"the last discovery was {age.total_seconds() / 3600:.1f} hours ago"
    if age > OLD_AFTER:
        return Diagnosis("age", "warning", f"{text}. Run `kubestats run`, or leave `kubestats dev` running")
    return Diagnosis("age", "ok", text)
