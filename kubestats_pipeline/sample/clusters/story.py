"""The words in which a sample repository's history is told: files, changes, people, commits and merges.

Pure values: a change turns one tree into the next, and a story is a list of steps. How a story becomes git
objects stands in `stream.py`, what manifests look like in `manifests.py`, what bots do in `bots.py`, the stories in
`clusters/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from textwrap import dedent
from typing import Protocol

REGULAR, EXECUTABLE, SYMLINK = "100644", "100755", "120000"


class StoryError(ValueError):
    """A change does not fit the tree that it meets: the story was written wrongly."""


@dataclass(frozen=True)
class File:
    """One file of a tree: its bytes and its git mode."""

    content: bytes
    mode: str = REGULAR


Tree = Mapping[str, File]
"""The files of one commit by path."""


class Change(Protocol):
    """One thing that a commit does to the tree."""

    def apply(self, tree: Tree) -> Tree:
        """Give the tree after the change; raises StoryError where the change does not fit."""
        ...


@dataclass(frozen=True)
class Write:
    """Create or replace a file."""

    path: str
    file: File

    def apply(self, tree: Tree) -> Tree:
        """Give the tree with the file in it."""
        return {**tree, self.path: self.file}


@dataclass(frozen=True)
class Edit:
    """Replace a piece of text of a file by another, wherever it stands."""

    path: str
    old: str
    new: str

    def apply(self, tree: Tree) -> Tree:
        """Give the tree with the edited file; the old text must be there."""
        file = _existing(tree, self.path)
        if self.old.encode() not in file.content:
            raise StoryError(f"{self.path} does not hold {self.old!r}")
        return {**tree, self.path: File(file.content.replace(self.old.encode(), self.new.encode()), file.mode)}


@dataclass(frozen=True)
class Append:
    """Add text at the end of a file."""

    path: str
    text: str

    def apply(self, tree: Tree) -> Tree:
        """Give the tree with the longer file."""
        file = _existing(tree, self.path)
        return {**tree, self.path: File(file.content + self.text.encode(), file.mode)}


@dataclass(frozen=True)
class Move:
    """Rename a file or a directory."""

    old: str
    new: str

    def apply(self, tree: Tree) -> Tree:
        """Give the tree with all paths below `old` now below `new`."""
        moved = _below(tree, self.old)
        return {self.new + path.removeprefix(self.old) if path in moved else path: file for path, file in tree.items()}


@dataclass(frozen=True)
class Delete:
    """Remove a file or a directory."""

    path: str

    def apply(self, tree: Tree) -> Tree:
        """Give the tree without all that is at or below the path."""
        gone = _below(tree, self.path)
        return {path: file for path, file in tree.items() if path not in gone}


def write(path: str, text: str, *, mode: str = REGULAR) -> Write:
    """Write a text file; the text may be indented like the code around it."""
    return Write(path, File(dedent(text).removeprefix("\n").encode(), mode))


def write_bytes(path: str, content: bytes) -> Write:
    """Write a file whose content is no text."""
    return Write(path, File(content))


def link(path: str, target: str) -> Write:
    """Write a symbolic link."""
    return Write(path, File(target.encode(), SYMLINK))


@dataclass(frozen=True)
class Person:
    """Somebody, or a program, that commits.

    Attributes:
        utc_offset: hours by which the person's clock is ahead of UTC.
        through_github: the commit was made by GitHub's API, which then stands as the committer.
    """

    name: str
    email: str
    utc_offset: int = 0
    through_github: bool = False

    @property
    def committer(self) -> "Person":
        """Who stands as the committer of this author's commits."""
        return Person("GitHub", "noreply@github.com", self.utc_offset) if self.through_github else self


@dataclass(frozen=True)
class Commit:
    """One commit on top of the step before it; without changes it is an empty commit."""

    when: datetime
    by: Person
    subject: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Merge:
    """A merge commit, with the commits of the branch that it brings in.

    Attributes:
        behind: how many mainline steps were made after the branch was forked.
    """

    when: datetime
    by: Person
    subject: str
    branch: tuple[Commit, ...]
    behind: int = 0


Step = Commit | Merge


@dataclass(frozen=True)
class Story:
    """The history of one sample repository.

    Attributes:
        full_name: `owner/name`.
        tells: what a reader of the demo finds in it, in one sentence.
        steps: the mainline, oldest first.
        unreadable: paths ending in .yaml at the tip that are no YAML on purpose, each with the reason.
    """

    full_name: str
    tells: str
    steps: tuple[Step, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)


def commit(at: str, by: Person, subject: str, *changes: Change) -> Commit:
    """Make a commit at a time such as `2026-05-04 19:12` on the author's own clock."""
    return Commit(clock(at, by), by, subject, changes)


def merge(at: str, by: Person, subject: str, *branch: Commit, behind: int = 0) -> Merge:
    """Merge a branch, which forked `behind` mainline steps ago, at a time on the author's own clock."""
    return Merge(clock(at, by), by, subject, branch, behind)


def clock(at: str, by: Person) -> datetime:
    """Read `2026-05-04 19:12` on a person's clock as an aware time."""
    return datetime.fromisoformat(at).replace(tzinfo=timezone(timedelta(hours=by.utc_offset)))


def _existing(tree: Tree, path: str) -> File:
    if path not in tree:
        raise StoryError(f"{path} is not there")
    return tree[path]


def _below(tree: Tree, path: str) -> set[str]:
    found = {name for name in tree if name == path or name.startswith(f"{path}/")}
    if not found:
        raise StoryError(f"{path} is not there")
    return found
