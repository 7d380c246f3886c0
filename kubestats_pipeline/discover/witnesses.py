"""Asks a host about repositories that are known: their facts and numbers of today, and whether they are still there.

A source (`sources.py`) finds repositories; a witness is asked for those that were found before, by their ids. It is
what tells a rename, a lost topic and a deletion from a search that left something out. What follows is decided in
`membership.py`; a host without a witness never has a repository retired.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kubestats_pipeline.discover.records import FoundRepository
from kubestats_pipeline.hosts.errors import GoneError, HostError, NotFoundError, PermanentError, TakenDownError
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.payload import RepositoryPayload, to_record
from kubestats_pipeline.hosts.github.rates import read_rates
from kubestats_pipeline.hosts.github.repositories import ANONYMOUS_CALLS, KnownName, get_repository_by_id, read_facts

CONFIRMATIONS = 100
"""Repositories of one discovery that are asked for one by one; the next discovery asks for the others."""


@dataclass(frozen=True)
class Known:
    """A repository that was found before, or just now.

    Attributes:
        is_listed: the user named it, so that it counts although it may be private.
    """

    repository_id: str
    full_name: str
    is_listed: bool = False


@dataclass
class Testimony:
    """What a host told.

    Attributes:
        found: repositories that it has, under their present names.
        gone: ids of those that it says it has no more, with the reason.
        failures: why there is no answer about others.
    """

    found: list[FoundRepository] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class Witness(Protocol):
    """One host that is asked about repositories by their ids."""

    @property
    def name(self) -> str:
        """What failures are told under."""

    def knows(self, repository_id: str) -> bool:
        """Whether an id is one of this host's."""

    @property
    def tells_watchers(self) -> bool:
        """Whether `tell` gives numbers that a search does not, so that it is worth a call for those found by one."""

    def tell(self, known: Sequence[Known]) -> Testimony:
        """The present facts of many, in few calls; it may leave some out. Whom it calls gone must be confirmed."""

    def confirm(self, known: Sequence[Known]) -> Testimony:
        """Whether each is there, asked for by its id alone."""


@dataclass(frozen=True)
class GitHubWitness:
    """The GitHub of the settings."""

    git_url: str
    connect: Callable[[], GitHubClient]
    has_token: bool
    name: str = "github"

    @property
    def tells_watchers(self) -> bool:
        """A token buys a hundred repositories a call; without one every call is dear."""
        return self.has_token

    def knows(self, repository_id: str) -> bool:
        """Whether GitHub gave the id."""
        return repository_id.startswith("github:")

    def tell(self, known: Sequence[Known]) -> Testimony:
        """With a token a hundred a call, without one as many as half of this hour's calls that are left allow."""
        if not known:
            return Testimony()
        wanted = {number_of(each.repository_id): each for each in known}
        names = [KnownName(number, each.full_name) for number, each in wanted.items()]
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
        """One call each; a first failure that asking again might mend ends it."""
        testimony = Testimony()
        if not known:
            return testimony
        with self.connect() as client:
            for each in known[:CONFIRMATIONS]:
                try:
                    self._take(testimony, each, get_repository_by_id(client, number_of(each.repository_id)))
                except (NotFoundError, GoneError) as error:
                    testimony.gone[each.repository_id] = _reason(error)
                except PermanentError as error:
                    testimony.failures.append(f"{each.full_name}: {error}")
                except HostError as error:
                    testimony.failures.append(f"{error} (it was to say whether {each.full_name} is gone)")
                    break
        return testimony

    def _take(self, testimony: Testimony, known: Known, payload: RepositoryPayload) -> None:
        """A private repository that a token may see is gone for everybody else; it stays only for who named it."""
        if payload.private and not known.is_listed:
            testimony.gone[known.repository_id] = "GitHub says that it is private now"
        else:
            testimony.found.append(to_record(payload, git_url=self.git_url))


def number_of(repository_id: str) -> int:
    """The number in a host's id."""
    return int(repository_id.partition(":")[2])


def _reason(error: PermanentError) -> str:
    if isinstance(error, TakenDownError):
        return "GitHub answers 451: taken down for legal reasons"
    return "GitHub answers 410: deleted" if isinstance(error, GoneError) else "GitHub answers 404: deleted or private"
