"""Brings a mirror to a repository's tip through GitHub's API, for machines where git's protocol is blocked.

It fills the same bare mirror as git does, so the scan knows no difference: the tip's trees and the YAML files among its
blobs. Other files stay behind like large ones. The objects of the mirror are not asked for again, and every object is
checked against its id. GitHub does not give a commit's exact bytes, therefore an object made from its answer takes the
commit's place (see `stand_in`). History goes from tip to tip only. The same in git's own way is in `mirror.py`.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubestats_pipeline.git import command as git
from kubestats_pipeline.git.blobs import LARGEST_BLOB
from kubestats_pipeline.git.history import REGULAR_MODES, is_of_interest
from kubestats_pipeline.git.mirror_folder import Mirror
from kubestats_pipeline.git.objects import Child, GitObject, UnlikeItsIdError, build_pack, build_tree
from kubestats_pipeline.hosts.errors import BlockedError, EmptyRepositoryError, GoneError, HostError, NotFoundError
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.contents import TreeEntry, get_repository_contents
from kubestats_pipeline.hosts.github.objects import (
    DamagedAnswerError,
    GitCommit,
    Signature,
    get_blob,
    get_commit,
    get_head,
)
from kubestats_pipeline.locks import locked
from kubestats_pipeline.sync.mirror import MANY_PACKS, MirrorTooLargeError, Span, read_span
from kubestats_pipeline.sync.outcomes import Empty, Gone, Outcome, Synced, Unchanged, Unreachable

BATCH_BYTES = 8_000_000
BATCH_BLOBS = 100
"""So much is downloaded before it is written. The next sync need not ask for what a killed one has written."""


@dataclass(frozen=True)
class ApiSource:
    """One repository on GitHub.

    Attributes:
        full_name: owner/name.
        max_mb: a larger mirror is not kept.
        timeout: seconds for one git command, and for waiting on another process.
    """

    client: GitHubClient
    full_name: str
    max_mb: float
    timeout: float


def sync_by_api(
    source: ApiSource, mirror: Mirror, previous: Mapping[str, Any] | None, begin: Callable[[], None] = lambda: None
) -> Outcome:
    """Bring the mirror of one repository to its tip. Unchanged costs one conditional call and nothing else.

    The API does not say on which branch the tip is, so the last known one stays. `begin` is called before the mirror is
    changed.

    Raises:
        MirrorTooLargeError: more than `max_mb`, and the mirror was removed.
        BusyError: another process works on it.
        OSError: the disk is full or not writable.
    """
    began = time.monotonic()
    branch = previous["default_branch"] if previous else None
    try:
        head = get_head(source.client, source.full_name)
    except EmptyRepositoryError as error:
        return Empty(f"GitHub's API: {error}")
    except (NotFoundError, GoneError, BlockedError) as error:
        return Gone(f"GitHub's API: {error}")
    except HostError as error:
        return Unreachable(f"GitHub's API: {error}")
    if previous is not None and previous["head_commit"] == head and holds(mirror, head):
        return Unchanged(head, branch)
    begin()
    try:
        span = update_mirror(mirror, source, head)
    except HostError as error:
        return Unreachable(f"GitHub's API: {error}")
    except git.GitError as error:
        reason = f"git could not write {mirror.path}: {error}"
        return Unreachable(f"{reason}. See that the disk is neither full nor read-only, or remove the folder")
    return Synced(span.head, branch, span.committed_at, span.since, time.monotonic() - began)


def holds(mirror: Mirror, head: str) -> bool:
    """Check that the mirror is whole and holds this commit as its head, from git or from the API."""
    return mirror.head == head and mirror.is_whole


def update_mirror(mirror: Mirror, source: ApiSource, head: str) -> Span:
    """Bring a mirror to a commit. Objects are written first and the head last, so a killed one is completed later.

    Raises:
        HostError: GitHub does not answer, or with something else than what it announced.
        git.GitError: git cannot read or write the mirror.
        MirrorTooLargeError, BusyError, OSError: as for `sync_by_api`.
    """
    with locked(mirror.path, source.timeout):
        mirror.remove_leftovers()
        if not holds(mirror, head):
            _repair(mirror)
            _fill(mirror, source, get_commit(source.client, source.full_name, head))
        mirror.write_config()
        return read_span(mirror, source.timeout)


def stand_in(commit: GitCommit) -> GitObject:
    """The object in a commit's place: the same tree, people, seconds and message, in UTC, without parents or signature.

    `refs/replace/` gives it the commit's own id wherever git reads it (git's documentation, "git replace"). Its last
    header keeps it apart from the commit itself, for a first one in UTC has no more than this.
    """
    people = f"author {_person(commit.author)}\ncommitter {_person(commit.committer)}"
    headers = f"tree {commit.tree.sha}\n{people}\nstands-for {commit.sha}"
    return GitObject("commit", f"{headers}\n\n{commit.message}".replace("\0", "").encode())


def build_trees(root: str, entries: Iterable[TreeEntry]) -> dict[str, GitObject]:
    """Every tree of a listing by its id, which proves that the listing is complete.

    Raises:
        DamagedAnswerError: it is not, or names are in an encoding that JSON cannot hold.
    """
    directories = {"": root}
    children: dict[str, list[Child]] = {}
    for entry in entries:
        parent, _, name = entry.path.rpartition("/")
        children.setdefault(parent, []).append(Child(entry.mode, name, entry.oid))
        if entry.type == "tree":
            directories[entry.path] = entry.oid
    try:
        return {oid: build_tree(oid, children.get(path, [])) for path, oid in directories.items()}
    except UnlikeItsIdError as error:
        raise DamagedAnswerError(f"{error}. If it stays, names are not UTF-8: set `sync_method: git`") from None


def _repair(mirror: Mirror) -> None:
    """Lay the folder, or mend what damage left of it: what is missing then is asked for again."""
    mirror.create()
    for path in mirror.broken_files():
        path.unlink()


def _fill(mirror: Mirror, source: ApiSource, commit: GitCommit) -> None:
    root = commit.tree.sha
    entries = get_repository_contents(source.client, source.full_name, ref=root)
    trees = build_trees(root, entries)
    wanted = {entry.oid for entry in entries if _is_wanted(entry)}
    absent = _absent(mirror, sorted(wanted | trees.keys()), source.timeout)
    _download(mirror, source, [oid for oid in absent if oid in wanted])
    replacement = stand_in(commit)
    _write(mirror, source, [*(trees[oid] for oid in absent if oid in trees), replacement])
    mirror.move_head(commit.sha, replacement.oid)
    if len(mirror.packs) > MANY_PACKS or mirror.size_mb > source.max_mb:
        _condense(mirror, source.timeout)
    _bound(mirror, mirror.size_mb, source.max_mb)


def _is_wanted(entry: TreeEntry) -> bool:
    is_small = entry.size is None or entry.size <= LARGEST_BLOB
    return entry.mode in REGULAR_MODES and is_small and is_of_interest(entry.path)


def _absent(mirror: Mirror, oids: Sequence[str], timeout: float) -> list[str]:
    question = "".join(f"{oid}\n" for oid in oids).encode()
    answer = git.run(["cat-file", "--batch-check"], directory=mirror.path, stdin=question, timeout=timeout).decode()
    return [line.split()[0] for line in answer.splitlines() if line.endswith(" missing")]


def _download(mirror: Mirror, source: ApiSource, oids: Sequence[str]) -> None:
    """Fetch blobs and write them in batches. Those that came before a failure are kept, because limits may allow a few
    an hour.
    """
    batch: list[GitObject] = []
    before = mirror.size_mb
    try:
        for oid in oids:
            content = get_blob(source.client, source.full_name, oid, limit_bytes=LARGEST_BLOB)
            batch.append(GitObject("blob", content))
            if len(batch) >= BATCH_BLOBS or sum(len(blob.content) for blob in batch) >= BATCH_BYTES:
                _write(mirror, source, batch)
                batch = []
                _bound(mirror, mirror.size_mb - before, source.max_mb)
    finally:
        _write(mirror, source, batch)


def _write(mirror: Mirror, source: ApiSource, objects: Sequence[GitObject]) -> None:
    if objects:
        git.run(["index-pack", "--stdin"], directory=mirror.path, stdin=build_pack(objects), timeout=source.timeout)


def _bound(mirror: Mirror, size: float, max_mb: float) -> None:
    if size > max_mb:
        mirror.remove()
        raise MirrorTooLargeError(size)


def _condense(mirror: Mirror, timeout: float) -> None:
    """Replace all packs by one of what the head and the one before it need. Git's own way stops at absent objects."""
    old = mirror.packs
    needed: set[str] = set()
    for commit, replacement in mirror.replacements.items():
        needed |= {replacement, git.run(["rev-parse", f"{commit}^{{tree}}"], directory=mirror.path).decode().strip()}
        listing = git.run(["ls-tree", "-r", "-t", "-z", commit], directory=mirror.path, timeout=timeout)
        needed |= {entry.split(b"\t")[0].split()[2].decode() for entry in listing.split(b"\0")[:-1]}
    present = needed - {*_absent(mirror, sorted(needed), timeout)}
    names = "".join(f"{oid}\n" for oid in sorted(present)).encode()
    arguments = ["pack-objects", "--quiet", str(mirror.path / "objects/pack/pack")]
    new = git.run(arguments, directory=mirror.path, stdin=names, timeout=timeout).decode().strip()
    for path in old:
        if path.stem != f"pack-{new}":
            path.with_suffix(".idx").unlink(missing_ok=True)
            path.unlink()


def _person(signature: Signature) -> str:
    """A person as git spells one. A repository's owner may have put anything into a name."""
    name, address = (re.sub(r"[<>\n\0]", "", text).strip() for text in (signature.name, signature.email))
    return f"{name} <{address}> {max(int(signature.date.timestamp()), 0)} +0000"
