"""Keeps one bare, bounded mirror of a repository by git commands.

The remote's HEAD is fetched into one fixed branch, so a renamed default branch or a rewritten history needs no special
case. Files over 1 MB and tags stay behind. The folder is checked and removed in `git/mirror_folder.py`, and `sync.py`,
which comes after, turns an outcome into the repository's row.
"""

import contextlib
import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from kubestats_pipeline.git import command as git
from kubestats_pipeline.git.mirror_folder import History, Mirror
from kubestats_pipeline.locks import locked

EVERYTHING = "--depth=2147483647"
"""Git's number for an infinite depth. Unlike `--unshallow` it does not fail where the history is complete already."""

LARGE_FILES = "blob:limit=1m"
"""The files that a mirror leaves behind, as a filter of git: those of 1,048,576 bytes and more."""

MARGINS_DAYS = (0, 7, 30, 120, 480)
"""How much further back to look when a merge of an old branch hides history, see `_build`."""

MANY_PACKS = 50
"""Every fetch adds a pack, and git's own clean-up is off. Above so many they are packed into one."""

LOCAL_UPLOAD_PACK = "git -c uploadpack.allowFilter=true -c 'safe.directory=*' upload-pack"
"""A repository on this machine rarely allows filters, and git does not hand our configuration to the remote's side."""

DAY = 86_400
"""Seconds."""

_LAST_SECOND = int(datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC).timestamp())

_TRANSPORT = re.compile(
    r"could not resolve|unable to (access|connect|look up)|connection|timed out|early eof|rpc failed|hung up"
    r"|unexpected disconnect|returned error|authentication|could not read (username|from remote)|unreachable"
    r"|no space left|disk quota|read-only file system",
    re.IGNORECASE,
)
"""Git's words for a failure that fetching the whole mirror anew would not mend."""

_LEFT_BEHIND = re.compile(r"promisor remote|unresolved delta")
"""Its words for a file that the remote takes to be here, though it was too large before: a whole fetch mends that."""


class MirrorTooLargeError(Exception):
    """The mirror grew beyond the limit and was removed.

    Attributes:
        size_mb: its size when it was given up, in MB.
    """

    def __init__(self, size_mb: float) -> None:
        super().__init__(f"the mirror has {size_mb:.1f} MB")
        self.size_mb = size_mb


class _CutError(Exception):
    """A limit of time hides history that is younger than it."""


@dataclass(frozen=True)
class RemoteHead:
    """A remote's HEAD: its commit, and its branch unless it is detached."""

    branch: str | None
    commit: str


@dataclass(frozen=True)
class Remote:
    """Where and how to fetch.

    Attributes:
        env: the environment of git commands, from `git.environment`. It alone may carry a token.
        timeout: seconds for one git command, and for waiting on another process.
    """

    url: str
    env: Mapping[str, str]
    timeout: float


@dataclass(frozen=True)
class MirrorBounds:
    """How much of a repository is kept: history back from its own last commit, and megabytes."""

    history: History
    max_mb: float


@dataclass(frozen=True)
class Span:
    """The first-parent history that a mirror holds: newest and oldest commit with their committer times."""

    head: str
    committed_at: datetime.datetime
    oldest: str
    since: datetime.datetime


def remote_head(url: str, env: Mapping[str, str], timeout: float) -> RemoteHead | None:
    """Ask a remote for its HEAD, with one git process.

    Returns:
        None where HEAD has no commit: the repository is empty, or HEAD names a branch that does not exist.

    Raises:
        git.GitError: the remote does not answer, refuses, or is not there.
    """
    arguments = ["ls-remote", "--symref", *_upload_pack(url), "--", url, "HEAD"]
    branch = commit = None
    for line in git.run(arguments, env=env, timeout=timeout).decode("utf-8", "replace").splitlines():
        value, _, ref = line.partition("\t")
        if ref != "HEAD":  # the pattern also matches refs/remotes/origin/HEAD of somebody's clone
            continue
        if value.startswith("ref: "):
            branch = value.removeprefix("ref: ").removeprefix("refs/heads/")
        else:
            commit = value
    return RemoteHead(branch, commit) if commit else None


def is_current(mirror: Mirror, commit: str, history: History) -> bool:
    """Check without git that the mirror is whole, holds this commit as its head and reaches far enough back."""
    return mirror.head == commit and mirror.reaches(history) and mirror.is_whole


def update_mirror(mirror: Mirror, remote: Remote, bounds: MirrorBounds) -> Span:
    """Bring a mirror to the remote's HEAD. Build it where it is missing, damaged or too short.

    One that was filled through an API is built anew, because git would name commits to the remote that it does not
    really hold.

    Raises:
        git.GitError: fetching failed, and an existing mirror is as it was.
        MirrorTooLargeError: more than `bounds.max_mb`, and the mirror was removed.
        BusyError: another process works on it.
        OSError: the disk is full or not writable.
    """
    with locked(mirror.path, remote.timeout):
        mirror.remove_leftovers()
        if mirror.is_whole and not mirror.replacements:
            try:
                if (span := _refresh(mirror, remote, bounds)) is not None:
                    return span
            except git.GitError as error:
                if error.status is None or (_TRANSPORT.search(str(error)) and not _LEFT_BEHIND.search(str(error))):
                    raise
            except MirrorTooLargeError:
                pass  # it may have grown over the years: a new one holds only the bounded history
        return _build(mirror, remote, bounds)


def read_span(mirror: Mirror, timeout: float = 60) -> Span:
    """Read which first-parent history a mirror holds. It takes 0.2 s for 20,000 commits.

    Raises:
        git.GitError: the mirror is damaged.
    """
    arguments = ["rev-list", "--first-parent", "--timestamp", "refs/heads/head"]
    lines = git.run(arguments, directory=mirror.path, timeout=timeout).decode().splitlines()
    (newest_time, newest), (oldest_time, oldest) = lines[0].split(), lines[-1].split()
    return Span(newest, _aware(int(newest_time)), oldest, _aware(int(oldest_time)))


def _refresh(mirror: Mirror, remote: Remote, bounds: MirrorBounds) -> Span | None:
    """Fetch what is new. None where the mirror reaches less far back than is wanted now."""
    mirror.write_config()
    _fetch(mirror, remote, bounds)
    span = read_span(mirror, remote.timeout)
    if not mirror.reaches(bounds.history):
        if not _holds(mirror, span, bounds.history):
            return None
        mirror.write_reach(bounds.history)
    if len(mirror.packs) > MANY_PACKS:
        _join_packs(mirror, remote)
    return span


def _holds(mirror: Mirror, span: Span, history: History) -> bool:
    """True where a mirror has grown to as much history as is wanted, whatever it was made for."""
    if span.oldest not in mirror.boundaries:
        return True
    return history != "all" and span.since.timestamp() <= span.committed_at.timestamp() - history * DAY


def _build(mirror: Mirror, remote: Remote, bounds: MirrorBounds) -> Span:
    """Fetch all that is wanted in one go, so that no version of a file comes as a difference from one left behind.

    A mirror cannot be deepened: where a file of its head passed the limit, the server would send an older version of it
    as a delta against the one that was filtered out ("could not fetch … from promisor remote", seen with git 2.39).

    `--shallow-since` cuts a merge from all its parents as soon as one of them is too old: the merge of an old branch
    would hide the younger first-parent history behind it. Then the limit moves further back until it no longer does.
    """
    if not bounds.history or bounds.history == "all" or _is_shallow(remote):
        return _build_to(mirror, remote, bounds, EVERYTHING if bounds.history else "--depth=1")
    since = int(_committed_at(mirror, remote, bounds).timestamp()) - bounds.history * DAY
    for limit in (since - margin * DAY for margin in MARGINS_DAYS):
        if limit > 0:  # the protocol knows no time before 1970
            with contextlib.suppress(_CutError):  # the next one lies further back
                return _build_to(mirror, remote, bounds, f"--shallow-since=@{limit} +0000", since)
    return _build_to(mirror, remote, bounds, EVERYTHING)


def _build_to(mirror: Mirror, remote: Remote, bounds: MirrorBounds, depth: str, since: int | None = None) -> Span:
    """Fetch into a folder beside the mirror and rename it into place, so that a kill leaves the old one or none.

    Raises:
        _CutError: the first-parent history ends at a merge later than `since`, and the mirror is as it was.
    """
    with _beside(mirror) as building:
        try:
            _fetch(building, remote, bounds, depth)
        except MirrorTooLargeError:
            mirror.remove()
            raise
        _forget_absent_boundaries(building, remote.timeout)
        if since is not None and _is_cut_after(building, since, remote.timeout):
            raise _CutError
        building.write_reach(bounds.history)
        span = read_span(building, remote.timeout)
        mirror.replace(building)
    return span


def _committed_at(mirror: Mirror, remote: Remote, bounds: MirrorBounds) -> datetime.datetime:
    """The committer time of the remote's head. For that only the commit and its folders are fetched."""
    with _beside(mirror) as asking:
        _fetch(asking, remote, bounds, "--depth=1", left_out="blob:none")
        return read_span(asking, remote.timeout).committed_at


@contextlib.contextmanager
def _beside(mirror: Mirror) -> Iterator[Mirror]:
    """An empty bare repository beside a mirror, which is removed in the end unless it has another name by then."""
    building = mirror.new_sibling()
    try:
        building.create()
        yield building
    finally:
        building.remove()


def _fetch(mirror: Mirror, remote: Remote, bounds: MirrorBounds, *depth: str, left_out: str = LARGE_FILES) -> None:
    """Fetch HEAD and seal the mirror again."""
    # From a clone that is shallow itself git sends wrong boundaries unless all of it is asked for, and with a filter it
    # takes the missing parents for promised ones and fetches without end (seen with git 2.39).
    shallow = _is_shallow(remote)
    how = [] if shallow else [f"--filter={left_out}"]
    depth = (EVERYTHING,) if shallow and depth != ("--depth=1",) else depth
    fixed = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow", "--recurse-submodules=no"]
    arguments = [*fixed, *how, *depth, *_upload_pack(remote.url), "--", remote.url, "+HEAD:refs/heads/head"]
    environment = {**remote.env, "GIT_NO_LAZY_FETCH": "1"}
    try:
        git.run(arguments, directory=mirror.path, env=environment, timeout=remote.timeout)
    finally:
        mirror.write_config()
    size = mirror.size_mb
    if size > bounds.max_mb:
        raise MirrorTooLargeError(size)


def _forget_absent_boundaries(mirror: Mirror, timeout: float) -> None:
    """Drop boundaries that lie behind such a merge.

    git notes them although it was not sent these commits, and the next deepening stumbles over them ("error in object:
    unshallow", seen with git 2.39)."""
    noted = mirror.boundaries
    answer = git.run(
        ["cat-file", "--batch-check"], directory=mirror.path, stdin="\n".join(noted).encode(), timeout=timeout
    ).decode()
    present = [line.split()[0] for line in answer.splitlines() if not line.endswith(" missing")]
    if present != noted:
        mirror.write_boundaries(present)


def _is_cut_after(mirror: Mirror, since: int, timeout: float) -> bool:
    """True where the first-parent history ends at a merge later than `since` whose parents are not there."""
    span = read_span(mirror, timeout)
    if span.since.timestamp() <= since or span.oldest not in mirror.boundaries:
        return False
    header = git.run(["cat-file", "commit", span.oldest], directory=mirror.path, timeout=timeout).partition(b"\n\n")[0]
    return sum(line.startswith(b"parent ") for line in header.splitlines()) > 1


def _join_packs(mirror: Mirror, remote: Remote) -> None:
    """Pack all packs into one. Without a named promisor git would take every file that was left behind for a loss."""
    arguments = ["-c", "remote.none.promisor=true", "repack", "-a", "-d", "-q"]
    environment = {**git.environment(), "GIT_NO_LAZY_FETCH": "1"}
    git.run(arguments, directory=mirror.path, env=environment, timeout=remote.timeout)


def _upload_pack(url: str) -> list[str]:
    return [f"--upload-pack={LOCAL_UPLOAD_PACK}"] if url.startswith("file://") else []


def _is_shallow(remote: Remote) -> bool:
    """True where the remote is a shallow clone on this machine, as people's own checkouts may be."""
    if not remote.url.startswith("file://"):
        return False
    path = unquote(urlsplit(remote.url).path)
    answer = git.run(["-C", path, "rev-parse", "--is-shallow-repository"], env=remote.env, timeout=remote.timeout)
    return answer.strip() == b"true"


def _aware(seconds: int) -> datetime.datetime:
    """A commit's time. Commits may claim any, so it is kept within what tables and databases hold."""
    return datetime.datetime.fromtimestamp(min(max(seconds, 0), _LAST_SECOND), datetime.UTC)
