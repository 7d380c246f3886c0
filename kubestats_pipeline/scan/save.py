"""Writes the tables of one repository: at the end of its scan, and in the middle of a long one.

A first scan of a long history takes from minutes to an hour. So that a killed one need not begin again, it writes all
tables and their position between two commits, as at the end, and goes on. Until the end, readers see the repository as
it was at that commit, and the row of `scans` names the commit. The replay itself is in `advance.py`, the tables are in
`store/`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.manifests.withheld_paths import to_text
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store.logs import EventLog
from kubestats_pipeline.scan.store.retention import known_boundaries, mark_of

SAVE_SECONDS = 300
"""Seconds of work that a killed scan loses at most, apart from those of one commit."""


@dataclass(frozen=True)
class Advanced:
    """A replay that has come to a commit.

    Attributes:
        engine: the GitOps engine of the repository, as a column of `scans`.
        new_events: events that the log was given.
        is_linear: as `store.Position.is_linear`, for the position that was reached.
    """

    replay: Replay
    commit: str
    engine: str
    new_events: int
    is_linear: bool


class Saver:
    """Holds the log of a scan and the position of its tables, and moves both.

    Args:
        known: the position from which the replay goes on, or None for a replay from the start.
        replaces: true where readers have the tables of an earlier replay, which stay until this one has ended.
        clock: counts seconds, from any moment on.
    """

    def __init__(
        self, job: ScanJob, known: store.Position | None, *, replaces: bool, clock: Callable[[], float]
    ) -> None:
        self._job, self._known, self._clock = job, known, clock
        self._boundaries = known_boundaries(job.tables.lake, job.repository.repository_id)
        # A log that is made anew while the archive has a part of it needs all events before that part can be left out.
        self._may_save = not (known.is_older if known else replaces or self._boundaries)
        self._saved_at = clock()
        self._log: EventLog | None = None

    @property
    def log(self) -> EventLog:
        """The log, which goes on from the position of the tables."""
        if self._log is None:
            self._log = EventLog(self._job.tables, self._job.repository, self._known, self._job.run_id)
        return self._log

    def is_due(self) -> bool:
        """Decide whether the tables are to be written before the next commit."""
        return self._may_save and self._clock() - self._saved_at >= SAVE_SECONDS

    def save(self, advanced: Advanced) -> int:
        """Write all tables as of a commit. The log goes on from there. Returns the number of rows of Helm values.

        Raises:
            LakeError: a partition is damaged or cannot be written.
        """
        job, reached = self._job, self._reached(advanced)
        job.tables.refuse_stale()
        # The position travels with the resources, which `write_tables` puts last: a run that is killed before is
        # repeated.
        job.tables.write_scan(
            store.scan_row(job.repository, advanced.replay, advanced.engine, reached, job.started_at, job.run_id)
        )
        self.log.publish()
        self._known = store.write_tables(job.tables, job.repository, advanced.replay, self._known, reached)
        self._log = None
        self._saved_at = self._clock()
        return self._known.values.rows

    def _reached(self, advanced: Advanced) -> store.Position:
        """The position that a replay has reached. Events that retention took out of a log stay out of a new one."""
        known = self._known
        if known is not None and not known.is_older:
            complete_from, retired = known.complete_from, known.retired
        else:
            complete_from, retired = self.log.leave_out(self._boundaries), mark_of(self._boundaries)
        return store.Position(
            repository_id=self._job.repository.repository_id,
            commit=advanced.commit,
            next_sequence=advanced.replay.log.next_sequence,
            next_applied=advanced.replay.applied.next_sequence,
            history_since=self._reaches_back_to(),
            is_linear=advanced.is_linear,
            complete_from=complete_from,
            retired=retired,
            paths=to_text(advanced.replay.paths),
        )

    def _reaches_back_to(self) -> str | None:
        if self._known is not None:
            return self._known.history_since
        return self._job.history_since.isoformat() if self._job.history_since else None
