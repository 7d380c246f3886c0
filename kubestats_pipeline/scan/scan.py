"""Scans repositories: brings the tables of each from the commit that they stand for to its mirror's head.

A scan is a function of the mirror and the settings. A first one replays the mirror's whole history; a later one the
new commits; after a rewritten history it is one difference. In every case the result is compared with the head's tree
at the end, and what is left over is applied as a last difference, so that the tables always agree with the tip.
"""

import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kubestats_pipeline.git import command as git
from kubestats_pipeline.git import history
from kubestats_pipeline.git.mirror_folder import read_head
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline.locks import BusyError, locked
from kubestats_pipeline.scan.advance import Advanced, bring_to_head
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.withheld_paths import to_text
from kubestats_pipeline.scan.parallel.gc_tuning import relaxed_gc
from kubestats_pipeline.scan.parallel.workers import WorkerDiedError, call_in_processes
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store.retention import known_boundaries, mark_of
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.sync.mirror import discard, seal


@dataclass(frozen=True)
class Target:
    """A repository to scan, the commit to reach, how far back its mirror goes, and whether to begin from the start."""

    repository: Repository
    head: str
    history_since: datetime.datetime | None
    anew: bool = False


@dataclass(frozen=True)
class Scanned:
    """The tables have moved to the head.

    Attributes:
        resources: active resources; `deleted` ones have rows too.
        events: events in the log, `new_events` of them from this scan.
        problems: files that could not be read, by class.
        settings: rows of Helm values.
    """

    commit: str
    resources: int
    deleted: int
    events: int
    new_events: int
    problems: int
    settings: int
    seconds: float


@dataclass(frozen=True)
class Unchanged:
    """The tables stand for the head already; nothing was read or written."""

    commit: str


@dataclass(frozen=True)
class ScanFailed:
    """The scan failed; what was known stays as it was."""

    reason: str


@dataclass(frozen=True)
class NotSynced:
    """No sync has found a commit yet, so there is nothing to scan."""


LOCK_SECONDS = 600
"""How long a scan waits for another process that scans the same repository."""

Outcome = Scanned | Unchanged | NotSynced | ScanFailed


def scan_all(
    repositories: Sequence[Repository],
    lake: Lake,
    settings: Settings,
    run_id: str | None,
    now: Callable[[], datetime.datetime],
    *,
    anew: bool = False,
) -> Iterator[tuple[Repository, Outcome]]:
    """Scan repositories, several at once in processes of their own, and give each outcome as it comes.

    A repository that fails, even one that kills its process, never stops the others. One whose tables stand for its
    mirror's head already costs three small reads, unless it is to be replayed `anew`, from the start of its mirror.
    """
    waiting: list[Target] = []
    for repository in repositories:
        found = _find_work(lake, repository, anew)
        if isinstance(found, Target):
            waiting.append(found)
        else:
            yield repository, _recorded(found, lake, repository, run_id, now())
    outcomes: Iterator[tuple[Target, Outcome]]
    helpers = max(settings.scan.workers - len(waiting), 0) // max(len(waiting), 1)
    job = partial(
        _scan_in_worker, layout=lake.layout, bounds=_bounds(settings), run_id=run_id, now=now(), helpers=helpers
    )
    if settings.scan.workers == 1 or len(waiting) == 1:
        outcomes = ((each, job(each)) for each in waiting)
    else:
        outcomes = _scan_in_processes(job, waiting, settings.scan.workers)
    for target, outcome in outcomes:
        yield target.repository, _recorded(outcome, lake, target.repository, run_id, now())


@relaxed_gc()
def scan_repository(
    target: Target, lake: Lake, bounds: Bounds, run_id: str | None, now: datetime.datetime, helpers: int = 0
) -> Scanned | Unchanged:
    """Bring the tables of one repository to its head; a long history is read with so many more processes.

    Raises:
        GitError: the mirror lacks the head or cannot be read.
        LakeError: a partition is damaged or cannot be written.
    """
    started = time.monotonic()
    repository = target.repository
    position = store.read_position(lake, repository.full_name)
    if _is_current(lake, position, target):
        return Unchanged(target.head)
    mirror = lake.layout.mirror(repository.host, repository.owner, repository.name)
    if not history.has_commit(mirror, target.head):
        damaged = read_head(mirror) == target.head
        missing = f"the mirror does not hold commit {target.head}; sync the repository again"
        raise git.GitError(missing, status=128 if damaged else None)
    if position is not None and _must_start_over(position, target):
        position = None
    log = store.EventLog(lake, repository, position, run_id)
    advanced = bring_to_head(lake, repository, mirror, position, target.head, bounds, log, helpers)
    replay = advanced.replay
    reached = _reached(lake, target, position, advanced, log)
    store.write_scan(lake, repository, store.scan_row(repository, replay, advanced.engine, reached, now, run_id))
    log.publish()
    settings = store.write_tables(lake, repository, replay, position, reached)
    return Scanned(
        commit=target.head,
        resources=len(replay.active),
        deleted=len(replay.tombstones),
        events=replay.next_sequence,
        new_events=advanced.new_events,
        problems=len(replay.problems),
        settings=settings,
        seconds=time.monotonic() - started,
    )


def _reached(
    lake: Lake, target: Target, position: store.Position | None, advanced: Advanced, log: store.EventLog
) -> store.Position:
    """The position that a replay has reached; what retention took out of a log does not come back with a new one."""
    repository = target.repository
    if position is not None and not position.is_older:
        complete_from, retired = position.complete_from, position.retired
    else:
        boundaries = known_boundaries(lake.layout, repository.repository_id)
        complete_from, retired = log.leave_out(boundaries), mark_of(boundaries)
    return store.Position(
        repository.repository_id,
        target.head,
        advanced.replay.next_sequence,
        _reaches_back_to(position, target),
        advanced.is_linear,
        complete_from,
        retired,
        paths=to_text(advanced.replay.paths),
    )


def _is_current(lake: Lake, position: store.Position | None, target: Target) -> bool:
    """Whether the tables stand for the head, and `scans` says so: after a failure it is put right by another scan."""
    if position is None or position.commit != target.head or position.is_older or _must_start_over(position, target):
        return False
    scan = store.read_scan(lake, target.repository.full_name)
    return scan is not None and (scan["scan_status"], scan["scanned_commit"]) == ("scanned", target.head)


def _must_start_over(position: store.Position, target: Target) -> bool:
    """Whether only a replay from the start gives the right rows.

    That is so where another repository had the name, where the mirror now reaches further back than their replay did,
    where another version of the scanner wrote them, and where somebody asked for it. In the last two cases, tables that
    reach further back than the mirror, because it was made anew since, are continued all the same: a replay would lose
    their older events.
    """
    if position.repository_id != target.repository.repository_id:
        return True
    reached = datetime.datetime.fromisoformat(position.history_since) if position.history_since else None
    since = target.history_since
    if position.is_older or target.anew:
        return reached is None or since is None or since <= reached
    return reached is not None and since is not None and since < reached


def _reaches_back_to(position: store.Position | None, target: Target) -> str | None:
    if position is not None:
        return position.history_since
    return target.history_since.isoformat() if target.history_since else None


def _find_work(lake: Lake, repository: Repository, anew: bool) -> Target | Outcome:
    """What there is to do for a repository, or the outcome where there is nothing or where that cannot be told."""
    try:
        snapshot = lake.read(SNAPSHOTS, repository.full_name)
        rows = snapshot.rows.to_dicts() if snapshot else []
        row = next((each for each in rows if each["repository_id"] == repository.repository_id), None)
        if row is None or row["head_commit"] is None:
            return NotSynced()
        target = Target(repository, row["head_commit"], row["history_since"], anew)
        current = _is_current(lake, store.read_position(lake, repository.full_name), target)
        return Unchanged(target.head) if current else target
    except LakeError as error:
        return ScanFailed(str(error))


def _scan_in_worker(
    target: Target, layout: Layout, bounds: Bounds, run_id: str | None, now: datetime.datetime, helpers: int = 0
) -> Outcome:
    """Scan with the repository's lock held; a mirror that cannot be read is thrown away, for it is only a cache."""
    repository = target.repository
    mirror = layout.mirror(repository.host, repository.owner, repository.name)
    try:
        with locked(layout.scan_lock(repository.full_name), LOCK_SECONDS):
            if mirror.exists():
                seal(mirror)
            return scan_repository(target, Lake(layout), bounds, run_id, now, helpers)
    except git.GitError as error:
        if error.status is None:
            return ScanFailed(str(error))
        discard(mirror)
        return ScanFailed(f"{error}; its mirror was removed, the next sync fetches it anew")
    except (LakeError, BusyError) as error:
        return ScanFailed(str(error))
    except OSError as error:
        return ScanFailed(f"{error}; see that the disk is neither full nor read-only")


def _scan_in_processes(
    job: Callable[[Target], Outcome], targets: Sequence[Target], workers: int
) -> Iterator[tuple[Target, Outcome]]:
    for target, outcome in call_in_processes(job, targets, workers):
        if isinstance(outcome, WorkerDiedError):
            outcome = ScanFailed(str(outcome))
        yield target, outcome


def _bounds(settings: Settings) -> Bounds:
    return Bounds(settings.scan.max_file_kb * 1024, settings.scan.max_nodes, settings.scan.max_depth)


def _recorded(
    outcome: Outcome, lake: Lake, repository: Repository, run_id: str | None, now: datetime.datetime
) -> Outcome:
    """Write a failure into `scans`; where even that fails, the reason says so."""
    if not isinstance(outcome, ScanFailed):
        return outcome
    try:
        previous: dict[str, Any] | None = store.read_scan(lake, repository.full_name)
        store.write_scan(lake, repository, store.failed_scan_row(repository, previous, outcome.reason, now, run_id))
    except LakeError as error:
        return ScanFailed(f"{outcome.reason}; and it could not be recorded: {error}")
    return outcome
