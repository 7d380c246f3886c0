"""The scanner's position in the lake: what a repository's partitions hold, and how they move forward together.

The resources file carries the commit that it shows and the length of the event log that belongs to it. It is
renamed into place last: until then, what a killed run left in the other files lies beyond the position and is cut off
or overwritten by the next run. The logs of events are in `logs.py`.
"""

import datetime
import functools
from dataclasses import dataclass, field, replace

import orjson

from kubestats_pipeline.lake.event_log_segments import reach
from kubestats_pipeline.lake.lake import NEWER, UPGRADE, LakeError
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import (
    APPLIED_EVENTS,
    APPLIED_RESOURCES,
    HELM_VALUES,
    RESOURCE_EVENTS,
    RESOURCES,
    SCAN_PROBLEMS,
)
from kubestats_pipeline.scan.manifests.manifests import digest
from kubestats_pipeline.scan.replay.applied_records import AppliedRecord
from kubestats_pipeline.scan.replay.problems import OpenProblem
from kubestats_pipeline.scan.replay.records import Resource
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.store.applied import is_saved, read_applied, write_applied
from kubestats_pipeline.scan.store.rows import Row, problem_from_row, problem_row, resource_from_row, resource_row
from kubestats_pipeline.scan.store.scanner_version import SCANNER_VERSION
from kubestats_pipeline.scan.store.values import NOTHING_SAVED, SavedValues, saved_values, write_values


def writer() -> str:
    """The name of the program that writes the tables: the scanner's version and a digest of their columns, so that
    neither can be forgotten.
    """
    return f"{SCANNER_VERSION} {_digest_of_columns()}"


@functools.cache
def _digest_of_columns() -> str:
    tables = (RESOURCES, HELM_VALUES, RESOURCE_EVENTS, SCAN_PROBLEMS, APPLIED_RESOURCES, APPLIED_EVENTS)
    columns = [(column.name, column.type.value) for table in tables for column in table.columns]
    return digest(repr(columns).encode())


@dataclass(frozen=True)
class Position:
    """The state of a repository's tables.

    Attributes:
        repository_id: whose tables they are. Another repository may have had the name before.
        commit: the commit that they show.
        next_sequence: the number of events that belong to it.
        next_applied: the number of `applied_events` that belong to it.
        applied_mark: the mark of the file of `applied_resources` that belongs to it, see `applied.py`.
        history_since: how far back the replay reached, ISO 8601, or None where the mirror did not know.
        is_linear: whether the log has only ever gone on from one commit to a descendant of it, so that no new commit
            can be in it already.
        complete_from: the number of the event from which on the log is complete, see `retention.py`.
        retired: the boundaries up to which events have been retired, as `retention.mark_of` writes them.
        written_by: the `writer` of the tables.
        paths: the names of files whose paths hold a secret, as `withheld_paths.to_text` writes them. Mostly empty.
        values: the state of `helm_values` that belongs to it.
    """

    repository_id: str
    commit: str
    next_sequence: int
    history_since: str | None
    is_linear: bool = False
    complete_from: int = 0
    retired: str = ""
    written_by: str = field(default_factory=writer)
    paths: str = ""
    values: SavedValues = NOTHING_SAVED
    next_applied: int = 0
    applied_mark: str = ""

    @property
    def metadata(self) -> dict[str, str]:
        """The text beside the resources, apart from the values and the mark of what is applied."""
        return {
            "repository_id": self.repository_id,
            "commit": self.commit,
            "next_sequence": str(self.next_sequence),
            "next_applied": str(self.next_applied),
            "history_since": self.history_since or "",
            "is_linear": "true" if self.is_linear else "",
            "complete_from": str(self.complete_from),
            "retired": self.retired,
            "written_by": self.written_by,
            "paths": self.paths,
        }

    @property
    def is_older(self) -> bool:
        """True where another version of the scanner wrote the tables: it read differently, or had other columns."""
        return self.written_by != writer()


@dataclass(frozen=True)
class Stored:
    """The rows of one repository at its position."""

    resources: tuple[Resource, ...]
    problems: tuple[OpenProblem, ...]
    applied: tuple[AppliedRecord, ...]


def read_position(tables: RepositoryTables) -> Position | None:
    """Read the state of a repository's tables. None where only a replay from the start gives them.

    That is before the first scan, and where one of the files has been deleted.

    Raises:
        LakeError: the resources file is damaged, or a newer scanner wrote it.
    """
    metadata = tables.position_metadata()
    _refuse_newer(tables, (metadata or {}).get("written_by", ""))
    if metadata is None or not tables.has(SCAN_PROBLEMS):
        return None
    next_sequence = int(metadata["next_sequence"])
    segments = tables.event_segments(RESOURCE_EVENTS)
    if not segments or reach(segments) < next_sequence:
        return None
    next_applied, applied_mark = int(metadata.get("next_applied", 0)), metadata.get("applied_mark", "")
    has_applied = is_saved(tables, applied_mark) and reach(tables.event_segments(APPLIED_EVENTS)) >= next_applied
    return Position(
        repository_id=metadata["repository_id"],
        commit=metadata["commit"],
        next_sequence=next_sequence,
        history_since=metadata.get("history_since") or None,
        is_linear=metadata.get("is_linear") == "true",
        complete_from=int(metadata.get("complete_from", 0)),
        retired=metadata.get("retired", ""),
        written_by=metadata.get("written_by", "") if has_applied and tables.has(HELM_VALUES) else "",
        paths=metadata.get("paths", ""),
        values=saved_values(metadata),
        next_applied=next_applied if has_applied else 0,
        applied_mark=applied_mark if has_applied else "",
    )


def _refuse_newer(tables: RepositoryTables, written_by: str) -> None:
    """Refuse to replay over what a later scanner has read better: raising `SCANNER_VERSION` says that it did."""
    version = written_by.partition(" ")[0]
    if version.isdecimal() and int(version) > int(SCANNER_VERSION):
        raise LakeError(f"{tables.lake.path(RESOURCES, tables.full_name)} {NEWER} (scanner {version}); {UPGRADE}")


def read_stored(tables: RepositoryTables, position: Position) -> Stored:
    """Read a repository's resources, problems and applied objects as of their position.

    Raises:
        LakeError: one of the files is damaged.
    """
    partition = tables.resources()
    resources = tuple(resource_from_row(row) for row in partition.rows.iter_rows(named=True)) if partition else ()
    identities = {resource.resource_id: resource.identity for resource in resources if resource.deleted_at is None}
    return Stored(
        resources,
        tuple(problem_from_row(row) for row in _read_problems(tables, position)),
        tuple(read_applied(tables, position.applied_mark, identities)),
    )


def write_tables(
    tables: RepositoryTables, repository: Repository, replay: Replay, known: Position | None, position: Position
) -> Position:
    """Write all tables of a replay. The resources come last and carry the position. Its events are written before.

    Returns the position with the values that belong to it.

    `known` is the position from which the replay went on, None for one from the start. `position` is the one that it
    reached.

    Raises:
        LakeError: a file cannot be written, and the position has not moved then.
    """
    before = _read_problems(tables, known) if known else []
    problems = {"commit": position.commit, "before": orjson.dumps(before).decode()}
    tables.write_problems([problem_row(problem, repository) for problem in replay.problems.values()], problems)
    known_values = known.values if known and not known.is_older else None
    saved = write_values(tables, repository, replay, position.commit, known_values)
    known_mark = known.applied_mark if known else ""
    mark = write_applied(tables, repository, replay.applied, position.commit, known_mark)
    replay.note_applied()
    lines = replay.lines()
    rows = [resource_row(resource, repository, lines.get(identity)) for identity, resource in replay.active.items()]
    rows += [resource_row(tombstone, repository) for tombstone in replay.tombstones.values()]
    tables.write_resources(rows, position.metadata | saved.metadata | {"applied_mark": mark})
    replay.unsaved.clear()
    replay.applied.saved()
    return replace(position, values=saved, applied_mark=mark)


def write_position(tables: RepositoryTables, position: Position) -> None:
    """Write only the position anew, beside the same resources.

    Raises:
        LakeError: the file is damaged or cannot be written.
    """
    partition = tables.resources()
    if partition is not None:
        tables.write_resources(partition.rows, {**partition.metadata, **position.metadata})


def scan_row(
    repository: Repository, replay: Replay, engine: str, reached: Position, now: datetime.datetime, run_id: str | None
) -> Row:
    """The row of `scans` after a successful scan."""
    return {
        "repository_id": repository.repository_id,
        "full_name": repository.full_name,
        "scan_status": "scanned",
        "scan_error": None,
        "scanned_commit": reached.commit,
        "last_scan_at": now,
        "resources_count": len(replay.active),
        "events_count": replay.log.next_sequence,
        "complete_from": reached.complete_from,
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
        "complete_from": 0,
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


def _read_problems(tables: RepositoryTables, position: Position) -> list[Row]:
    """The problems at the position. A killed run may have written later ones, which carry those before them."""
    partition = tables.problems()
    if partition is None:
        return []
    if partition.metadata.get("commit") == position.commit:
        return partition.rows.to_dicts()
    before: list[Row] = orjson.loads(partition.metadata["before"])
    return [{**row, "first_seen_at": datetime.datetime.fromisoformat(row["first_seen_at"])} for row in before]
