"""Reads a mirror through git's plumbing: commits with their tree differences, and trees.

Every difference, of two commits or of a commit and nothing, is the same list of `Change`. Nothing is written to the
mirror and nothing is fetched. The meaning of a change for resources is decided in `scan/replay/`.
"""

import contextlib
import datetime
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from kubestats_pipeline.git import command as git
from kubestats_pipeline.redaction.texts import redact_text

HEAD = "refs/heads/head"
YAML_SUFFIXES = (".yaml", ".yml")
YAML_NAMES = ("Kustomization",)
"""Names of YAML files without such an ending: that of kustomize's file."""

TEMPLATE_SUFFIXES = tuple(
    f"{suffix}.{template}"
    for suffix in YAML_SUFFIXES
    for template in ("j2", "jinja", "jinja2", "tmpl", "tpl", "gotmpl", "template")
)
_SUFFIXES = (*YAML_SUFFIXES, *TEMPLATE_SUFFIXES)
REGULAR_MODES = ("100644", "100755", "100664")
_COMMIT = b"commit"
_FORMAT = "--format=commit%x00%H%x00%ct%x00%an%x00%ae%x00%s%x00"
_TIMEOUT = 600.0
_LATEST = int(datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC).timestamp())
"""Commits can hold any number as their time, and later ones are not dates any more."""
_BLOCK = 1 << 16
MAX_SUBJECT = 10_000
"""Characters of a subject that are looked at. It is cut afterwards, so that no part of a secret is left at its end."""


class Change(NamedTuple):
    """One path that differs: its new blob, or None where a regular file is not there any more."""

    path: str
    oid: str | None


class Commit(NamedTuple):
    """A commit, as far as events record it.

    Attributes:
        committed_at: committer time, UTC.
        author: name and address, in lower case, only to distinguish people from bots.
    """

    sha: str
    committed_at: datetime.datetime
    author: str
    subject: str


class Step(NamedTuple):
    """A commit and its difference from the state before it."""

    commit: Commit
    changes: tuple[Change, ...]


def read_commit(mirror: Path, revision: str = HEAD) -> Commit:
    """One commit.

    Raises:
        GitError: the mirror does not hold this commit.
    """
    output = git.run(["log", "-1", "--no-show-signature", _FORMAT, revision, "--"], directory=mirror)
    return _commit(output.decode("utf-8", "replace").split("\0")[1:6])


def is_ancestor(mirror: Path, commit: str, descendant: str) -> bool:
    """Ask git for the ancestry of two commits. False also where the mirror does not hold them."""
    try:
        git.run(["merge-base", "--is-ancestor", commit, descendant], directory=mirror)
    except git.GitError as error:
        if error.status in (1, 128):  # not an ancestor, or not in the mirror
            return False
        raise
    return True


def read_tree(mirror: Path, revision: str) -> dict[str, str]:
    """The files of a commit: path to blob id. Symbolic links and submodules are not entered."""
    output = git.run(["ls-tree", "-r", "-z", "--full-tree", revision], directory=mirror, timeout=_TIMEOUT)
    tree = {}
    for entry in output.split(b"\0")[:-1]:
        header, _, raw_path = entry.partition(b"\t")
        mode, _, oid = header.decode().split(" ")
        path = raw_path.decode("utf-8", "surrogateescape")
        if mode in REGULAR_MODES:
            tree[path] = oid
    return tree


def is_of_interest(path: str) -> bool:
    """Recognise a YAML file or a template of one by its path."""
    return path.lower().endswith(_SUFFIXES) or path.rpartition("/")[2] in YAML_NAMES


def is_template(path: str) -> bool:
    """Recognise a template of a YAML file by its path."""
    return path.lower().endswith(TEMPLATE_SUFFIXES)


def walk(mirror: Path, base: str | None, head: str) -> Iterator[Step]:
    """The first-parent commits after `base` up to `head`, oldest first, each as the difference from its parent.

    Without `base` the walk begins at the mirror's oldest commit, whose difference is its whole tree. Commits that
    change no file are left out.

    Raises:
        GitError: git failed or the walk stalled.
    """
    revisions = f"{base}..{head}" if base else head
    options = ["--first-parent", "--diff-merges=first-parent", "--reverse", "--root", "--no-show-signature"]
    form = ["--raw", "-z", "--no-renames", "--no-abbrev", _FORMAT]
    # All paths are asked for: where it has to match patterns, git takes five times as long.
    with _running(["log", *options, *form, revisions, "--"], mirror) as output:
        yield from (step for step in _parse_log(_tokens(output)) if step.changes)


@contextlib.contextmanager
def _running(arguments: list[str], mirror: Path) -> Iterator[IO[bytes]]:
    """A git command's output as a stream. A failure after its end is an error too."""
    process = git.start(arguments, directory=mirror, stderr=subprocess.DEVNULL)
    assert process.stdout is not None  # noqa: S101 - `start` always pipes it
    try:
        yield process.stdout
        if process.wait(_TIMEOUT):
            raise git.GitError(f"git {arguments[0]} failed while it read {mirror.name}", process.returncode)
    finally:
        process.stdout.close()
        if process.poll() is None:
            git.kill(process)


def _tokens(stream: IO[bytes]) -> Iterator[bytes]:
    """Cut a stream at its NUL bytes."""
    rest = b""
    while block := stream.read(_BLOCK):
        *complete, rest = (rest + block).split(b"\0")
        yield from complete
    if rest:
        yield rest


def _parse_log(tokens: Iterator[bytes]) -> Iterator[Step]:
    """Parse `git log --raw -z`: `commit` and its five fields, then a header and a path for every change."""
    commit: Commit | None = None
    changes: list[Change] = []
    for token in tokens:
        header = token.lstrip(b"\n")
        if header.startswith(b":"):
            changes.append(_change(header, next(tokens)))
        elif header == _COMMIT:
            if commit is not None:
                yield Step(commit, tuple(changes))
            commit, changes = _commit([next(tokens).decode("utf-8", "replace") for _ in range(5)]), []
    if commit is not None:
        yield Step(commit, tuple(changes))


def _commit(fields: list[str]) -> Commit:
    sha, seconds, name, address, subject = fields
    known = int(seconds or 0)  # empty where git cannot read the time, as one before 1970
    committed_at = datetime.datetime.fromtimestamp(min(max(known, 0), _LATEST), datetime.UTC)
    return Commit(sha, committed_at, f"{name} <{address}>".lower(), redact_text(subject[:MAX_SUBJECT])[:200])


def _change(header: bytes, raw_path: bytes) -> Change:
    """`:old_mode new_mode old_oid new_oid status`; an entry that is not a regular file afterwards is gone."""
    _, mode, _, oid, _ = header[1:].decode().split(" ")
    path = raw_path.decode("utf-8", "surrogateescape")
    return Change(path, oid if mode in REGULAR_MODES else None)
