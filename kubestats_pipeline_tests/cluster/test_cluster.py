"""Two workers, PostgreSQL, Redis and an S3 store: whatever is killed, the tables end as those of one machine.

Sixty repositories on a real git server are synced and scanned while people push to them. A worker, the daemon, the S3
server and PostgreSQL are killed in the middle and come back. `make test-cluster` runs it.
"""

import dataclasses
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import decode_name
from kubestats_pipeline.lake.tables import (
    APPLIED_EVENTS,
    APPLIED_RESOURCES,
    HELM_VALUES,
    RESOURCE_EVENTS,
    RESOURCES,
    SCAN_PROBLEMS,
    SCANS,
    SNAPSHOTS,
)
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.base.shares import share_of
from kubestats_pipeline.orchestration.cycle import run_cycle
from kubestats_pipeline.settings import Settings
from kubestats_pipeline_tests.builders import GitRepository, settings_for
from kubestats_pipeline_tests.cluster import services
from kubestats_pipeline_tests.cluster.nodes import Cluster, can_unshare
from kubestats_pipeline_tests.lake.lease_log import Hold, read_holds
from kubestats_pipeline_tests.orchestration.live import free_port
from kubestats_pipeline_tests.scan.world import BROKEN, chart, config, flux_path, helm_repository, release
from kubestats_pipeline_tests.sync.git_server import GitServer, serve

REPOSITORIES = 60
WORKERS = ("worker-1", "worker-2")

PATIENCE = 1800
"""Seconds within which the cluster must have come so far, however busy the machine is."""

OF_THE_CLOCK = {
    "snapshots": ("last_sync_at", "sync_run_id", "sync_status"),
    "scans": ("last_scan_at", "sync_run_id"),
    "resource_events": ("sync_run_id",),
    "applied_events": ("sync_run_id",),
}
"""Columns that say when and by which run something was done, and whether the last look found news."""

COMPARED = (RESOURCES, RESOURCE_EVENTS, SCAN_PROBLEMS, HELM_VALUES, APPLIED_RESOURCES, APPLIED_EVENTS, SCANS, SNAPSHOTS)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(bool(services.missing()), reason=f"needs {services.missing()}"),
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("dagster_postgres", "dagster_celery", "obstore")),
        reason="needs the extra `cluster`",
    ),
]


def web(number: int) -> str:
    """A release that everybody runs, at one version after the other."""
    spec = {"chart": chart("web", f"1.{number}.0", "charts"), "values": {"replicas": number % 3}}
    return release("web", namespace="web", **spec)


class People:
    """They push to one repository after the other, until somebody stops them."""

    def __init__(self, folder: Path) -> None:
        self.repositories = [GitRepository(folder / f"home{number:02}.git") for number in range(REPOSITORIES)]
        self._stopped, self._pushes = threading.Event(), 0
        self._thread = threading.Thread(target=self._push_on, daemon=True)
        for repository in self.repositories:
            repository.commit(
                {
                    "flux/apps.yaml": flux_path("apps", "./apps"),
                    "flux/source.yaml": helm_repository("charts", namespace="flux-system"),
                    "apps/web.yaml": web(0),
                    "notes/broken.yaml": BROKEN,
                }
            )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _push_on(self) -> None:
        for number in itertools.count():
            repository = self.repositories[number * 7 % REPOSITORIES]
            repository.commit({"apps/web.yaml": web(number), f"config/{number % 5}.yaml": config("c", str(number))})
            self._pushes += 1
            if self._stopped.wait(0.5):
                return

    @property
    def heads(self) -> set[str]:
        return {repository.head for repository in self.repositories}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serve(tmp_path / "people") as server:
        yield server


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL, which does not run as root, may enter. Those of pytest are closed to others."""
    with tempfile.TemporaryDirectory(prefix="kubestats-postgres-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class Story:
    """The cluster, what happens to it, and what is seen of it from outside."""

    def __init__(self, folder: Path, open_folder: Path, server: GitServer) -> None:
        self.folder = folder
        self.people = People(folder / "people")
        self.ports = free_port(), free_port()
        self.postgres = services.postgres(open_folder / "postgres", self.ports[0])
        self.redis = services.redis(folder / "redis", self.ports[1])
        self.s3, self.store = services.s3(folder / "s3")
        self.urls = [f"{server.url}/{repository.path.name}" for repository in self.people.repositories]
        self.cluster = Cluster(folder / "nodes", self.ports, self.settings)
        self.code, self.daemon = self.cluster.code_server(), self.cluster.daemon()
        self.workers = [self.cluster.worker(name) for name in WORKERS]

    @property
    def settings(self) -> dict[str, str]:
        """Those of every node."""
        return {
            **self.store.environment(),
            "KUBESTATS_LAKE_URL": "s3://kubestats",
            "KUBESTATS_REPOSITORIES": ",".join(self.urls),
            "KUBESTATS_HISTORY_DAYS": "all",
            "KUBESTATS_SYNC__PARALLEL_RUNS": "2",
            "KUBESTATS_SCAN__PARALLEL_RUNS": "2",
            "KUBESTATS_SYNC__WORKERS": "2",
            "KUBESTATS_SYNC__RETRY_MINUTES": "0.01",
            "KUBESTATS_SCAN__WORKERS": "1",
            "KUBESTATS_AUTOMATION__DISCOVER_MINUTES": "1",
            "KUBESTATS_AUTOMATION__SYNC_MINUTES": "1",
            "KUBESTATS_AUTOMATION__SCAN_MINUTES": "1",
            "KUBESTATS_AUTOMATION__PUBLISH_MINUTES": "0",
            "KUBESTATS_AUTOMATION__SENSOR_SECONDS": "10",
        }

    def kill_for_a_while(self, service: services.Service, seconds: float = 5) -> None:
        service.kill()
        time.sleep(seconds)
        service.start()

    def holds(self) -> list[Hold]:
        return read_holds(self.cluster.logs(*WORKERS))

    def wait_for_work(self, more: int) -> None:
        """Wait until so many more repositories have been worked on."""
        wanted = len(self.holds()) + more
        self.wait_for(f"{wanted} leases", lambda: len(self.holds()) >= wanted)

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                said = {node: self.cluster.logs(node)[-3000:] for node in ("control", *WORKERS)}
                raise AssertionError(f"waited {PATIENCE} s for {what}; the logs end with\n{said}")
            time.sleep(2)

    def lake(self) -> Lake:
        """The tables as a machine sees them that only looks."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.store.environment().items():
                patch.setenv(name, value)
            settings = settings_for(self.folder / "observer", lake_url="s3://kubestats")
            return Lake(settings.layout).pulled()

    def is_at_the_heads(self) -> bool:
        rows = self.lake().read_all(SCANS)
        done = rows.filter((pl.col("scan_status") == "scanned") & pl.col("scan_error").is_null())
        return set(done["scanned_commit"]) == self.people.heads


def scanned_by_one_machine(folder: Path, urls: list[str]) -> Lake:
    """The same repositories, on a plain folder with SQLite."""
    settings: Settings = settings_for(
        folder, repositories=urls, history_days="all", scan={"workers": 1}, sync={"workers": 2}
    )
    services = Services(settings)
    with open_instance(settings.layout) as instance:
        cycle = run_cycle(services, instance)
    assert cycle.failures == {}
    return services.lake


def rows_of(lake: Lake, table: Table) -> pl.DataFrame:
    """All rows, without what a clock or a run says, in one order."""
    rows = lake.read_all(table).drop(OF_THE_CLOCK.get(table.name, ()))
    return rows.sort(["full_name", *table.sort])


def test_whatever_is_killed_the_tables_end_as_those_of_one_machine(
    tmp_path: Path, open_folder: Path, server: GitServer
):
    if not can_unshare():
        print("workers share one namespace of processes here: unshare is not allowed")
    story = Story(tmp_path, open_folder, server)
    with services.running(story.postgres, story.redis, story.s3):
        services.create_database(story.ports[0])
        story.store.make_bucket("kubestats")
        with services.running(story.code, *story.workers, story.daemon):
            story.people.start()
            story.wait_for_work(10)
            story.kill_for_a_while(story.workers[0])
            story.wait_for_work(20)
            story.kill_for_a_while(story.daemon)
            story.wait_for_work(20)
            story.kill_for_a_while(story.s3)
            story.wait_for_work(20)
            story.kill_for_a_while(story.postgres)
            story.wait_for_work(20)
            story.people.stop()
            story.wait_for("all heads", story.is_at_the_heads)
            found = {table.name: rows_of(story.lake(), table) for table in COMPARED}
    alone = scanned_by_one_machine(tmp_path / "alone", story.urls)
    for table in COMPARED:
        expected = rows_of(alone, table)
        assert found[table.name].equals(expected), table.name
    assert len(found["scans"]) == REPOSITORIES
    assert [name for name, rows in found.items() if not len(rows)] == []
    assert_no_lease_was_shared(story.holds())
    for number, worker in enumerate(WORKERS, start=1):
        shares = [share_of(decode_name(hold.repository), 2) for hold in read_holds(story.cluster.logs(worker))]
        assert shares.count(number) > len(shares) / 2, "a share stays with its worker, but while that is away"


def assert_no_lease_was_shared(holds: list[Hold]) -> None:
    """Two holds of one repository overlap nowhere, and both workers have had their part."""
    by_repository = itertools.groupby(holds, lambda hold: hold.repository)
    for repository, group in by_repository:
        for one, other in itertools.pairwise(group):
            assert not one.overlaps(other), (repository, dataclasses.asdict(one), dataclasses.asdict(other))
    assert len({hold.holder for hold in holds}) >= len(WORKERS)
    assert os.getpid() not in {int(hold.holder.rpartition("/")[2]) for hold in holds}
