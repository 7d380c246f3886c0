"""Encodes a story as a stream for `git fast-import`, so that one process makes a whole repository.

The stream is a pure function of the story, so the bytes and the commit ids are the same on every machine. `story.py`
comes before this module, and `build.py` after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubestats_pipeline.sample.clusters.story import Person, SampleTree, Step, Story, StoryCommit, StoryMerge

BRANCH = "main"


@dataclass(frozen=True)
class _Revision:
    """A commit that is already in the stream: its mark and its tree. Mark 0 is the empty tree before the first one."""

    mark: int
    tree: SampleTree


def fast_import_stream(story: Story) -> bytes:
    """Encode the whole history of a story, closed by `done` so that git notices a stream cut short.

    Raises:
        StoryError: a change does not fit the tree that it meets.
    """
    parts: list[bytes] = []
    mainline, marks = [_Revision(0, {})], iter(range(1, 100_000))
    for step in story.steps:
        side = _branch_tip(step, mainline, marks, parts)
        revision = _Revision(next(marks), _tree_after(step, mainline[-1].tree))
        parts += _commit(step, revision, mainline[-1], side)
        mainline.append(revision)
    return b"".join([b"feature done\n", *parts, b"done\n"])


def _branch_tip(
    step: Step, mainline: Sequence[_Revision], marks: Iterator[int], parts: list[bytes]
) -> _Revision | None:
    """Encode the commits of a merged branch, and return the last one, or None if the step merges nothing."""
    if isinstance(step, StoryCommit):
        return None
    tip = mainline[-1 - step.behind]
    for commit in step.branch:
        revision = _Revision(next(marks), _tree_after(commit, tip.tree))
        parts += _commit(commit, revision, tip)
        tip = revision
    return tip


def _tree_after(step: Step, tree: SampleTree) -> SampleTree:
    commits = step.branch if isinstance(step, StoryMerge) else (step,)
    for change in (change for commit in commits for change in commit.changes):
        tree = change.apply(tree)
    return tree


def _commit(step: Step, revision: _Revision, parent: _Revision, merged: _Revision | None = None) -> Iterator[bytes]:
    yield f"commit refs/heads/{BRANCH}\nmark :{revision.mark}\n".encode()
    yield _signature("author", step.by, step.when) + _signature("committer", step.by.committer, step.when)
    yield _data(f"{step.subject}\n".encode())
    if parent.mark:
        yield f"from :{parent.mark}\n".encode()
    if merged:
        yield f"merge :{merged.mark}\n".encode()
    yield from _difference(parent.tree, revision.tree)
    yield b"\n"


def _signature(role: str, person: Person, when: datetime) -> bytes:
    return f"{role} {person.name} <{person.email}> {int(when.timestamp())} {when:%z}\n".encode()


def _difference(before: SampleTree, after: SampleTree) -> Iterator[bytes]:
    for path in sorted(before.keys() - after.keys()):
        yield f"D {path}\n".encode()
    for path, file in sorted(after.items()):
        if before.get(path) != file:
            yield f"M {file.mode} inline {path}\n".encode() + _data(file.content)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
