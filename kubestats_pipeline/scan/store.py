"""The scanner's position in the lake: what a repository's partitions hold, and how they move forward together.

The resources file carries the commit that it stands for and the length of the event log that belongs to it. It is
renamed into place last: until then, what a killed run left in the other files lies beyond the position and is cut off
or overwritten by the next run.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
import polars as pl

from kubestats_pipeline.lake import NEWER, UPGRADE, Lake, LakeError, to_frame
from kubestats_pipeline.repositories import Repository
from kubestats_pipeline.scan.manifests import digest
from kubestats_pipeline.scan.replay import Event, OpenProblem, Replay, Resource
from kubestats_pipeline.scan.rows import (
    Row,
    event_row,
    problem_from_row,
    problem_row,
    resource_from_row,
    resource_row,
)
from kubestats_pipeline.scan.saved_values import NOTHING_SAVED, SavedValues, saved_values, write_values
from kubestats_pipeline.tables import HELM_VALUES, RESOURCE_EVENTS, RESOURCES, SCAN_PROBLEMS, SCANS

SCANNER_VERSION = "4"
"""Raised when the scanner reads the same history differently: repositories are then replayed from the start."""

_CHUNK = 2_000


def writer() -> str:
    """What writes the tables: the scanner's version and a digest of their columns, so that neither can be forgotten."""
    tables = (RESOURCES, HELM_VALUES, RESOURCE_EVENTS, SCAN_PROBLEMS)
    columns = [(column.name, column.type.value) for table in tables for column in table.columns]
    return f"{SCANNER_VERSION} {digest(repr(columns).encode())}"


@dataclass(frozen=True)
class Position:
    """Where a repository's tables stand.

    Attributes:
        repository_id: whose tables they are; another repository may have had the name before.
        commit: the commit that they stand for.
        next_sequence: the number of events that belong to it.
        history_since: how far back the replay reached, ISO 8601; None where the mirror did not know.
        written_by: the `writer` of the tables.
        values: the state of `helm_values` that belongs to it.
    """

    repository_id: str
    commit: str
    next_sequence: int
    history_since: str | None
    written_by: str = field(default_factory=writer)
    values: SavedValues = NOTHING_SAVED

    @property
    def is_older(self) -> bool:
        """Whether another version of the scanner wrote the tables: it read differently, or had other columns."""
        return self.written_by != writer()


@dataclass(frozen=True)
class Stored:
    """What the lake holds of one repository."""

    position: Position
    resources: tuple[Resource, ...]
    problems: tuple[OpenProblem, ...]
    event_ids: frozenset[str]


def read_position(lake: Lake, full_name: str) -> Position | None:
    """Where a repository's tables stand; None where only a replay from the start gives them.

    That is before the first scan, and where one of the files has been deleted.

    Raises:
        LakeError: the resources file is damaged, or a newer scanner wrote it.
    """
    metadata = lake.read_metadata(RESOURCES, full_name)
    _refuse_newer(lake, full_name, (metadata or {}).get("written_by", ""))
    if metadata is None or not all(lake.path(table, full_name).exists() for table in (RESOURCE_EVENTS, SCAN_PROBLEMS)):
        return None
    has_values = lake.path(HELM_VALUES, full_name).exists()
    return Position(
        metadata["repository_id"],
        metadata["commit"],
        int(metadata["next_sequence"]),
        metadata.get("history_since") or None,
        metadata.get("written_by", "") if has_values else "",
        saved_values(metadata),
    )


def _refuse_newer(lake: Lake, full_name: str, written_by: str) -> None:
    """Refuse to replay over what a later scanner has read better: raising `SCANNER_VERSION` says that it did."""
    version = written_by.partition(" ")[0]
    if version.isdecimal() and int(version) > int(SCANNER_VERSION):
        raise LakeError(f"{lake.path(RESOURCES, full_name)} {NEWER} (scanner {version}); {UPGRADE}")


def read_stored(lake: Lake, full_name: str, position: Position) -> Stored:
    """Read a repository's tables as of their position.

    Raises:
        LakeError: one of the files is damaged.
    """
    resources = lake.read(RESOURCES, full_name)
    events = _read_events(lake, full_name, position)
    return Stored(
        position,
        tuple(resource_from_row(row) for row in resources.rows.iter_rows(named=True)) if resources else (),
        tuple(problem_from_row(row) for row in _read_problems(lake, full_name, position)),
        frozenset(events["event_id"]),
    )


def write_tables(
    lake: Lake, repository: Repository, replay: Replay, known: Position | None, position: Position, run_id: str | None
) -> int:
    """Write the events, problems, values and resources of a replay; the last carry the position.

    Gives the number of rows of Helm values.

    `known` is the position from which the replay went on, None for one from the start, which replaces the log;
    `position` is the one that it reached.

    Raises:
        LakeError: a file cannot be written; the position has not moved then.
    """
    name = repository.full_name
    if replay.events or known is None or known.is_older:
        old = _read_events(lake, name, known) if known else to_frame(RESOURCE_EVENTS, [])
        lake.write(RESOURCE_EVENTS, name, pl.concat([old, *_event_frames(replay.events, repository, run_id)]))
    before = _read_problems(lake, name, known) if known else []
    problems = {"commit": position.commit, "before": orjson.dumps(before).decode()}
    lake.write(SCAN_PROBLEMS, name, [problem_row(each, repository) for each in replay.problems.values()], problems)
    known_values = known.values if known and not known.is_older else None
    saved = write_values(lake, repository, replay, position.commit, known_values)
    rows = [resource_row(each, repository) for each in (*replay.active.values(), *replay.tombstones.values())]
    metadata = {
        "repository_id": position.repository_id,
        "commit": position.commit,
        "next_sequence": str(position.next_sequence),
        "history_since": position.history_since or "",
        "written_by": position.written_by,
    }
    lake.write(RESOURCES, name, rows, metadata | saved.metadata)
    return saved.rows


def write_scan(lake: Lake, repository: Repository, row: Row) -> None:
    """Write the row of `scans`."""
    lake.write(SCANS, repository.full_name, [row])


def scan_row(
    repository: Repository, replay: Replay, engine: str, commit: str, now: datetime.datetime, run_id: str | None
) -> Row:
    """The row of `scans` after a successful scan."""
    return {
        "repository_id": repository.repository_id,
        "full_name": repository.full_name,
        "scan_status": "scanned",
        "scan_error": None,
        "scanned_commit": commit,
        "last_scan_at": now,
        "resources_count": len(replay.active),
        "events_count": replay.next_sequence,
        "problems_count": len(replay.problems),
        "gitops_engine": engine,
        "sync_run_id": run_id,
    }


def failed_scan_row(
    repository: Repository, previous: Row | None, reason: str, now: datetime.datetime, run_id: str | None
) -> Row:
    """The row of `scans` after a scan that failed: what was known stays."""
    empty = {
        "scanned_commit": None,
        "resources_count": 0,
        "events_count": 0,
        "problems_count": 0,
        "gitops_engine": None,
    }
    kept = {column: previous[column] for column in empty} if previous else empty
    return {
        "repository_id": repository.repository_id,
        "full_name": repository.full_name,
        "scan_status": "error",
        "scan_error": reason,
        "last_scan_at": now,
        "sync_run_id": run_id,
        **kept,
    }


def read_scan(lake: Lake, full_name: str) -> Row | None:
    """The row of `scans`; None before the first scan.

    Raises:
        LakeError: the file is damaged.
    """
    partition = lake.read(SCANS, full_name)
    return partition.rows.row(0, named=True) if partition and len(partition.rows) else None


def _read_events(lake: Lake, full_name: str, position: Position) -> pl.DataFrame:
    """The events up to the position; what a killed run wrote beyond it is left out."""
    partition = lake.read(RESOURCE_EVENTS, full_name)
    if partition is None:
        return to_frame(RESOURCE_EVENTS, [])
    return partition.rows.filter(pl.col("sequence") < position.next_sequence)


def _read_problems(lake: Lake, full_name: str, position: Position) -> list[Row]:
    """The problems at the position; a killed run may have written later ones, which carry those before them."""
    partition = lake.read(SCAN_PROBLEMS, full_name)
    if partition is None:
        return []
    if partition.metadata.get("commit") == position.commit:
        return partition.rows.to_dicts()
    before: list[Row] = orjson.loads(partition.metadata["before"])
    return [{**row, "first_seen_at": datetime.datetime.fromisoformat(row["first_seen_at"])} for row in before]


def _event_frames(events: Sequence[Event], repository: Repository, run_id: str | None) -> list[pl.DataFrame]:
    """Frames of a few thousand rows each, so that the rows never stand in memory as Python objects all at once."""
    return [
        to_frame(RESOURCE_EVENTS, [event_row(event, repository, run_id) for event in events[start : start + _CHUNK]])
        for start in range(0, len(events), _CHUNK)
    ]
