"""Turns a story into the stream that `git fast-import` reads, so that one process makes a whole repository.

The stream is a pure function of the story: the same bytes, and so the same commit ids, on every machine. It comes
after `story.py` and before `build.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubestats_pipeline.sample.clusters.story import Commit, Merge, Person, Step, Story, Tree

BRANCH = "main"


@dataclass(frozen=True)
class _Revision:
    """A commit that stands in the stream already: its mark and its tree. Mark 0 is the void before the first."""

    mark: int
    tree: Tree


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
    """Encode the commits of a merged branch; None where the step merges nothing."""
    if isinstance(step, Commit):
        return None
    tip = mainline[-1 - step.behind]
    for commit in step.branch:
        revision = _Revision(next(marks), _tree_after(commit, tip.tree))
        parts += _commit(commit, revision, tip)
        tip = revision
    return tip


def _tree_after(step: Step, tree: Tree) -> Tree:
    commits = step.branch if isinstance(step, Merge) else (step,)
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


def _difference(before: Tree, after: Tree) -> Iterator[bytes]:
    for path in sorted(before.keys() - after.keys()):
        yield f"D {path}\n".encode()
    for path, file in sorted(after.items()):
        if before.get(path) != file:
            yield f"M {file.mode} inline {path}\n".encode() + _data(file.content)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
