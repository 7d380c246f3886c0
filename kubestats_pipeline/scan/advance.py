"""Moves what is known of one repository from its position to a commit of its mirror, and hands its events to the log.

A first scan, new commits and a rewritten history go the same way: the state at the position, the steps from there to
the head, and at the end whatever still differs from the head's tree as one last step. The position and the writing of
tables belong to `scan.py` and `store/position.py`, the meaning of a step to `replay/replay.py`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.git import history
from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import Change, Step, is_template
from kubestats_pipeline.lake.tables import APPLIED_EVENTS, RESOURCE_EVENTS
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.manifests.files import ContentCache, FileVersion
from kubestats_pipeline.scan.manifests.withheld_paths import from_text
from kubestats_pipeline.scan.parallel.read_ahead import ReadAhead
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.resolve.engine import gitops_engine
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store.logs import EVENTS_AT_ONCE, EventLog, read_event_ids

STEPS_AHEAD, MOST_STEPS_AHEAD = 20, 2_000
"""Commits whose blobs are asked for before they are replayed, and those that helpers may be ahead at most."""


@dataclass(frozen=True)
class Advanced:
    """A replay that has come to the head.

    Attributes:
        engine: the GitOps engine of the repository, as a column of `scans`.
        new_events: events that the log was given.
        is_linear: as `store.Position.is_linear`, for the position that was reached.
    """

    replay: Replay
    engine: str
    new_events: int
    is_linear: bool


def bring_to_head(job: ScanJob, position: store.Position | None, log: EventLog) -> Advanced:
    """Replay from a position, None for the beginning of the mirror, to the head of a job.

    Raises:
        GitError: the mirror cannot be read.
        LakeError: a partition is damaged, or the disk is full or read-only.
    """
    mirror = job.mirror.path
    goes_on = position is not None and history.is_ancestor(mirror, position.commit, job.head)
    is_linear = position is None or (position.is_linear and goes_on)
    with BlobReader(mirror) as blobs, ReadAhead(mirror, job.bounds, job.helpers, blobs) as ahead:
        replay = _resume(job, position, ContentCache(blobs.read, job.bounds, ahead.take), blobs)
        if position is not None and not (is_linear and position.commit != job.head):
            # Only a descendant that comes for the first time can have no event in the log already.
            replay.known_event_ids |= read_event_ids(job.tables, RESOURCE_EVENTS, position.next_sequence)
            replay.applied.known_event_ids |= read_event_ids(job.tables, APPLIED_EVENTS, position.next_applied)
        first = replay.next_sequence
        for _ in _advance(replay, mirror, position.commit if position else None, job.head, ahead, goes_on):
            log.take_from(replay, EVENTS_AT_ONCE)
        log.take_from(replay)
        return Advanced(replay, _engine(replay, blobs), replay.next_sequence - first, is_linear)


def _resume(job: ScanJob, position: store.Position | None, cache: ContentCache, blobs: BlobReader) -> Replay:
    """The state at the position. Its files are read from the mirror where that still holds the commit."""
    repository, mirror = job.repository, job.mirror
    if position is None:
        return Replay(repository.repository_id, cache)
    stored = store.read_stored(job.tables, position)
    tree = history.read_tree(mirror.path, position.commit) if mirror.has_commit(position.commit) else {}
    replay = Replay(
        repository.repository_id,
        cache,
        active={
            resource.identity: resource._replace(values=position.values.retained.get(resource.resource_id))
            for resource in stored.resources
            if resource.deleted_at is None
        },
        tombstones={resource.resource_id: resource for resource in stored.resources if resource.deleted_at is not None},
        problems={(problem.path, problem.problem): problem for problem in stored.problems},
        next_sequence=position.next_sequence,
        saved_applied=stored.applied,
        next_applied=position.next_applied,
        paths=from_text(position.paths, tree),
    )
    blobs.expect(tree.values())
    known = replay.paths.tree(tree)
    replay.restore([Change(path, oid) for path, oid in known.items()], position.values.last_readable)
    return replay


def _advance(
    replay: Replay, mirror: Path, base: str | None, head: str, ahead: ReadAhead, goes_on: bool
) -> Iterator[None]:
    """Move the replay to the head. The caller may take events away after each step."""
    if base is None or goes_on:
        for step in _looking_ahead(map(replay.paths.step, history.walk(mirror, base, head)), ahead):
            replay.apply(step.commit, step.changes)
            yield
    left_over = _difference(replay.files.oids, replay.paths.tree(history.read_tree(mirror, head)))
    if left_over or replay.applied.is_overdue:
        ahead.expect(_files(left_over))
        replay.apply(history.read_commit(mirror, head), left_over)
        yield


def _engine(replay: Replay, blobs: BlobReader) -> str:
    charts = {identity: resource.resolved.chart_name for identity, resource in replay.active.items()}
    templates = (oid for path, oid in replay.files.templates.items() if context_of(path) != "archived")
    return gitops_engine(charts, replay.files.oids, map(blobs.read, templates))


def _looking_ahead(steps: Iterable[Step], ahead: ReadAhead) -> Iterator[Step]:
    """The same steps, each after the blobs of the next ones have been asked for."""
    coming: deque[Step] = deque()
    blobs = 0
    for step in steps:
        wanted = ahead.expect(_files(step.changes))
        coming.append(step)
        blobs += len(step.changes)
        while len(coming) > (MOST_STEPS_AHEAD if blobs < wanted else STEPS_AHEAD) or (wanted and blobs > wanted):
            blobs -= len(coming[0].changes)
            yield coming.popleft()
    yield from coming


def _files(changes: Iterable[Change]) -> Iterator[FileVersion]:
    return (FileVersion(change.path, change.oid) for change in changes if change.oid and not is_template(change.path))


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """The difference of two trees."""
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return [Change(path, after.get(path)) for path in paths]
