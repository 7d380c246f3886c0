"""The whole pipeline with a bucket: two data directories publish the same, and a run without news asks for little."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS, TABLES
from kubestats_pipeline_tests.storage.counting import counted
from kubestats_pipeline_tests.storage.s3_server import S3Server

OF_EACH_LOOK = (
    "last_seen_at",
    "last_sync_at",
    "sync_run_id",
    "last_scan_at",
    "sync_status",
    "recorded_at",
    "snapshot_at",
    "computed_at",
)
"""Columns that say when somebody last looked, and in which run."""

SETTINGS = {"KUBESTATS_HISTORY_DAYS": "all"}
MOST_REQUESTS, MORE_PAGES = 12, 9
"""For an idle sweep over 1,500 repositories, whose objects take so many pages more of a listing than those of six."""


@dataclass(frozen=True)
class Machine:
    """A data directory, and a process that works with it."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, **changed: str) -> "subprocess.CompletedProcess[str]":
        """A command of kubestats."""
        command = [sys.executable, "-m", "kubestats_pipeline.cli", *arguments]
        environment = {**os.environ, **self.environment, "KUBESTATS_DATA_DIR": str(self.folder), **changed}
        return subprocess.run(
            command, env=environment, cwd=self.folder.parent, capture_output=True, text=True, check=False
        )

    def published(self, path: Path | None = None) -> dict[str, list[tuple[object, ...]]]:
        """The rows of all tables in the published file."""
        with duckdb.connect(str(path or self.folder / "kubestats.duckdb"), read_only=True) as connection:
            return {name: _rows(connection, name) for name in TABLES if name != ECOSYSTEM_STATS.name}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    names = [name for name in TABLES[table].column_names if name not in OF_EACH_LOOK]
    columns = ", ".join(f'"{name}"::VARCHAR' for name in names)
    return sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)


@pytest.mark.slow
def test_two_data_directories_with_one_bucket_publish_the_same(
    s3: S3Server, bucket: str, tmp_path: Path, sample_repositories: Path
) -> None:
    settings = {**SETTINGS, "KUBESTATS_LAKE_URL": bucket, "KUBESTATS_REPOSITORIES": str(sample_repositories)}
    one, two = (Machine(tmp_path / name, settings) for name in ("one", "two"))
    first = one.run("run")
    assert first.returncode == 0, first.stderr
    second = two.run("run")
    assert second.returncode == 0, second.stderr
    assert "0 with news" in second.stdout
    assert one.published() == two.published()
    assert sum(map(len, one.published().values())) > 500

    with counted(s3.port) as requests:
        idle = two.run("run", AWS_ENDPOINT_URL=f"http://127.0.0.1:{requests.port}")
    assert idle.returncode == 0, idle.stderr
    assert len(requests.seen) + MORE_PAGES <= MOST_REQUESTS, requests.seen

    reader = Machine(tmp_path / "reader", settings)
    assert reader.run("fetch", str(reader.folder)).returncode == 0
    assert reader.published() == two.published()
    assert (reader.folder / "report" / "index.html").is_file()
    assert "jellyfin" in reader.run("app", "jellyfin").stdout

    stranger = one.run("status", AWS_SECRET_ACCESS_KEY="not-the-right-one")
    assert (stranger.returncode, len(stranger.stderr.splitlines())) == (1, 1)
    assert "SignatureDoesNotMatch" in stranger.stderr
    assert "not-the-right-one" not in stranger.stderr + stranger.stdout
