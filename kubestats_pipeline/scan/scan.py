"""Scans repositories: brings the tables of each from the commit that they show to its mirror's head.

A scan is a function of the mirror and the settings. A first one replays the mirror's whole history, a later one the new
commits, and after a rewritten history it is one difference. In every case the result is compared with the head's tree
at the end, and what is left over is applied as a last difference, so that the tables always agree with the tip.
"""

import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.git import command as git
from kubestats_pipeline.lake.lake import ConflictError, Lake, LakeError
from kubestats_pipeline.lake.leases import UNSHARED, Leases, LeaseTakenError
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import SCANS, SNAPSHOTS
from kubestats_pipeline.locks import locked
from kubestats_pipeline.scan.advance import bring_to_head
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.outcomes import NotSynced, ScanFailed, Scanned, ScannedElsewhere, ScanOutcome, UpToDate
from kubestats_pipeline.scan.parallel.gc_tuning import relaxed_gc
from kubestats_pipeline.scan.parallel.workers import WorkerDiedError, call_in_processes
from kubestats_pipeline.scan.save import Saver
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.settings import Settings

Done = TypeVar("Done")


LOCK_SECONDS = 600
"""How long a scan waits for another process that scans the same repository."""

Fetch = Callable[[Repository], str]
"""Fetches the mirror of a repository where this machine has none. Gives the reason where that cannot be done."""


@dataclass(frozen=True)
class Turns:
    """The turn of each repository in a sweep over a lake that several machines share.

    Attributes:
        leases: by which one machine at a time scans it.
        fetch: for a machine whose mirror lacks the head. None where the next sync does that.
    """

    leases: Leases = UNSHARED
    fetch: Fetch | None = None

    def take(self, job: ScanJob, scan: Callable[[ScanJob], Done]) -> Done | ScanFailed | ScannedElsewhere:
        """Scan with the lease of the repository held, and its mirror at hand."""
        try:
            with self.leases.hold(job.repository.repository_id):
                reason = self._bring_mirror(job)
                return ScanFailed(reason) if reason else scan(job)
        except LeaseTakenError as error:
            return ScannedElsewhere(str(error))
        except (ExplainedError, git.GitError, OSError) as error:
            return ScanFailed(str(error))

    def _bring_mirror(self, job: ScanJob) -> str:
        if self.fetch is None or (job.mirror.exists and job.mirror.has_commit(job.head)):
            return ""
        return self.fetch(job.repository)


def scan_all(
    repositories: Sequence[Repository],
    lake: Lake,
    settings: Settings,
    run_id: str | None,
    now: Callable[[], datetime.datetime],
    *,
    anew: bool = False,
    turns: Turns = Turns(),
) -> Iterator[tuple[Repository, ScanOutcome]]:
    """Scan repositories, several at once in processes of their own, and give each outcome as it comes.

    A repository that fails, even one that kills its process, never stops the others. One whose tables show its mirror's
    head already costs one small read, unless it is to be replayed `anew`, from the start of its mirror.
    """
    waiting: list[ScanJob] = []
    names = [(repository.full_name, repository.repository_id) for repository in repositories]
    swept = RepositoryTables.sweep(lake, names, [SNAPSHOTS, SCANS])
    for repository, tables in zip(repositories, swept, strict=True):
        found = _find_work(tables, repository, settings, run_id, now(), anew)
        if isinstance(found, ScanJob):
            waiting.append(found)
        else:
            yield repository, _recorded(found, lake, repository, run_id, now())
    helpers = max(settings.scan.workers - len(waiting), 0) // max(len(waiting), 1)
    started_at = now()
    jobs = [replace(job, started_at=started_at, helpers=helpers) for job in waiting]
    for job, outcome in _scan_jobs(jobs, settings.scan.workers, turns):
        yield job.repository, _recorded(outcome, lake, job.repository, run_id, now())


@relaxed_gc()
def scan_repository(job: ScanJob, clock: Callable[[], float] = time.monotonic) -> Scanned | UpToDate:
    """Bring the tables of one repository to its head. A long history is read with the job's helper processes.

    A long scan saves its position now and then, see `save.py`. `clock` counts the seconds for that.

    Raises:
        GitError: the mirror lacks the head or cannot be read.
        LakeError: a partition is damaged or cannot be written.
    """
    started = time.monotonic()
    stored = position = store.read_position(job.tables)
    if _is_current(position, job, job.tables):
        return UpToDate(job.head)
    if position is not None and _must_start_over(position, job):
        position = None
    saver = Saver(job, position, replaces=stored is not None and position is None, clock=clock)
    try:
        advanced = bring_to_head(job, position, saver)
    except git.GitError as error:
        raise (error if job.mirror.has_commit(job.head) else _missing(job)) from error
    replay, settings = advanced.replay, saver.save(advanced)
    replay.release()
    return Scanned(
        commit=job.head,
        resources=len(replay.active),
        deleted=len(replay.tombstones),
        events=replay.log.next_sequence,
        new_events=advanced.new_events,
        problems=len(replay.problems),
        settings=settings,
        applied=len(replay.applied.active),
        applied_events=replay.applied.next_sequence,
        seconds=time.monotonic() - started,
    )


def _missing(job: ScanJob) -> git.GitError:
    damaged = job.mirror.head == job.head
    message = f"the mirror does not hold commit {job.head}. Sync the repository again"
    return git.GitError(message, status=128 if damaged else None)


def _is_current(position: store.Position | None, job: ScanJob, tables: RepositoryTables) -> bool:
    """True where the tables hold the head, and `scans` says so: after a failure another scan puts that right."""
    if position is None or position.commit != job.head or position.is_older or _must_start_over(position, job):
        return False
    scan = tables.scan()
    return scan is not None and (scan["scan_status"], scan["scanned_commit"]) == ("scanned", job.head)


def _must_start_over(position: store.Position, job: ScanJob) -> bool:
    """True where only a replay from the start gives the right rows.

    That is so where another repository had the name, where the mirror now reaches further back than their replay did,
    where another version of the scanner wrote them, and where somebody asked for it. In the last two cases, tables that
    reach further back than the mirror, because it was made anew since, are continued all the same: a replay would lose
    their older events.
    """
    if position.repository_id != job.repository.repository_id:
        return True
    reached = datetime.datetime.fromisoformat(position.history_since) if position.history_since else None
    since = job.history_since
    if position.is_older or job.anew:
        return reached is None or since is None or since <= reached
    return reached is not None and since is not None and since < reached


def _find_work(
    tables: RepositoryTables,
    repository: Repository,
    settings: Settings,
    run_id: str | None,
    now: datetime.datetime,
    anew: bool,
) -> ScanJob | ScanOutcome:
    """The work to do for a repository, or the outcome where nothing is to be done or its tables cannot be read."""
    try:
        row = tables.snapshot()
        if row is None or row["head_commit"] is None:
            return NotSynced()
        job = ScanJob(
            layout=tables.lake.layout,
            repository=repository,
            head=row["head_commit"],
            history_since=row["history_since"],
            started_at=now,
            bounds=_bounds(settings),
            run_id=run_id,
            anew=anew,
        )
        return UpToDate(job.head) if _is_current(store.read_position(tables), job, tables) else job
    except LakeError as error:
        return ScanFailed(str(error))


def _scan_jobs(jobs: Sequence[ScanJob], workers: int, turns: Turns) -> Iterator[tuple[ScanJob, ScanOutcome]]:
    if workers == 1 or len(jobs) == 1:
        yield from ((job, turns.take(job, scan_locked)) for job in jobs)
        return
    for job, outcome in call_in_processes(scan_locked, jobs, workers, turns.take):
        yield job, ScanFailed(str(outcome)) if isinstance(outcome, WorkerDiedError) else outcome


def scan_locked(job: ScanJob) -> ScanOutcome:
    """Scan with the repository's lock held. A mirror that cannot be read is thrown away, because it is only a cache."""
    mirror = job.mirror
    try:
        with locked(job.layout.scan_lock(job.repository.full_name), LOCK_SECONDS):
            if mirror.exists:
                mirror.seal()
            job.tables.bring_up_to_date()
            return scan_repository(job)
    except git.GitError as error:
        if error.status is None:
            return ScanFailed(str(error))
        mirror.discard()
        return ScanFailed(f"{error}. Its mirror was removed, the next sync fetches it anew")
    except ConflictError as error:
        return ScannedElsewhere(str(error))
    except ExplainedError as error:
        return ScanFailed(str(error))
    except OSError as error:
        return ScanFailed(f"{error}. See that the disk is neither full nor read-only")


def _bounds(settings: Settings) -> Bounds:
    return Bounds(settings.scan.max_file_kb * 1024, settings.scan.max_nodes, settings.scan.max_depth)


def _recorded(
    outcome: ScanOutcome, lake: Lake, repository: Repository, run_id: str | None, now: datetime.datetime
) -> ScanOutcome:
    """Write a failure into `scans`. Where even that fails, the reason says so."""
    if not isinstance(outcome, ScanFailed):
        return outcome
    try:
        tables = RepositoryTables.of(lake, repository)
        tables.write_scan(store.failed_scan_row(repository, tables.scan(), outcome.reason, now, run_id))
    except LakeError as error:
        return ScanFailed(f"{outcome.reason}, and it could not be recorded: {error}")
    return outcome
