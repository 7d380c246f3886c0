"""A worker that is only slow: another one takes its lease, and what it writes after that is refused by the store."""

import time
from pathlib import Path

import pytest

from kubestats_pipeline.lake import leases as module
from kubestats_pipeline.lake.lake import ConflictError, Lake
from kubestats_pipeline.lake.leases import Lease, Leases, LeaseTakenError
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.outcomes import Scanned
from kubestats_pipeline.scan.scan import scan_locked, scan_repository
from kubestats_pipeline.sync.sync import sync_and_record
from kubestats_pipeline_tests.builders import GitRepository, repository_for, settings_for
from kubestats_pipeline_tests.scan.world import NOW, config


class Machine:
    """A data directory of its own over a bucket, and one repository."""

    def __init__(self, folder: Path, bucket: str, remote: GitRepository) -> None:
        self.settings = settings_for(folder, lake_url=bucket, history_days="all")
        self.lake, self.repository = Lake(self.settings.layout).pulled(), repository_for(remote.path)

    def sync(self) -> None:
        sync_and_record(self.repository, self.settings, self.lake, lambda: NOW, "run")
        self.lake.storage.push()

    def job(self, remote: GitRepository) -> ScanJob:
        of = {"layout": self.lake.layout, "repository": self.repository, "head": remote.head}
        return ScanJob(**of, history_since=None, started_at=NOW, run_id="run")

    def rows(self) -> list[object]:
        lake = self.lake.pulled()
        return [lake.read(table, self.repository.full_name).rows.to_dicts() for table in (RESOURCES, RESOURCE_EVENTS)]


def test_what_a_stale_holder_writes_is_refused_and_the_tables_are_those_of_the_other(tmp_path: Path, bucket: str):
    remote = GitRepository(tmp_path / "owner" / "home.git")
    remote.commit({"a.yaml": config("a")})
    slow, quick = (Machine(tmp_path / name, bucket, remote) for name in ("slow", "quick"))
    slow.sync()
    assert isinstance(scan_locked(slow.job(remote)), Scanned)
    remote.commit({"a.yaml": config("a", "two")})
    for machine in (slow, quick):
        machine.lake.pulled()
        machine.sync()
    stale, identity = slow.job(remote), slow.repository.repository_id
    with Leases(slow.lake.storage).hold(identity):
        with pytest.raises(LeaseTakenError), quick.lake.leases().hold(identity):
            pytest.fail("the slow one holds it")
        with Leases(quick.lake.storage, clock=after_a_lease).hold(identity):
            remote.commit({"b.yaml": config("b")})
            quick.sync()
            assert isinstance(scan_locked(quick.job(remote)), Scanned)
            rows = quick.rows()
            with pytest.raises(ConflictError, match="was scanned by another machine"):
                scan_repository(stale)
            assert quick.rows() == slow.rows() == rows
    lease = Lease.unpack(quick.lake.storage.fetch(module._name(identity))[0])
    assert (lease.number, lease.holder) == (2, None), "the slow one gave nothing back that it did not have"


def after_a_lease() -> float:
    """A clock as it goes when the slow one has not renewed its lease for so long."""
    return time.time() + module.LEASE_SECONDS + module.TOLERATED_SECONDS + 1
