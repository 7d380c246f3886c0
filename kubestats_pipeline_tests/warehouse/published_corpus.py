"""The smaller repositories of the corpus, scanned with their whole history and published once a session.

Tests ask the published file, and compute the same answer another way: from the lake's rows in Python, or with git.
"""

import datetime
import fcntl
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.scan import scan_repository
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.statistics.ecosystem import backfill_ecosystem_stats
from kubestats_pipeline_tests.corpus import SMALL, unpack
from kubestats_pipeline_tests.warehouse.small_lake import metrics, repository

NOW = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
"""Later than every commit of the corpus."""


STATISTICS_DAYS = 40
"""Days up to `NOW` whose statistics are computed."""


@dataclass(frozen=True)
class PublishedCorpus:
    """A lake with its warehouse, and the folder of the repositories that it was scanned from."""

    lake: Lake
    repositories: Path

    def connect(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.lake.layout.warehouse), read_only=True)

    def git(self, full_name: str, *arguments: str, allow: int = 0) -> str:
        """What git says in one repository; `allow` is an exit status that is no failure."""
        command = ["git", "-C", str(self.repositories / f"{full_name}.git"), *arguments]
        finished = subprocess.run(command, capture_output=True, timeout=120)
        assert finished.returncode in (0, allow), finished.stderr
        return finished.stdout.decode(errors="replace")


def publish_corpus(folder: Path, names: tuple[str, ...]) -> PublishedCorpus:
    """Scan repositories of the corpus into one lake and publish it; skips the test where there is no corpus."""
    published = PublishedCorpus(Lake(Layout(folder / "data")), folder / "repositories")
    lake, rows = published.lake, []
    for number, full_name in enumerate(names, 1):
        bare = unpack(full_name, published.repositories)
        scan_corpus_repository(
            lake, Repository(f"github:{number}", full_name, "github.com", *full_name.split("/"), ""), bare
        )
        rows.append(repository(number, full_name, description=f"cluster number {number}", topics=["kubesearch"]))
    day = NOW.date()
    lake.write(REPOSITORIES, None, rows)
    lake.write(
        REPOSITORY_METRICS, day, [metrics(number, day, stars_count=10 * number) for number in range(1, len(names) + 1)]
    )
    backfill_ecosystem_stats(lake, [day - datetime.timedelta(days=number) for number in range(STATISTICS_DAYS)])
    build_warehouse(lake)
    return published


def scan_corpus_repository(lake: Lake, found: Repository, bare: Path) -> None:
    mirror = lake.layout.mirror(found.host, found.owner, found.name)
    mirror.parent.mkdir(parents=True, exist_ok=True)
    mirror.symlink_to(bare)
    head = subprocess.run(
        ["git", "-C", str(bare), "rev-parse", "HEAD"], check=True, capture_output=True, text=True, timeout=60
    )
    job = ScanJob(
        layout=lake.layout,
        repository=found,
        head=head.stdout.strip(),
        history_since=None,
        started_at=NOW,
        run_id="run",
    )
    scan_repository(job)


@pytest.fixture(scope="session")
def published_corpus(tmp_path_factory: pytest.TempPathFactory) -> PublishedCorpus:
    """The small repositories, published once and shared by all workers, so nobody may change them."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder = shared / "published_corpus"
    with (shared / "published_corpus.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        published = PublishedCorpus(Lake(Layout(folder / "data")), folder / "repositories")
        return published if published.lake.layout.warehouse.exists() else publish_corpus(folder, SMALL)


@pytest.fixture(scope="session")
def corpus_warehouse(published_corpus: PublishedCorpus) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file of the small repositories."""
    with published_corpus.connect() as connection:
        yield connection
