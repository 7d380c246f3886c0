"""Brings one repository's mirror up to date and says what came of it; many at once, each for itself.

Outcomes are values, a failure too: it keeps everything that was known and only says when to try again. git's part is in
`mirror.py`. Before comes discovery, which names the repositories; after it the scan, which reads mirror and row.
"""

import datetime
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from kubestats_pipeline import git
from kubestats_pipeline.lake import Lake, LakeError
from kubestats_pipeline.layout import Layout
from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.repositories import Repository
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.sync.mirror import (
    Bounds,
    MirrorTooLargeError,
    Remote,
    RemoteHead,
    is_current,
    remote_head,
    seal,
    update_mirror,
)
from kubestats_pipeline.tables import SNAPSHOTS

Row = dict[str, Any]
"""One row of the `snapshots` table."""

Clock = Callable[[], datetime.datetime]

HEAD_COLUMNS = ("default_branch", "head_commit", "head_committed_at", "history_since")
"""What is known about the mirror; a failure changes none of it."""

_GONE = re.compile(
    r"repository\b.*(not found|does not exist)|(project|repository)\b.*could not be found"
    r"|does not appear to be a git repository|returned error: (404|410|451)|is this a git repository",
    re.IGNORECASE | re.DOTALL,
)
"""What hosts say about a repository that is not there: GitHub, GitLab, Gitea, Bitbucket, plain HTTP, ssh and paths."""

_REFUSED = re.compile(
    r"authentication|could not read (username|password)|permission denied|returned error: 40[13]", re.IGNORECASE
)


@dataclass(frozen=True)
class Synced:
    """The mirror now holds this head and the first-parent history since `history_since`."""

    status: ClassVar[str] = "synced"
    head: str
    branch: str | None
    committed_at: datetime.datetime
    history_since: datetime.datetime
    seconds: float


@dataclass(frozen=True)
class Unchanged:
    """The remote's head is the one that the mirror holds; only its branch may have a new name."""

    status: ClassVar[str] = "unchanged"
    head: str
    branch: str | None


@dataclass(frozen=True)
class Empty:
    """The remote answers and has no head; an earlier mirror stays."""

    status: ClassVar[str] = "empty"
    reason: str


@dataclass(frozen=True)
class TooLarge:
    """The mirror passed the `max_repository_mb` setting and was removed."""

    status: ClassVar[str] = "too_large"
    size_mb: float
    limit: int

    @property
    def reason(self) -> str:
        """What is wrong and what to do."""
        return f"{self.size_mb:.0f} MB are more than max_repository_mb = {self.limit}; raise it to keep this one"


@dataclass(frozen=True)
class Gone:
    """The remote says that there is no such repository; an earlier mirror stays."""

    status: ClassVar[str] = "gone"
    reason: str


@dataclass(frozen=True)
class Unreachable:
    """The remote could not be read this time; an earlier mirror stays."""

    status: ClassVar[str] = "error"
    reason: str


Outcome = Synced | Unchanged | Empty | TooLarge | Gone | Unreachable


@dataclass(frozen=True)
class Unrecorded:
    """The lake's file of this repository cannot be read or written; it is as it was, and so is what it says."""

    status: ClassVar[str] = "error"
    reason: str


@dataclass(frozen=True)
class Result:
    """What came of one repository: the outcome, the row as written (None where it was not) and the time it took."""

    repository: Repository
    outcome: Outcome | Unrecorded
    row: Row | None
    seconds: float


def sync_repository(
    repository: Repository, previous: Mapping[str, Any] | None, settings: Settings, layout: Layout
) -> Outcome:
    """Bring the mirror of one repository to its remote's head. Unchanged costs one `git ls-remote` and nothing else.

    `previous` is the repository's row of `snapshots`, None where it has none.
    """
    remote = _remote(repository, settings)
    try:
        head = remote_head(remote.url, remote.env, remote.timeout)
        if head is None:
            return Empty(
                f"{remote.url} has no commit, or its HEAD names a branch that does not exist; push one or set it"
            )
        return _sync_head(repository, head, previous, remote, settings, layout)
    except git.GitError as error:
        return explain(remote.url, error)
    except MirrorTooLargeError as error:
        return TooLarge(error.size_mb, settings.max_repository_mb)
    except (BusyError, OSError) as error:
        return Unreachable(
            f"the mirror of {remote.url} cannot be written: {error}; free or unlock the disk if it stays"
        )


def explain(url: str, error: git.GitError) -> Gone | Unreachable:
    """Tell a repository that is not there from one that cannot be reached, and say what to do."""
    tried = f"git could not read {git.without_credentials(url)}: {error}"
    if _GONE.search(str(error)):
        return Gone(f"{tried}; if it moved or was deleted, correct its name in `repositories` or take it out")
    if _REFUSED.search(str(error)):
        return Unreachable(f"{tried}; it is private or deleted, or needs a valid github.token or ssh key")
    return Unreachable(f"{tried}; it is tried again by itself, check the network and the address if it stays")


def snapshot_row(
    repository: Repository,
    previous: Mapping[str, Any] | None,
    outcome: Outcome,
    now: datetime.datetime,
    run_id: str | None,
    settings: Settings,
) -> Row:
    """The `snapshots` row after an outcome. What was known of the mirror stays unless the outcome knows better."""
    known = {column: previous[column] if previous else None for column in HEAD_COLUMNS}
    failures = 0
    match outcome:
        case Synced():
            values = (outcome.branch, outcome.head, outcome.committed_at, outcome.history_since)
            known = dict(zip(HEAD_COLUMNS, values, strict=True))
        case Unchanged():
            known["default_branch"] = outcome.branch
        case TooLarge() | Gone() | Unreachable():
            failures = (previous["consecutive_failures"] if previous else 0) + 1
    return {
        "repository_id": repository.repository_id,
        "full_name": repository.full_name,
        **known,
        "sync_status": outcome.status,
        "sync_error": None if isinstance(outcome, Synced | Unchanged) else outcome.reason,
        "last_sync_at": now,
        "consecutive_failures": failures,
        "next_attempt_at": now + _pause(failures, settings) if failures else None,
        "sync_run_id": run_id,
    }


def sync_and_record(
    repository: Repository, settings: Settings, lake: Lake, now: Clock, run_id: str | None
) -> tuple[Outcome | Unrecorded, Row | None]:
    """Sync one repository and replace its partition of `snapshots`; `now` is asked once, when the attempt ended.

    Returns:
        The outcome and the row as written. A partition that cannot be read is left alone and nothing is synced.
    """
    try:
        previous = read_row(lake, repository)
        outcome = sync_repository(repository, previous, settings, lake.layout)
        row = snapshot_row(repository, previous, outcome, now(), run_id, settings)
        lake.write(SNAPSHOTS, repository.full_name, [row])
    except LakeError as error:
        return Unrecorded(str(error)), None
    return outcome, row


def read_row(lake: Lake, repository: Repository) -> Row | None:
    """The repository's row of `snapshots`; None where there is none, or another repository had the name before.

    Raises:
        LakeError: the file is damaged.
    """
    partition = lake.read(SNAPSHOTS, repository.full_name)
    rows = partition.rows.to_dicts() if partition else []
    return next((row for row in rows if row["repository_id"] == repository.repository_id), None)


def due(repositories: Iterable[Repository], lake: Lake, now: datetime.datetime) -> list[Repository]:
    """The repositories that a sweep should sync now: all but those that failed and wait for their next attempt."""
    return [repository for repository in repositories if _is_due(repository, lake, now)]


def sync_all(
    repositories: Iterable[Repository], settings: Settings, lake: Lake, run_id: str | None, now: Clock
) -> Iterator[Result]:
    """Sync many repositories, `settings.sync.workers` at once, and yield each as it ends.

    A next one starts only when a result is taken: once the caller stops, nothing new starts, and leaving waits for
    those under way.
    """

    def work(repository: Repository) -> Result:
        began = time.monotonic()
        outcome, row = sync_and_record(repository, settings, lake, now, run_id)
        return Result(repository, outcome, row, time.monotonic() - began)

    waiting = iter(repositories)
    with ThreadPoolExecutor(settings.sync.workers, thread_name_prefix="sync") as pool:
        running = {pool.submit(work, repository) for repository in islice(waiting, settings.sync.workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(work, repository) for repository in islice(waiting, len(done))}
            for future in done:
                yield future.result()


def _sync_head(
    repository: Repository,
    head: RemoteHead,
    previous: Mapping[str, Any] | None,
    remote: Remote,
    settings: Settings,
    layout: Layout,
) -> Synced | Unchanged:
    began = time.monotonic()
    mirror = layout.mirror(repository.host, repository.owner, repository.name)
    recorded = previous is not None and previous["head_commit"] == head.commit
    if recorded and is_current(mirror, head.commit, settings.history_days):
        seal(mirror, remote.timeout)
        return Unchanged(head.commit, head.branch)
    span = update_mirror(mirror, remote, Bounds(settings.history_days, settings.max_repository_mb))
    return Synced(span.head, head.branch, span.committed_at, span.since, time.monotonic() - began)


def _remote(repository: Repository, settings: Settings) -> Remote:
    """Only a repository on GitHub gets the token, whatever its name claims: the URL decides."""
    on_github = repository.clone_url.startswith(f"{settings.github.git_url.rstrip('/')}/")
    token = settings.github.token.get_secret_value() if settings.github.token and on_github else None
    env = git.environment(token, token_url=settings.github.git_url)
    return Remote(repository.clone_url, env, settings.sync.timeout_seconds)


def _pause(failures: int, settings: Settings) -> datetime.timedelta:
    doubled = settings.sync.retry_minutes / 60 * 2.0 ** min(failures - 1, 100)
    return datetime.timedelta(hours=min(doubled, settings.sync.max_retry_hours))


def _is_due(repository: Repository, lake: Lake, now: datetime.datetime) -> bool:
    try:
        row = read_row(lake, repository)
    except LakeError:
        return True  # the sync itself reports the damaged file
    return row is None or row["next_attempt_at"] is None or row["next_attempt_at"] <= now
