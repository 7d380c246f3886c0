"""Builds real git repositories, settings and repository records for the tests of all stages.

Names and dates are fixed, so equal steps give equal commit ids on every machine. Nothing here asserts anything.
"""

import datetime
import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.settings import Settings, load_settings

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
"""The time of a repository's first commit; each further one is an hour later unless told otherwise."""

HOUR = datetime.timedelta(hours=1)
AUTHOR = "Ann Author <ann@example.org>"
COMMITTER = "Carl Committer <carl@example.org>"

FILE, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"

ISOLATED = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Carl Committer",
    "GIT_COMMITTER_EMAIL": "carl@example.org",
}

When = datetime.datetime | datetime.timedelta | None
"""A commit's time: as given, so long after the commit before it, or an hour after it."""


class GitRepository:
    """A bare repository on disk that tests change as its owner would by pushing.

    Attributes:
        path: the repository's folder.
        default: the branch that commits go to and that HEAD points to.
        time: when the last commit was made.
    """

    def __init__(self, path: Path, *, default: str = "main") -> None:
        self.path = path
        self.default = default
        self.time = START - HOUR
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["git", "init", "--quiet", "--bare", "--template=", f"--initial-branch={default}", str(path)]
        subprocess.run(command, env=ISOLATED, check=True)
        with (path / "config").open("a") as config:
            config.write("[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n")

    @property
    def url(self) -> str:
        """What git fetches from."""
        return self.path.as_uri()

    @property
    def head(self) -> str:
        """The commit that HEAD points to."""
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str, stdin: bytes | None = None, at: datetime.datetime | None = None) -> str:
        """Run any git command in the repository and give what it prints."""
        date = f"@{int((at or self.time).timestamp())} +0000"
        env = {**ISOLATED, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        command = ["git", f"--git-dir={self.path}", *arguments]
        return subprocess.run(command, env=env, input=stdin, stdout=subprocess.PIPE, check=True).stdout.decode().strip()

    def commit(
        self,
        files: Mapping[str, str | bytes | None] | None = None,
        *,
        message: str = "change",
        at: When = None,
        author: str = AUTHOR,
        branch: str | None = None,
    ) -> str:
        """Write files (None deletes one) and commit; an unknown `branch` starts at HEAD. Gives the commit id."""
        steps = [_remove(path) if content is None else _write(path, content) for path, content in (files or {}).items()]
        return self._import(steps, message, at, author, branch)

    def move(self, old: str, new: str, *, message: str = "move", at: When = None) -> str:
        """Rename a file or a folder."""
        return self._import([b"R %s %s\n" % (_quote(old), _quote(new))], message, at)

    def symlink(self, path: str, target: str, *, at: When = None) -> str:
        """Commit a symbolic link."""
        return self._import([_write(path, target, SYMLINK)], "link", at)

    def submodule(self, path: str, commit: str = "1" * 40, *, at: When = None) -> str:
        """Commit a submodule's entry, which points to a commit of another repository."""
        return self._import([b"M %s %s %s\n" % (SUBMODULE.encode(), commit.encode(), _quote(path))], "submodule", at)

    def set_mode(self, path: str, mode: str = EXECUTABLE, *, at: When = None) -> str:
        """Change only a file's mode."""
        blob = self.git("rev-parse", f"refs/heads/{self.default}:{path}")
        return self._import([b"M %s %s %s\n" % (mode.encode(), blob.encode(), _quote(path))], "mode", at)

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Create a branch, or point it elsewhere."""
        self.git("update-ref", f"refs/heads/{name}", self.git("rev-parse", start))

    def merge(self, branch: str, *, message: str | None = None, at: When = None) -> str:
        """Merge a branch into the default branch with a merge commit."""
        self._tick(at)
        tree = self.git("merge-tree", "--write-tree", self.default, branch).splitlines()[0]
        parents = ["-p", self.default, "-p", branch]
        merged = self.git("commit-tree", tree, *parents, "-m", message or f"Merge branch '{branch}'")
        self.reset_to(merged)
        return merged

    def reset_to(self, commit: str) -> None:
        """Point the default branch to any commit, as a force-push does."""
        self.git("update-ref", f"refs/heads/{self.default}", commit)

    def rename_default_branch(self, name: str) -> None:
        """Rename the branch that HEAD points to."""
        self.branch(name, self.default)
        self.git("symbolic-ref", "HEAD", f"refs/heads/{name}")
        self.git("update-ref", "-d", f"refs/heads/{self.default}")
        self.default = name

    def detach_head(self, commit: str = "HEAD") -> None:
        """Let HEAD name a commit instead of a branch."""
        self.git("update-ref", "--no-deref", "HEAD", self.git("rev-parse", commit))

    def delete_branches(self) -> None:
        """Make the repository empty again."""
        for ref in self.git("for-each-ref", "--format=%(refname)").splitlines():
            self.git("update-ref", "-d", ref)

    def _import(
        self, steps: Sequence[bytes], message: str, at: When, author: str = AUTHOR, branch: str | None = None
    ) -> str:
        self._tick(at)
        ref = f"refs/heads/{branch or self.default}"
        stamp = f"{int(self.time.timestamp())} +0000"
        header = f"commit {ref}\nmark :1\nauthor {author} {stamp}\ncommitter {COMMITTER} {stamp}\n"
        stream = [header.encode(), _data(message.encode()), *self._parent(ref), *steps, b"\nget-mark :1\n"]
        options = ["--quiet", "--force", "--date-format=raw-permissive"]
        return self.git("fast-import", *options, stdin=b"".join(stream))

    def _parent(self, ref: str) -> list[bytes]:
        known = self.git("for-each-ref", "--format=%(objectname) %(refname)").splitlines()
        commits = dict(reversed(line.split(" ", 1)) for line in known)
        parent = commits.get(ref) or commits.get(f"refs/heads/{self.default}")
        return [f"from {parent}\n".encode()] if parent else []

    def _tick(self, at: When) -> None:
        self.time = at if isinstance(at, datetime.datetime) else self.time + (HOUR if at is None else at)


def settings_for(tmp_path: Path, **overrides: object) -> Settings:
    """Settings whose data lie below `tmp_path`; sections are given as dictionaries."""
    return load_settings(**{"data_dir": tmp_path / "data", **overrides})


def repository_for(path: Path) -> Repository:
    """The record that discovery makes of a local repository, with an id that does not depend on where it lies."""
    owner, name = path.parent.name, path.name.removesuffix(".git")
    digest = hashlib.sha256(f"{owner}/{name}".encode()).hexdigest()[:16]
    return Repository(f"git:{digest}", f"local/{owner}/{name}", "local", owner, name, path.as_uri())


def _write(path: str, content: str | bytes, mode: str = FILE) -> bytes:
    blob = content.encode() if isinstance(content, str) else content
    return b"M %s inline %s\n" % (mode.encode(), _quote(path)) + _data(blob)


def _remove(path: str) -> bytes:
    return b"D %s\n" % _quote(path)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quote(path: str) -> bytes:
    """Quote a path for fast-import, so that it may hold spaces, quotes and newlines."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return b'"%s"' % escaped.encode()
