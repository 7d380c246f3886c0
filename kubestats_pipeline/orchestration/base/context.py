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
from kubestats_pipeline.lake.paths import Layout
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
    """Everything that an asset may use."""

    settings: Settings
    progress: Progress = field(default_factory=SilentProgress)
    now: Callable[[], datetime.datetime] = utc_now

    @property
    def lake(self) -> Lake:
        """The Parquet lake below `data_dir`."""
        return Lake(Layout(self.settings.data_dir))

    def repositories(self) -> dict[str, Repository]:
        """The active repositories by full name, at most `max_repositories` of them.

        Raises:
            LakeError: the table of repositories is damaged.
        """
        return dict(islice(read_repositories(self.lake).items(), self.settings.max_repositories))
