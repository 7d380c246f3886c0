"""A repository on the little GitHub, and the machine that mirrors it: by git or by the API, as each test says."""

import datetime
from pathlib import Path
from typing import Any

from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES, SCAN_PROBLEMS, SCANS
from kubestats_pipeline.scan.outcomes import ScanOutcome
from kubestats_pipeline.scan.scan import scan_all
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.sync.outcomes import Row
from kubestats_pipeline.sync.sync import sync_and_record
from kubestats_pipeline_tests.builders import GitRepository, settings_for
from kubestats_pipeline_tests.hosts.github_server import GitHubServer, Request

TOKEN = "ghp_0123456789"
NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
OWN = ("sync_run_id", "last_scan_at")
"""Columns that tell of the run and not of the repository."""


class ApiWorld:
    """One repository, `owner/<name>`, with a data directory of its own."""

    def __init__(self, tmp_path: Path, github: GitHubServer, *, name: str = "ops", data: str = "data") -> None:
        self.github = github
        self.folder = tmp_path
        self.data = tmp_path / data
        self.remote = GitRepository(tmp_path / "remotes" / "owner" / f"{name}.git")
        self.number = len(github.git) + 1
        github.add(f"owner/{name}", number=self.number)
        github.git[self.number] = self.remote
        self.repository = Repository(
            f"github:{self.number}", f"owner/{name}", "github.com", "owner", name, self.remote.url
        )
        self.row: Row = {}

    def twin(self, data: str) -> "ApiWorld":
        """The same repository, seen by another machine."""
        twin = object.__new__(ApiWorld)
        twin.__dict__ = {**self.__dict__, "data": self.folder / data, "row": {}}
        return twin

    @property
    def lake(self) -> Lake:
        return Lake(Layout(self.data))

    @property
    def mirror(self) -> Path:
        return self.lake.layout.mirror("github.com", "owner", self.repository.name)

    def settings(self, method: str = "api", **overrides: Any) -> Settings:
        urls = {
            "api_url": self.github.url,
            "git_url": (self.folder / "remotes").as_uri(),
            "max_wait_seconds": 0,
            "token": TOKEN,
        }
        github = {**urls, **overrides.pop("github", {})}
        return settings_for(self.folder, data_dir=self.data, sync_method=method, github=github, **overrides)

    def sync(self, method: str = "api", **overrides: Any) -> str:
        """Sync once, with a client that never sleeps, and give the status."""
        settings = self.settings(method, **overrides)
        with GitHubClient(settings.github, folder=self.lake.layout.http, sleep=lambda _: None) as client:
            api = client if method == "api" else None
            outcome, row = sync_and_record(self.repository, settings, self.lake, lambda: NOW, "run", api)
        self.row = row or {}
        return outcome.status

    def scan(self) -> ScanOutcome:
        """Scan once."""
        settings = self.settings(scan={"workers": 1})
        return next(outcome for _, outcome in scan_all([self.repository], self.lake, settings, "run", lambda: NOW))

    def update(self, method: str = "api", **overrides: Any) -> dict[str, list[Row]]:
        """Sync, scan and give the tables."""
        assert self.sync(method, **overrides) in ("synced", "unchanged"), self.row["sync_error"]
        self.scan()
        return self.tables()

    def tables(self) -> dict[str, list[Row]]:
        """All rows of a scan, without the run's own values."""
        return {table.name: self.rows(table) for table in (RESOURCES, RESOURCE_EVENTS, SCAN_PROBLEMS, SCANS)}

    def rows(self, table: Table) -> list[Row]:
        partition = self.lake.read(table, self.repository.full_name)
        rows = partition.rows.to_dicts() if partition else []
        return [{name: value for name, value in row.items() if name not in OWN} for row in rows]

    def asked(self) -> list[Request]:
        """The requests since the last time that this was called."""
        asked, self.github.requests[:] = [*self.github.requests], []
        return asked

    def paths_asked(self) -> list[str]:
        """The same, as paths below the repository."""
        return [request.path.removeprefix(f"/repos/owner/{self.repository.name}/") for request in self.asked()]
