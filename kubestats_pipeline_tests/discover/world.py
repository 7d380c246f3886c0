"""A little GitHub with real git repositories behind it over smart HTTP, and the machine that watches it."""

import datetime
from pathlib import Path
from typing import Any

from kubestats_pipeline.discover.configured import sources_from, witnesses_from
from kubestats_pipeline.discover.decide import Decided, Verb, decide
from kubestats_pipeline.discover.discover import DiscoveryReport, discover
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import read_repositories
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS, RESOURCE_EVENTS
from kubestats_pipeline.scan.outcomes import Scanned
from kubestats_pipeline.scan.scan import scan_all
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.sync.sync import sync_all
from kubestats_pipeline_tests.builders import GitRepository, settings_for
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.sync.git_server import GitServer

TOKEN = "ghp_0123456789abcdef"
MONDAY = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


class World:
    """Everything between GitHub and the lake, with a clock that goes on by an hour with each discovery."""

    def __init__(self, tmp_path: Path, github: GitHubServer, git: GitServer) -> None:
        self.github, self.git, self.folder = github, git, tmp_path
        self.now = MONDAY
        github.tokens = {TOKEN}
        self.overrides: dict[str, Any] = {}

    @property
    def settings(self) -> Settings:
        urls = {"api_url": self.github.url, "git_url": self.git.url, "max_wait_seconds": 0, "timeout_seconds": 5}
        github = {**urls, "token": TOKEN, "topics": ["kubesearch"], **self.overrides.get("github", {})}
        rest = {name: value for name, value in self.overrides.items() if name != "github"}
        return settings_for(self.folder, github=github, scan={"workers": 1}, **rest)

    @property
    def lake(self) -> Lake:
        return Lake(Layout(self.folder / "data"))

    def create(self, full_name: str, number: int, **facts: Any) -> GitRepository:
        """A repository with one manifest and the topic."""
        self.github.add(full_name, number=number, **{"topics": ("kubesearch",), **facts})
        repository = GitRepository(self._path(full_name))
        repository.commit({"a.yaml": config("first")})
        self.github.git[number] = repository
        return repository

    def rename(self, number: int, full_name: str) -> None:
        """Rename or transfer: the number stays, the folder moves, the API redirects."""
        repository = self.github.git[number]
        self.github.rename(number, full_name)
        target = self._path(full_name)
        target.parent.mkdir(parents=True, exist_ok=True)
        repository.path = repository.path.rename(target)

    def discover(self) -> DiscoveryReport:
        """Ask everybody, an hour later."""
        self.now += HOUR
        settings = self.settings
        return discover(
            self.lake,
            sources_from(settings),
            self.now,
            witnesses=witnesses_from(settings),
            max_mb=settings.max_repository_mb,
        )

    def sync(self) -> dict[str, str]:
        """Sync all active repositories; their outcomes by name."""
        active = read_repositories(self.lake).values()
        results = sync_all(active, self.settings, self.lake, "run", lambda: self.now)
        return {result.repository.full_name: result.outcome.status for result in results}

    def scan(self) -> dict[str, int]:
        """Scan all active repositories; the new events of each that was scanned."""
        active = list(read_repositories(self.lake).values())
        outcomes = scan_all(active, self.lake, self.settings, "run", lambda: self.now)
        return {one.full_name: outcome.new_events for one, outcome in outcomes if isinstance(outcome, Scanned)}

    def cycle(self) -> None:
        """Discover, sync and scan, and nothing may fail."""
        assert self.discover().failures == ()
        assert not {"error", "gone"} & set(self.sync().values())
        self.scan()

    def decide(self, verb: Verb, name: str, reason: str | None = None) -> Decided:
        """What the administrator says."""
        limit = self.settings.max_repository_mb
        return decide(self.lake, verb, name, reason=reason, now=self.now, max_mb=limit)

    def row(self, number: int) -> dict[str, Any]:
        """What the table of repositories says of a number."""
        rows = self.rows(REPOSITORIES)
        (row,) = [row for row in rows if row["repository_id"] == f"github:{number}"]
        return row

    def rows(self, table: Table, key: Any = None) -> list[dict[str, Any]]:
        partition = self.lake.read(table, key)
        return partition.rows.to_dicts() if partition else []

    def events(self, full_name: str) -> list[tuple[str, str, str, str]]:
        """The log of a repository as its partition has it."""
        names = ("event_id", "full_name", "event_type", "resource_name")
        rows = self.lake.read(RESOURCE_EVENTS, full_name)
        return [tuple(row[name] for name in names) for row in rows.rows.to_dicts()] if rows else []

    def metrics(self) -> dict[str, Any]:
        """The watchers of the day, by id."""
        rows = self.rows(REPOSITORY_METRICS, self.now.date())
        return {row["repository_id"]: row["watchers_count"] for row in rows}

    def files(self) -> list[str]:
        """Every file of the data directory, without locks."""
        data = self.folder / "data"
        found = (path.relative_to(data) for path in data.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if path.suffix != ".lock" and path.parts[0] != "http")

    def _path(self, full_name: str) -> Path:
        return self.git.root / f"{full_name}.git"


def config(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"
