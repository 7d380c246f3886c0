"""The outcomes of a scan, apart from the scan: whoever reports them need not load what makes them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scanned:
    """The tables have moved to the head.

    Attributes:
        resources: active resources. `deleted` ones have rows too.
        events: events in the log, `new_events` of them from this scan.
        problems: files that could not be read, by class.
        settings: rows of Helm values.
        applied: objects that clusters run, with `applied_events` in their log.
    """

    commit: str
    resources: int
    deleted: int
    events: int
    new_events: int
    problems: int
    settings: int
    applied: int
    applied_events: int
    seconds: float


@dataclass(frozen=True)
class UpToDate:
    """The tables show the head already. Nothing was read or written."""

    commit: str


@dataclass(frozen=True)
class ScanFailed:
    """The scan failed. The tables stay as they were."""

    reason: str


@dataclass(frozen=True)
class NotSynced:
    """No sync has found a commit yet, so there is nothing to scan."""


@dataclass(frozen=True)
class ScannedElsewhere:
    """Another machine works on the repository, so that this sweep leaves it out. Nothing was changed."""

    reason: str


ScanOutcome = Scanned | UpToDate | NotSynced | ScanFailed | ScannedElsewhere
