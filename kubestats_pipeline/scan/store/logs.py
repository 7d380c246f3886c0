"""The two logs of a repository, `resource_events` and `applied_events`, as a replay goes on with them.

How the files of a log grow is in `lake/event_log.py`, how far the logs reach at a position in `position.py`.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

import polars as pl

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import APPLIED_EVENTS, RESOURCE_EVENTS
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.store.applied import applied_event_row
from kubestats_pipeline.scan.store.position import Position
from kubestats_pipeline.scan.store.retention import Boundaries, plan, retire
from kubestats_pipeline.scan.store.rows import Row, event_row

EVENTS_AT_ONCE, BYTES_AT_ONCE = 1_000, 16_000_000
"""Events, and bytes of their documents, that are kept in memory as objects before they become rows."""


class Numbered(Protocol):
    """An event of either log."""

    @property
    def sequence(self) -> int:
        """Its position in the log."""


E = TypeVar("E", bound=Numbered)


class EventLog:
    """Takes up the events of a replay, some at a time. They are part of the logs from `publish` on.

    Args:
        known: the position from which the replay goes on, or None for a replay from the start, which replaces the logs.
    """

    def __init__(
        self, tables: RepositoryTables, repository: Repository, known: Position | None, run_id: str | None
    ) -> None:
        to_row = functools.partial(event_row, repository=repository, run_id=run_id)
        to_applied_row = functools.partial(applied_event_row, repository=repository, run_id=run_id)
        self._resources = _Log(tables, RESOURCE_EVENTS, known, known.next_sequence if known else 0, to_row)
        self._applied = _Log(tables, APPLIED_EVENTS, known, known.next_applied if known else 0, to_applied_row)

    def take_from(self, replay: Replay, at_least: int = 1) -> None:
        """Take the events of a replay away from it, those of each log where there are so many, or long ones."""
        if len(replay.log.events) >= at_least or replay.log.size >= BYTES_AT_ONCE:
            self._resources.append(replay.log.take())
        if len(replay.applied.events) >= at_least:
            self._applied.append(replay.applied.take_events())

    def leave_out(self, boundaries: Boundaries) -> int:
        """Retire what the archive holds already. Returns the number of the event from which on all are there."""
        if not boundaries:
            return 0
        found = plan(self._resources.writer, boundaries)
        retire(self._resources.writer, found)
        return found.complete_from

    def publish(self) -> None:
        """Put everything into its place. Rows that a killed run left beyond the position are gone afterwards."""
        self._resources.writer.publish()
        self._applied.writer.publish()


class _Log(Generic[E]):
    """One of the logs. Its first `end` events are those of the known position."""

    def __init__(
        self, tables: RepositoryTables, log: Table, known: Position | None, end: int, to_row: Callable[[E], Row]
    ) -> None:
        goes_on = known is not None and not known.is_older
        self._to_row = to_row
        self.writer = tables.append_events(log, end if goes_on else 0)
        if not goes_on:  # other columns: every file is written anew
            for frame, stop in read_log(tables, log, end):
                self.writer.append(frame, stop)

    def append(self, events: Sequence[E]) -> None:
        self.writer.append([self._to_row(event) for event in events], events[-1].sequence + 1)


def read_event_ids(tables: RepositoryTables, log: Table, end: int) -> set[str]:
    """The ids of the first `end` events of a log.

    Raises:
        LakeError: one of the log's files is damaged.
    """
    return {event_id for frame, _ in read_log(tables, log, end) for event_id in frame["event_id"]}


def read_log(tables: RepositoryTables, log: Table, end: int) -> Iterator[tuple[pl.DataFrame, int]]:
    """The first `end` events, segment by segment, with the number that follows each one's last."""
    for segment in tables.event_segments(log):
        if segment.first < end:
            yield tables.read_events(log, segment).filter(pl.col("sequence") < end), min(segment.end, end)
