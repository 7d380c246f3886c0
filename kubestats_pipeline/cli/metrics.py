"""The state of an installation in numbers, as Prometheus reads them: `kubestats metrics`.

Everything is read from the lake, the published file and Dagster's storage as they lie on the disk. Nothing is asked of
a host and nothing is changed. Unreadable files are counted. `doctor.py` says in words what is wrong and what to do.
"""

import datetime
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from prometheus_client import CollectorRegistry, Gauge, generate_latest, write_to_textfile

from kubestats_pipeline.cli.status import RepositorySummary, read_status
from kubestats_pipeline.lake.health import FAILED
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.lake.vocabulary import RepositoryStatus
from kubestats_pipeline.orchestration.base.dagster_home import last_heartbeats, open_instance
from kubestats_pipeline.settings import Settings

RUNS_OF = datetime.timedelta(days=1)
"""How far back runs are counted."""


@dataclass(frozen=True)
class Measure:
    """One number: its name and description, and the labels that distinguish it from others of that name."""

    name: str
    meaning: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


def measure(settings: Settings, now: datetime.datetime) -> Iterator[Measure]:
    """All numbers of an installation.

    Raises:
        LakeError: the table of repositories is damaged.
    """
    layout = settings.layout
    statuses = [status for status in read_status(layout) if status.status == "active"]
    yield from _repositories(Lake(layout))
    yield from _work(statuses)
    yield from _times(Lake(layout), statuses)
    yield from _files(layout)
    if layout.dagster_home.is_dir():
        yield from _dagster(layout, now)


def render(measures: Iterable[Measure]) -> bytes:
    """The numbers in Prometheus' text format."""
    return generate_latest(_register(measures))


def write(measures: Iterable[Measure], path: Path) -> None:
    """Replace a file by the numbers at once, as node_exporter's textfile collector needs it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), _register(measures))


def _register(measures: Iterable[Measure]) -> CollectorRegistry:
    registry, gauges = CollectorRegistry(), dict[str, Gauge]()
    for measure in measures:
        if measure.name not in gauges:
            name, labels = f"kubestats_{measure.name}", list(measure.labels)
            gauges[measure.name] = Gauge(name, measure.meaning, labels, registry=registry)
        gauge = gauges[measure.name]
        (gauge.labels(**measure.labels) if measure.labels else gauge).set(measure.value)
    return registry


def _repositories(lake: Lake) -> Iterator[Measure]:
    partition = lake.read(REPOSITORIES)
    counts = Counter(partition.rows["status"].to_list() if partition else ())
    for status in sorted({*get_args(RepositoryStatus), *counts}):
        yield Measure("repositories", "Repositories ever seen, by status.", counts[status], {"status": status})


def _work(statuses: list[RepositorySummary]) -> Iterator[Measure]:
    meaning = "Active repositories whose last attempt failed, by stage. Unreadable are damaged files of the lake."
    failed = {
        "sync": sum(status.sync_status in FAILED for status in statuses),
        "scan": sum(status.scan_status in FAILED for status in statuses),
        "unreadable": sum(status.sync_status == "unreadable" for status in statuses),
    }
    for stage, count in failed.items():
        yield Measure("repositories_failed", meaning, count, {"stage": stage})
    unsupported = sum(status.sync_status == "unsupported" for status in statuses)
    meaning = "Active repositories in a format that git here cannot read."
    yield Measure("repositories_unsupported", meaning, unsupported)
    behind = sum(status.head_commit is not None and status.head_commit != status.scanned_commit for status in statuses)
    yield Measure("repositories_unscanned", "Active repositories whose head is not scanned yet.", behind)
    yield Measure("resources", "Active Kubernetes resources.", sum(status.resources for status in statuses))
    yield Measure("resource_events", "Events in the logs.", sum(status.events for status in statuses))
    yield Measure(
        "scan_problems", "Files that cannot be read, by class and file.", sum(status.problems for status in statuses)
    )


def _times(lake: Lake, statuses: list[RepositorySummary]) -> Iterator[Measure]:
    """When each stage last did something, where it ever did."""
    partition = lake.read(REPOSITORIES)
    newest = {
        "discover": [time for time in partition.rows["last_seen_at"].to_list() if time] if partition else [],
        "sync": [status.last_sync_at for status in statuses if status.last_sync_at],
        "scan": [status.last_scan_at for status in statuses if status.last_scan_at],
    }
    meaning = "When a stage last wrote a row, or the warehouse was published or found to hold what the lake holds."
    for stage, times in newest.items():
        if times:
            yield Measure("last_activity_timestamp_seconds", meaning, max(times).timestamp(), {"stage": stage})
    if lake.layout.warehouse.is_file():
        confirmed = (path for path in (lake.layout.warehouse, lake.layout.basis) if path.is_file())
        published = max(path.stat().st_mtime for path in confirmed)
        yield Measure("last_activity_timestamp_seconds", meaning, published, {"stage": "publish"})


def _files(layout: Layout) -> Iterator[Measure]:
    if layout.warehouse.is_file():
        yield Measure("warehouse_size_bytes", "Size of the published file.", layout.warehouse.stat().st_size)
    if layout.data_dir.is_dir():
        free = shutil.disk_usage(layout.data_dir).free
        yield Measure("disk_free_bytes", "Free space where the data directory lies.", free)


def _dagster(layout: Layout, now: datetime.datetime) -> Iterator[Measure]:
    from dagster import DagsterRunStatus, RunsFilter

    with open_instance(layout) as instance:
        for daemon, heartbeat in sorted(last_heartbeats(instance).items()):
            meaning = "Last sign of life of each of Dagster's daemons."
            yield Measure("daemon_heartbeat_timestamp_seconds", meaning, heartbeat.timestamp(), {"daemon": daemon})
        for status in (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED):
            runs = instance.get_runs_count(RunsFilter(statuses=[status], created_after=now - RUNS_OF))
            meaning = "Runs of the last 24 hours that have ended, by status."
            yield Measure("dagster_runs_ended_24h", meaning, runs, {"status": status.value.lower()})
        waiting = instance.get_runs_count(RunsFilter(statuses=[DagsterRunStatus.QUEUED]))
        yield Measure("dagster_runs_queued", "Runs that wait for their turn.", waiting)
