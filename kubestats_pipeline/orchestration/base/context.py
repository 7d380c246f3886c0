"""The services that assets work with: settings, lake, clock and progress.

Dagster calls such things resources. Here that word means a Kubernetes resource everywhere else. They are plain
objects, not configuration, so that no setting (there is a token among them) shows up in a run.
"""

import contextlib
import datetime
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.repositories import Repository, read_repositories
from kubestats_pipeline.settings import Settings


class Progress(Protocol):
    """Shows how far a stage has come."""

    def track(self, stage: str, total: int) -> AbstractContextManager[Callable[[str], None]]:
        """Begin a stage of `total` items. The callable is called for each one that is done."""
        ...


class SilentProgress:
    """Shows nothing: the run page of the UI does."""

    @contextlib.contextmanager
    def track(self, stage: str, total: int) -> Iterator[Callable[[str], None]]:
        """Begin a stage. Progress goes unseen."""
        yield lambda done: None


def utc_now() -> datetime.datetime:
    """The current time, aware, UTC."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Services:
    """Everything that an asset may use.

    Attributes:
        is_pulled: the lake was brought up to date already, by a cycle that runs several jobs.
    """

    settings: Settings
    progress: Progress = field(default_factory=SilentProgress)
    now: Callable[[], datetime.datetime] = utc_now
    is_pulled: bool = False

    @property
    def lake(self) -> Lake:
        """The Parquet lake below `data_dir`."""
        return Lake(self.settings.layout)

    def pulled_lake(self) -> Lake:
        """The lake as it is now, where other machines write to it too.

        Raises:
            StoreError: the bucket does not work.
        """
        return self.lake if self.is_pulled else self.lake.pulled()

    def repositories(self) -> dict[str, Repository]:
        """The active repositories by full name, at most `max_repositories` of them.

        Raises:
            LakeError: the table of repositories is damaged.
        """
        return dict(islice(read_repositories(self.lake).items(), self.settings.max_repositories))
