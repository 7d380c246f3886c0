"""Moves what is known of one repository from its position to a commit of its mirror, and hands its events to the log.

A first scan, new commits and a rewritten history go the same way: the state at the position, the steps from there to
the head, and at the end whatever still differs from the head's tree as one last step. The writing of tables and their
position belong to `save.py` and `store/position.py`, the meaning of a step to `replay/replay.py`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kubestats_pipeline.git import history
from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import Change, Commit, Step, is_of_interest, is_template
from kubestats_pipeline.lake.tables import APPLIED_EVENTS, RESOURCE_EVENTS
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.manifests.engine import gitops_engine
from kubestats_pipeline.scan.manifests.files import ContentCache, FileVersion
from kubestats_pipeline.scan.manifests.withheld_paths import from_text
from kubestats_pipeline.scan.parallel.read_ahead import ReadAhead
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.save import Advanced, Saver
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store.logs import EVENTS_AT_ONCE, read_event_ids

STEPS_AHEAD, MOST_STEPS_AHEAD = 20, 2_000
"""Commits whose blobs are asked for before they are replayed, and those that helpers may be ahead at most."""


def bring_to_head(job: ScanJob, position: store.Position | None, saver: Saver) -> Advanced:
    """Replay from a position, None for the beginning of the mirror, to the head of a job.

    On the way the saver gets the events, and from time to time a state to save. The last state is the caller's to save.

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
            replay.log.known_event_ids |= read_event_ids(job.tables, RESOURCE_EVENTS, position.next_sequence)
            replay.applied.known_event_ids |= read_event_ids(job.tables, APPLIED_EVENTS, position.next_applied)
        first = replay.log.next_sequence
        for commit in _advance(replay, mirror, position.commit if position else None, job.head, ahead, goes_on):
            saver.log.take_from(replay, EVENTS_AT_ONCE)
            if saver.is_due() and commit.sha != job.head and not _left_over(replay, mirror, commit.sha):
                saver.log.take_from(replay)
                saver.save(_advanced(replay, commit.sha, blobs, first, is_linear=is_linear))
        saver.log.take_from(replay)
        return _advanced(replay, job.head, blobs, first, is_linear=is_linear)


def _advanced(replay: Replay, commit: str, blobs: BlobReader, first: int, *, is_linear: bool) -> Advanced:
    return Advanced(replay, commit, _engine(replay, blobs), replay.log.next_sequence - first, is_linear)


def _resume(job: ScanJob, position: store.Position | None, cache: ContentCache, blobs: BlobReader) -> Replay:
    """The state at the position. Its files are read from the mirror where that still holds the commit."""
    repository, mirror = job.repository, job.mirror
    if position is None:
        return Replay(repository.repository_id, cache, clone_url=repository.clone_url)
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
        clone_url=repository.clone_url,
    )
    blobs.expect(oid for path, oid in tree.items() if is_of_interest(path))
    known = replay.paths.tree(tree)
    replay.restore([Change(path, oid) for path, oid in known.items()], position.values.last_readable)
    return replay


def _advance(
    replay: Replay, mirror: Path, base: str | None, head: str, ahead: ReadAhead, goes_on: bool
) -> Iterator[Commit]:
    """Move the replay to the head, and give each commit that it has come to. The caller may take its events away."""
    if base is None or goes_on:
        names = replay.paths.copy()  # those of the steps that are looked at ahead of the replay
        steps = ((step, names.step(step)) for step in history.walk(mirror, base, head))
        for step, named in _looking_ahead(steps, ahead):
            replay.paths.follow(step, named)
            replay.apply(named.commit, named.changes)
            yield named.commit
    left_over = _left_over(replay, mirror, head)
    if left_over or replay.applied.is_overdue:
        ahead.expect(_files(left_over))
        commit = history.read_commit(mirror, head)
        replay.apply(commit, left_over)
        yield commit


def _left_over(replay: Replay, mirror: Path, commit: str) -> list[Change]:
    """The difference of the files that were replayed from the tree of a commit."""
    return _difference(replay.files.oids, replay.paths.tree(history.read_tree(mirror, commit)))


def _engine(replay: Replay, blobs: BlobReader) -> str:
    active = {identity: resource for identity, resource in replay.active.items() if resource.context == "active"}
    charts = {identity: resource.resolved.chart_name for identity, resource in active.items()}
    templates = (oid for path, oid in replay.files.templates.items() if context_of(path) != "archived")
    return gitops_engine(charts, replay.files.paths, map(blobs.read, templates))


def _looking_ahead(steps: Iterable[tuple[Step, Step]], ahead: ReadAhead) -> Iterator[tuple[Step, Step]]:
    """The same steps, each after the blobs of the next ones have been asked for.

    A step comes with the same one under the public names of its files, in which the blobs are asked for.
    """
    coming: deque[tuple[tuple[Step, Step], int]] = deque()
    blobs = 0
    for step in steps:
        files = list(_files(step[1].changes))
        wanted = ahead.expect(files)
        coming.append((step, len(files)))
        blobs += len(files)
        while len(coming) > (MOST_STEPS_AHEAD if blobs < wanted else STEPS_AHEAD) or (wanted and blobs > wanted):
            following, read = coming.popleft()
            blobs -= read
            yield following
    yield from (step for step, _ in coming)


def _files(changes: Iterable[Change]) -> Iterator[FileVersion]:
    for path, oid in changes:
        if oid and is_of_interest(path) and not is_template(path):
            yield FileVersion(path, oid)


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """The difference of two trees."""
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return [Change(path, after.get(path)) for path in paths]
