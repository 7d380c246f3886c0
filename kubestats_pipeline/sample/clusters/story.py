"""Records for the history of a sample repository: files, changes, people, commits and merges.

They are pure values: a change makes the next tree of a tree, and a story is a list of steps. `stream.py` makes git
objects of a story, `manifests.py` renders manifests, `bots.py` makes the commits of bots, and the modules beside them
hold the stories.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from textwrap import dedent
from typing import Protocol

REGULAR, EXECUTABLE, SYMLINK = "100644", "100755", "120000"


class StoryError(ValueError):
    """A change does not fit its tree, because the story was written wrongly."""


@dataclass(frozen=True)
class SampleFile:
    """One file of a tree: its bytes and its git mode."""

    content: bytes
    mode: str = REGULAR


SampleTree = Mapping[str, SampleFile]
"""The files of one commit by path."""


class TreeChange(Protocol):
    """One thing that a commit does to the tree."""

    def apply(self, tree: SampleTree) -> SampleTree:
        """Return the tree after the change.

        Raises:
            StoryError: the change does not fit.
        """
        ...


@dataclass(frozen=True)
class Write:
    """Create or replace a file."""

    path: str
    file: SampleFile

    def apply(self, tree: SampleTree) -> SampleTree:
        """Give the tree with the file in it."""
        return {**tree, self.path: self.file}


@dataclass(frozen=True)
class ReplaceText:
    """Replace a piece of text of a file by another, everywhere in the file."""

    path: str
    old: str
    new: str

    def apply(self, tree: SampleTree) -> SampleTree:
        """Give the tree with the edited file, which must have had the old text."""
        file = _existing(tree, self.path)
        if self.old.encode() not in file.content:
            raise StoryError(f"{self.path} does not hold {self.old!r}")
        return {**tree, self.path: SampleFile(file.content.replace(self.old.encode(), self.new.encode()), file.mode)}


@dataclass(frozen=True)
class Append:
    """Add text at the end of a file."""

    path: str
    text: str

    def apply(self, tree: SampleTree) -> SampleTree:
        """Give the tree with the longer file."""
        file = _existing(tree, self.path)
        return {**tree, self.path: SampleFile(file.content + self.text.encode(), file.mode)}


@dataclass(frozen=True)
class Rename:
    """Rename a file or a directory."""

    old: str
    new: str

    def apply(self, tree: SampleTree) -> SampleTree:
        """Give the tree with all paths below `old` now below `new`."""
        moved = _below(tree, self.old)
        return {self.new + path.removeprefix(self.old) if path in moved else path: file for path, file in tree.items()}


@dataclass(frozen=True)
class Delete:
    """Remove a file or a directory."""

    path: str

    def apply(self, tree: SampleTree) -> SampleTree:
        """Give the tree without all that is at or below the path."""
        gone = _below(tree, self.path)
        return {path: file for path, file in tree.items() if path not in gone}


def write(path: str, text: str, *, mode: str = REGULAR) -> Write:
    """Write a text file. The text may be indented like the code around it."""
    return Write(path, SampleFile(dedent(text).removeprefix("\n").encode(), mode))


def write_bytes(path: str, content: bytes) -> Write:
    """Write a file whose content is not text."""
    return Write(path, SampleFile(content))


def link(path: str, target: str) -> Write:
    """Write a symbolic link."""
    return Write(path, SampleFile(target.encode(), SYMLINK))


@dataclass(frozen=True)
class Person:
    """A person, or a program, that commits.

    Attributes:
        utc_offset: hours by which the person's clock is ahead of UTC.
        through_github: true if GitHub's API makes the commits, so that GitHub is the committer.
    """

    name: str
    email: str
    utc_offset: int = 0
    through_github: bool = False

    @property
    def committer(self) -> "Person":
        """The committer of this author's commits."""
        return Person("GitHub", "noreply@github.com", self.utc_offset) if self.through_github else self


@dataclass(frozen=True)
class StoryCommit:
    """One commit on top of the step before it. Without changes it is an empty commit."""

    when: datetime
    by: Person
    subject: str
    changes: tuple[TreeChange, ...] = ()


@dataclass(frozen=True)
class StoryMerge:
    """A merge commit, with the commits of the branch that it brings in.

    Attributes:
        behind: how many mainline steps were made after the branch was forked.
    """

    when: datetime
    by: Person
    subject: str
    branch: tuple[StoryCommit, ...]
    behind: int = 0


Step = StoryCommit | StoryMerge


@dataclass(frozen=True)
class Story:
    """The history of one sample repository.

    Attributes:
        full_name: `owner/name`.
        summary: one sentence on what a reader of the demo finds in it.
        steps: the mainline, oldest first.
        unreadable: paths that end in .yaml at the tip and are not YAML on purpose, with the reasons.
    """

    full_name: str
    summary: str
    steps: tuple[Step, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)


def commit(at: str, by: Person, subject: str, *changes: TreeChange) -> StoryCommit:
    """Make a commit at a time such as `2026-05-04 19:12` on the author's own clock."""
    return StoryCommit(clock(at, by), by, subject, changes)


def merge(at: str, by: Person, subject: str, *branch: StoryCommit, behind: int = 0) -> StoryMerge:
    """Merge a branch, which forked `behind` mainline steps ago, at a time on the author's own clock."""
    return StoryMerge(clock(at, by), by, subject, branch, behind)


def clock(at: str, by: Person) -> datetime:
    """Read `2026-05-04 19:12` on a person's clock as an aware time."""
    return datetime.fromisoformat(at).replace(tzinfo=timezone(timedelta(hours=by.utc_offset)))


def _existing(tree: SampleTree, path: str) -> SampleFile:
    if path not in tree:
        raise StoryError(f"{path} is not there")
    return tree[path]


def _below(tree: SampleTree, path: str) -> set[str]:
    found = {name for name in tree if name == path or name.startswith(f"{path}/")}
    if not found:
        raise StoryError(f"{path} is not there")
    return found
