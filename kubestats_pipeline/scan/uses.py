"""The uses of a repository at some of its commits, without a lake: for whoever compares two of them.

The replay is the same as that of a scan. It goes from commit to commit by the difference of their trees, as after a
rewritten history, and what it holds then is read as rows, redacted as everywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.git import history
from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import Change, is_of_interest
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.files import ContentCache
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.store.applied import applied_row
from kubestats_pipeline.scan.store.rows import Row, problem_row, resource_row


@dataclass(frozen=True)
class CommitUses:
    """The uses of a repository at one commit.

    Attributes:
        uses: a row for each use, by an id that survives edits and moves: of `applied_resources` where the repository
            tells what its clusters run, else of `resources`.
        problems: rows of `scan_problems`.
    """

    uses: Mapping[str, Row]
    problems: Sequence[Row]


def read_uses(git_folder: Path, commits: Sequence[str], repository: Repository, bounds: Bounds) -> Iterator[CommitUses]:
    """The uses at each of the commits. Nothing is written.

    Raises:
        GitError: a commit cannot be read.
    """
    with BlobReader(git_folder) as blobs:
        cache = ContentCache(blobs.read, bounds)
        replay = Replay(repository.repository_id, cache, clone_url=repository.clone_url)
        for commit in commits:
            changes = _changes_to(replay, git_folder, commit)
            blobs.expect(oid for path, oid in changes if oid and is_of_interest(path))
            replay.apply(history.read_commit(git_folder, commit), changes)
            yield _uses_of(replay, repository)


def _changes_to(replay: Replay, git_folder: Path, commit: str) -> list[Change]:
    """The difference of the files that were read from the tree of a commit."""
    known, tree = replay.files.oids, replay.paths.tree(history.read_tree(git_folder, commit))
    paths = sorted(path for path in known.keys() | tree.keys() if known.get(path) != tree.get(path))
    return [Change(path, tree.get(path)) for path in paths]


def _uses_of(replay: Replay, repository: Repository) -> CommitUses:
    replay.note_applied()
    documents = {
        resource.resource_id: resource_row(resource, repository)
        for resource in replay.active.values()
        if resource.is_applied is None
    }
    applied = {record.applied_id: applied_row(record, repository) for record in replay.applied.active.values()}
    problems = [problem_row(problem, repository) for problem in replay.problems.values()]
    return CommitUses({**documents, **applied}, problems)
