"""GitHub as a host of discovery: its topics as a source, its repository ids as a witness, and single names.

The source and the witness are those of `sources.py`. The calls and their retries are the work of `hosts/github/`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kubestats_pipeline.discover.records import LIST_TAG, Found, FoundRepository, SourceFailure, join_found
from kubestats_pipeline.discover.sources import CONFIRMATIONS, Known, Testimony
from kubestats_pipeline.git.command import without_credentials
from kubestats_pipeline.hosts.errors import (
    GoneError,
    HostError,
    NotFoundError,
    PermanentError,
    TakenDownError,
    TransientError,
)
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.payload import RepositoryPayload
from kubestats_pipeline.hosts.github.rates import read_rates
from kubestats_pipeline.hosts.github.repositories import (
    ANONYMOUS_CALLS,
    KnownName,
    get_repository,
    get_repository_by_id,
    read_facts,
)
from kubestats_pipeline.hosts.github.search import search_repositories

GIVE_UP_AFTER = 2
"""Transient failures in a row after which GitHub is asked no more, because each costs all its retries."""

Connect = Callable[[], GitHubClient]
"""Opens a client. A source connects only while it is being asked."""


@dataclass(frozen=True)
class GitHubTopics:
    """The public repositories on GitHub that carry one of some topics."""

    topics: tuple[str, ...]
    git_url: str
    connect: Connect
    forks: bool = False

    def find(self) -> Found:
        """Search each topic. A topic that fails does not stop the others."""
        with self.connect() as client:
            return join_found(self._search(client, topic) for topic in self.topics)

    def _search(self, client: GitHubClient, topic: str) -> Found:
        """A token may see its owner's private repositories, which are nobody's example."""
        query = f"topic:{topic} fork:true" if self.forks else f"topic:{topic}"
        answer = search_repositories(client, query, now=client.now())
        public = [payload for payload in answer.repositories if not payload.private]
        nothing = "GitHub knows no public repository with this topic. Correct github.topics"
        reasons = answer.shortfalls or (() if public else (nothing,))
        return Found(
            tuple(to_record(payload, git_url=self.git_url, tags=(topic,)) for payload in public),
            tuple(SourceFailure(f"topic:{topic}", reason) for reason in reasons),
            asked=frozenset({topic}),
            complete=frozenset() if reasons else frozenset({topic}),
        )


@dataclass(frozen=True)
class GitHubWitness:
    """The GitHub of the settings."""

    git_url: str
    connect: Connect
    has_token: bool
    name: str = "github"

    @property
    def gives_watchers(self) -> bool:
        """A token buys a hundred repositories a call. Without one every call is dear."""
        return self.has_token

    def knows(self, repository_id: str) -> bool:
        """True if GitHub gave the id."""
        return repository_id.startswith("github:")

    def describe(self, known: Sequence[Known]) -> Testimony:
        """With a token a hundred a call, without one as many as half of this hour's calls that are left allow."""
        if not known:
            return Testimony()
        wanted = {_number(repository.repository_id): repository for repository in known}
        names = [KnownName(number, repository.full_name) for number, repository in wanted.items()]
        with self.connect() as client:
            try:
                limit = len(names) if client.has_token else min(ANONYMOUS_CALLS, read_rates(client).get("core", 0) // 2)
            except HostError as error:
                return Testimony(failures=[f"{error} ({len(names)} repositories keep their known facts)"])
            facts = read_facts(client, names, limit=limit)
        testimony = Testimony(failures=list(facts.failures))
        for payload in facts.found:
            self._take(testimony, wanted[payload.id], payload)
        for number in facts.missing:
            testimony.gone[wanted[number].repository_id] = "GitHub does not have it under its name"
        return testimony

    def confirm(self, known: Sequence[Known]) -> Testimony:
        """One call each. A first failure that asking again might mend ends it."""
        testimony = Testimony()
        if not known:
            return testimony
        with self.connect() as client:
            for repository in known[:CONFIRMATIONS]:
                try:
                    self._take(testimony, repository, get_repository_by_id(client, _number(repository.repository_id)))
                except (NotFoundError, GoneError) as error:
                    testimony.gone[repository.repository_id] = _reason(error)
                except PermanentError as error:
                    testimony.failures.append(f"{repository.full_name}: {error}")
                except HostError as error:
                    testimony.failures.append(f"{error} (it was to say whether {repository.full_name} is gone)")
                    break
        return testimony

    def _take(self, testimony: Testimony, known: Known, payload: RepositoryPayload) -> None:
        """A private repository that a token may see is gone for everybody else. It stays only for who named it."""
        if payload.private and not known.is_listed:
            testimony.gone[known.repository_id] = "GitHub says that it is private now"
        else:
            testimony.found.append(to_record(payload, git_url=self.git_url))


class NameLookup:
    """Asks GitHub for names, one after the other, until it is clear that it does not answer.

    Attributes:
        is_answered: it answered about every name so far.
    """

    def __init__(self, client: GitHubClient, git_url: str) -> None:
        self._client = client
        self._git_url = git_url
        self._failures_in_a_row = 0
        self.is_answered = True

    def find(self, full_name: str, shown: str) -> Found:
        """The repository of that name, or the reason for its absence. `shown` is the entry for messages."""
        if self._failures_in_a_row >= GIVE_UP_AFTER:
            self.is_answered = False
            return _no_answer(shown, "not asked: GitHub failed for the entries before. The next discovery asks again")
        try:
            payload = get_repository(self._client, full_name)
        except TransientError as error:
            self._failures_in_a_row += 1
            self.is_answered = False
            return _no_answer(shown, str(error))
        except HostError as error:
            self._failures_in_a_row = 0
            return _no_answer(shown, f"GitHub: {error}")
        self._failures_in_a_row = 0
        return Found((to_record(payload, git_url=self._git_url, tags=(LIST_TAG,)),))


def to_record(payload: RepositoryPayload, *, git_url: str, tags: tuple[str, ...] = ()) -> FoundRepository:
    """The record of a repository that `tags` found. Git fetches it below `git_url`."""
    owner, name = payload.full_name.split("/")
    return FoundRepository(
        repository_id=f"github:{payload.id}",
        host=_host(payload.html_url),
        full_name=payload.full_name,
        owner=owner,
        name=name,
        clone_url=f"{without_credentials(git_url).rstrip('/')}/{payload.full_name}.git",
        discovery_tags=tags,
        html_url=payload.html_url,
        description=payload.description,
        language=payload.language,
        topics=tuple(sorted(payload.topics)),
        license_name=payload.license.label if payload.license else None,
        default_branch=payload.default_branch,
        is_archived=payload.archived,
        is_fork=payload.fork,
        is_template=payload.is_template,
        created_at=payload.created_at,
        pushed_at=payload.pushed_at,
        stars_count=payload.stargazers_count,
        forks_count=payload.forks_count,
        watchers_count=payload.subscribers_count,
        open_issues_count=payload.open_issues_count,
        size_kb=payload.size,
        updated_at=payload.updated_at,
    )


def _host(html_url: str | None) -> str:
    """The host that people know. Git and the API may be reached elsewhere, through a mirror or a proxy."""
    host = html_url.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0].lower() if html_url else ""
    return host or "github.com"


def _number(repository_id: str) -> int:
    """The number in a host's id."""
    return int(repository_id.partition(":")[2])


def _reason(error: PermanentError) -> str:
    if isinstance(error, TakenDownError):
        return "GitHub answers 451: taken down for legal reasons"
    return "GitHub answers 410: deleted" if isinstance(error, GoneError) else "GitHub answers 404: deleted or private"


def _no_answer(shown: str, reason: str) -> Found:
    return Found(failures=(SourceFailure(shown, reason),))
