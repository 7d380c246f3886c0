"""One repository, its data directory and a clock, as the tests of the sync stage need them together."""

import dataclasses
import datetime
import subprocess
from pathlib import Path
from urllib.parse import quote

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.sync.outcomes import Outcome, Row, Unrecorded
from kubestats_pipeline.sync.sync import sync_and_record
from kubestats_pipeline_tests.builders import GitRepository, repository_for, settings_for
from kubestats_pipeline_tests.sync.git_server import GitServer

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


class World:
    """A remote, and the machine that mirrors it."""

    def __init__(self, tmp_path: Path, **overrides: object) -> None:
        self.tmp_path = tmp_path
        self.remote = GitRepository(tmp_path / "owner" / "home ops.git")
        self.repository: Repository = repository_for(self.remote.path)
        self.settings: Settings = settings_for(tmp_path, **overrides)
        self.lake = Lake(Layout(self.settings.data_dir))
        self.now = NOW
        self.outcome: Outcome | Unrecorded | None = None
        self.row: Row = {}

    @property
    def mirror(self) -> Path:
        repository = self.repository
        return self.lake.layout.mirror(repository.host, repository.owner, repository.name)

    def set(self, **overrides: object) -> None:
        """Change settings, as a user does between two runs."""
        self.settings = settings_for(self.tmp_path, **overrides)

    def serve_from(self, server: GitServer) -> None:
        """Let the remote be fetched over HTTP from a server of its folder from now on."""
        self.serve_from_url(server.url)

    def serve_from_url(self, url: str) -> None:
        """The same from a server that somebody else runs at a URL."""
        self.repository = dataclasses.replace(self.repository, clone_url=f"{url}/{quote(self.remote.path.name)}")

    def sync(self) -> str:
        """Sync once and give the status."""
        outcome, row = sync_and_record(self.repository, self.settings, self.lake, lambda: self.now, "run")
        self.outcome, self.row = outcome, row or {}
        return outcome.status

    def mirrored(self) -> list[str]:
        """The first-parent commits that the mirror holds, newest first."""
        return self.git("rev-list", "--first-parent", "HEAD").splitlines()

    def git(self, *arguments: str) -> str:
        """Run git in the mirror as a stranger would: with no protective environment."""
        command = ["git", f"--git-dir={self.mirror}", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=20).stdout.decode().strip()


def day(number: int) -> datetime.datetime:
    """Midnight of a day of 2026, from 1."""
    return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(days=number - 1)
