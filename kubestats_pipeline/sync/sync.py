"""Brings one repository's mirror up to date and reports the outcome. Many are done at once, independently.

Outcomes are values, a failure too: it keeps everything that was known and only says when to try again. git's part is in
`mirror.py`, that of GitHub's API in `api.py`. Discovery comes before and names the repositories. The scan comes after
and reads mirror and row.
"""

import contextlib
import datetime
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from kubestats_pipeline.git import command as git
from kubestats_pipeline.git.mirror_folder import Mirror
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.leases import UNSHARED, LeaseError, Leases, LeaseTakenError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.sync.api import ApiSource, sync_by_api
from kubestats_pipeline.sync.formats import unsupported_format
from kubestats_pipeline.sync.head_on_disk import head_on_disk
from kubestats_pipeline.sync.mirror import (
    MirrorBounds,
    MirrorTooLargeError,
    Remote,
    RemoteHead,
    is_current,
    remote_head,
    update_mirror,
)
from kubestats_pipeline.sync.outcomes import (
    Elsewhere,
    Empty,
    Gone,
    Outcome,
    Result,
    Row,
    Synced,
    TooLarge,
    Unchanged,
    Unreachable,
    Unrecorded,
    Unsupported,
    fit_to_store,
)
from kubestats_pipeline.sync.retries import pause_after
from kubestats_pipeline.sync.transports import transports

Clock = Callable[[], datetime.datetime]

Begin = Callable[[], None]
"""Is called before a repository is changed, and raises where another machine works on it."""

HEAD_COLUMNS = ("default_branch", "head_commit", "head_committed_at", "history_since")
"""The columns about the mirror, which a failure does not change."""

_GONE = re.compile(
    r"repository\b.*(not found|does not exist)|(project|repository)\b.*could not be found"
    r"|does not appear to be a git repository|returned error: (404|410|451)|is this a git repository",
    re.IGNORECASE | re.DOTALL,
)
"""Messages of hosts about a repository that is not there: GitHub, GitLab, Gitea, Bitbucket, plain HTTP, ssh and paths.
"""

_REFUSED = re.compile(
    r"authentication|could not read (username|password)|permission denied|returned error: 40[13]", re.IGNORECASE
)


def sync_repository(
    repository: Repository,
    previous: Mapping[str, Any] | None,
    settings: Settings,
    layout: Layout,
    client: GitHubClient | None = None,
    begin: Begin = lambda: None,
) -> Outcome:
    """Bring the mirror of one repository to its remote's head. Unchanged costs one `git ls-remote` and nothing else,
    on this machine some file reads.

    `previous` is the repository's row of `snapshots`, None where it has none. With a `client` repositories on GitHub
    are read through its API, and unchanged costs one conditional call. `begin` is called before anything is changed.

    Raises:
        LeaseTakenError, LeaseError: `begin` did.
    """
    protocols = transports(repository, settings)
    if not protocols:
        return Unreachable(
            f"the clone URL of {repository.full_name} is not one that its host's API may name. Run a discovery"
        )
    remote = _remote(repository, settings, protocols)
    try:
        if client is not None and _is_on_github(repository, settings):
            full_name = f"{repository.owner}/{repository.name}"
            source = ApiSource(client, full_name, _limit_mb(repository, settings), remote.timeout)
            return sync_by_api(source, _mirror(repository, layout), previous, begin)
        head = _known_head(remote.url, previous) or remote_head(remote.url, remote.env, remote.timeout)
        if head is None:
            return Empty(
                f"{remote.url} has no commit, or its HEAD names a branch that does not exist. Push one or set it"
            )
        return _sync_head(repository, head, previous, remote, settings, layout, begin)
    except git.GitError as error:
        return explain(remote.url, error)
    except MirrorTooLargeError as error:
        return TooLarge(error.size_mb, settings.max_repository_mb)
    except (LeaseTakenError, LeaseError):
        raise
    except (BusyError, OSError) as error:
        return Unreachable(
            f"the mirror of {remote.url} cannot be written: {error}. Free or unlock the disk if it stays"
        )


def explain(url: str, error: git.GitError, head: str | None = None) -> Gone | Unreachable | Unsupported:
    """Distinguish the reasons why a remote could not be read, and give the remedy.

    It is in another format, is not there, or cannot be reached. `head` is the remote's, where that is known.
    """
    if (name := unsupported_format(str(error))) is not None:
        place = git.without_credentials(url)
        advice = "it is tried again when its head moves. Convert it, or take it out of `repositories`"
        return Unsupported(f"{place} is in a format that git here cannot read: {name}; {advice}", head)
    tried = f"git could not read {git.without_credentials(url)}: {str(error).rstrip('.')}"
    if _GONE.search(str(error)):
        return Gone(f"{tried}. If it moved or was deleted, correct its name in `repositories` or take it out")
    if _REFUSED.search(str(error)):
        return Unreachable(f"{tried}. It is private or deleted, or needs a valid github.token or ssh key")
    return Unreachable(f"{tried}. It is tried again by itself, check the network and the address if it stays")


def snapshot_row(
    repository: Repository,
    previous: Mapping[str, Any] | None,
    outcome: Outcome,
    now: datetime.datetime,
    run_id: str | None,
    settings: Settings,
) -> Row:
    """The `snapshots` row after an outcome. The columns about the mirror stay unless the outcome has new ones."""
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
        "size_limit_mb": outcome.limit if isinstance(outcome, TooLarge) else None,
        "last_sync_at": now,
        "consecutive_failures": failures,
        "next_attempt_at": now + pause_after(failures, settings) if failures else None,
        "unsupported_head": outcome.head if isinstance(outcome, Unsupported) else None,
        "sync_run_id": run_id,
    }


def sync_and_record(
    repository: Repository,
    settings: Settings,
    lake: Lake,
    now: Clock,
    run_id: str | None,
    client: GitHubClient | None = None,
    leases: Leases = UNSHARED,
) -> tuple[Outcome | Unrecorded | Elsewhere, Row | None]:
    """Sync one repository and replace its partition of `snapshots`. `now` is called once, when the attempt ended.

    A repository whose head has moved is leased until its row is written.

    Returns:
        The outcome and the row as written. A partition that cannot be read is left alone and nothing is synced.
    """
    try:
        with contextlib.ExitStack() as held:
            lease = leases.hold(repository.repository_id)
            tables = RepositoryTables.of(lake, repository)
            previous = tables.snapshot()
            outcome = sync_repository(
                repository, previous, settings, lake.layout, client, lambda: held.enter_context(lease)
            )
            outcome = fit_to_store(outcome)
            row = snapshot_row(repository, previous, outcome, now(), run_id, settings)
            tables.write_snapshot(row)
    except LeaseTakenError as error:
        return Elsewhere(str(error)), None
    except (LakeError, LeaseError) as error:
        return Unrecorded(str(error)), None
    return outcome, row


def fetch_again(repository: Repository, settings: Settings, layout: Layout) -> str:
    """Bring the mirror to its remote's head, for a machine without it. Gives the reason where that cannot be done."""
    with _api(settings, layout) as client:
        outcome = sync_repository(repository, None, settings, layout, client)
    return "" if isinstance(outcome, Synced | Unchanged) else outcome.reason


def sync_all(
    repositories: Iterable[Repository],
    settings: Settings,
    lake: Lake,
    run_id: str | None,
    now: Clock,
    leases: Leases = UNSHARED,
) -> Iterator[Result]:
    """Sync many repositories, `settings.sync.workers` at once, and yield each as it ends.

    A next one starts only when a result is taken: once the caller stops, nothing new starts, and leaving waits for
    those under way. One client of the API serves them all, so that they share what it knows of the rate limit.

    Raises:
        SettingsError: `sync_method` is api and the token cannot be one.
    """

    def work(repository: Repository) -> Result:
        began = time.monotonic()
        outcome, row = sync_and_record(repository, settings, lake, now, run_id, client, leases)
        return Result(repository, outcome, row, time.monotonic() - began)

    waiting = iter(repositories)
    with (
        _api(settings, lake.layout) as client,
        ThreadPoolExecutor(settings.sync.workers, thread_name_prefix="sync") as pool,
    ):
        running = {pool.submit(work, repository) for repository in islice(waiting, settings.sync.workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(work, repository) for repository in islice(waiting, len(done))}
            for future in done:
                yield future.result()


def _known_head(url: str, previous: Mapping[str, Any] | None) -> RemoteHead | None:
    """The head of a repository on this machine where it is the recorded one. Git is asked about any other."""
    if previous is None or not url.startswith("file://"):
        return None
    head = head_on_disk(url)
    return head if head and head.commit == previous["head_commit"] else None


def _sync_head(
    repository: Repository,
    head: RemoteHead,
    previous: Mapping[str, Any] | None,
    remote: Remote,
    settings: Settings,
    layout: Layout,
    begin: Begin,
) -> Synced | Unchanged | Gone | Unreachable | Unsupported:
    began = time.monotonic()
    mirror = _mirror(repository, layout)
    recorded = previous is not None and previous["head_commit"] == head.commit
    if recorded and is_current(mirror, head.commit, settings.history_days):
        mirror.seal(remote.timeout)
        return Unchanged(head.commit, head.branch)
    if recorded and layout.lake_url and (not mirror.exists or mirror.reaches(settings.history_days)):
        return Unchanged(head.commit, head.branch)  # another machine has fetched it. The scan does where it has to
    if previous is not None and previous["unsupported_head"] == head.commit:
        return Unsupported(previous["sync_error"], head.commit)
    begin()
    try:
        span = update_mirror(mirror, remote, MirrorBounds(settings.history_days, _limit_mb(repository, settings)))
    except git.GitError as error:
        return explain(remote.url, error, head.commit)
    return Synced(span.head, head.branch, span.committed_at, span.since, time.monotonic() - began)


def _mirror(repository: Repository, layout: Layout) -> Mirror:
    return Mirror(layout.mirror(repository.host, repository.owner, repository.name))


def _limit_mb(repository: Repository, settings: Settings) -> float:
    """The setting, or none for what the administrator approved."""
    return math.inf if repository.is_approved else settings.max_repository_mb


def _remote(repository: Repository, settings: Settings, protocols: Sequence[str]) -> Remote:
    """Only a repository on GitHub gets the token, whatever its name claims: the URL decides."""
    is_trusted = _is_on_github(repository, settings)
    token = settings.github.token.get_secret_value() if settings.github.token and is_trusted else None
    env = git.environment(token, token_url=settings.github.git_url, protocols=protocols)
    return Remote(repository.clone_url, env, settings.sync.timeout_seconds)


def _is_on_github(repository: Repository, settings: Settings) -> bool:
    """Another host's API may name a private repository on GitHub, and shall not have it read with our token."""
    is_of_gitlab = repository.repository_id.startswith("gitlab:")
    return not is_of_gitlab and repository.clone_url.startswith(f"{settings.github.git_url.rstrip('/')}/")


def _api(settings: Settings, layout: Layout) -> AbstractContextManager[GitHubClient | None]:
    if settings.sync_method == "git":
        return contextlib.nullcontext()
    return GitHubClient(settings.github, folder=layout.http)
