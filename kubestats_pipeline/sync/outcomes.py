"""The possible outcomes of syncing one repository: they are values, failures too.

`sync.py` and `api.py` give them. `sync.py` makes the row of `snapshots` of them, and `orchestration/assets/sync.py` the
report of a run.
"""

import datetime
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.vocabulary import SyncStatus
from kubestats_pipeline.redaction.texts import withhold_shapes

Row = dict[str, Any]
"""One row of the `snapshots` table."""


@dataclass(frozen=True)
class Synced:
    """The mirror now holds this head and the first-parent history since `history_since`."""

    status: ClassVar[SyncStatus] = "synced"
    head: str
    branch: str | None
    committed_at: datetime.datetime
    history_since: datetime.datetime
    seconds: float


@dataclass(frozen=True)
class Unchanged:
    """The remote's head is the one that the mirror holds. Only its branch may have a new name."""

    status: ClassVar[SyncStatus] = "unchanged"
    head: str
    branch: str | None


@dataclass(frozen=True)
class Empty:
    """The remote answers and has no head. An earlier mirror stays."""

    status: ClassVar[SyncStatus] = "empty"
    reason: str


@dataclass(frozen=True)
class TooLarge:
    """The mirror passed the `max_repository_mb` setting and was removed."""

    status: ClassVar[SyncStatus] = "too_large"
    size_mb: float
    limit: int

    @property
    def reason(self) -> str:
        """The problem and its remedy."""
        return (
            f"{self.size_mb:.0f} MB are more than max_repository_mb = {self.limit}; raise it or approve the repository"
        )


@dataclass(frozen=True)
class Gone:
    """The remote does not know such a repository. An earlier mirror stays."""

    status: ClassVar[SyncStatus] = "gone"
    reason: str


@dataclass(frozen=True)
class Unreachable:
    """The remote could not be read this time. An earlier mirror stays."""

    status: ClassVar[SyncStatus] = "error"
    reason: str


@dataclass(frozen=True)
class Unsupported:
    """The remote is in a format that git here cannot read. An earlier mirror stays.

    Attributes:
        head: the remote's head, which is not fetched again, or None where not even that can be read.
    """

    status: ClassVar[SyncStatus] = "unsupported"
    reason: str
    head: str | None = None


def fit_to_store(outcome: "Outcome") -> "Outcome":
    """The outcome without what has the shape of a secret: reasons quote git and hosts, a branch is any text."""
    match outcome:
        case Synced() | Unchanged() if outcome.branch is not None:
            return replace(outcome, branch=withhold_shapes(outcome.branch))
        case Empty() | Gone() | Unreachable() | Unsupported():
            return replace(outcome, reason=withhold_shapes(outcome.reason))
        case _:
            return outcome


Outcome = Synced | Unchanged | Empty | TooLarge | Gone | Unreachable | Unsupported


@dataclass(frozen=True)
class Unrecorded:
    """The lake's file of this repository cannot be read or written. It is as it was, and so is its row."""

    status: ClassVar[SyncStatus] = "error"
    reason: str


@dataclass(frozen=True)
class Elsewhere:
    """Another machine works on the repository, so that this sweep leaves it out. Nothing was changed."""

    status: ClassVar[str] = "elsewhere"
    reason: str


@dataclass(frozen=True)
class Result:
    """The result of one repository: the outcome, the row as written (None where it was not) and the time it took."""

    repository: Repository
    outcome: Outcome | Unrecorded | Elsewhere
    row: Row | None
    seconds: float
