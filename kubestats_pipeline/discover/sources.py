"""The places where repositories come from: GitHub's topics, and the list that the user gave.

A source answers with what it found and what it could not find out; it never raises for a host that fails. Which sources
a run asks is decided in `discover.py`, what their answers change in `membership.py`.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kubestats_pipeline.discover.addresses import GitAddress, url_identity
from kubestats_pipeline.discover.entries import Entry, EntryError, GitHubName, read_entry, shown_entry
from kubestats_pipeline.discover.local import DEPTH, find_repositories
from kubestats_pipeline.discover.local import to_record as local_record
from kubestats_pipeline.discover.records import LIST_TAG, Found, FoundRepository, SourceFailure, join_found
from kubestats_pipeline.hosts.errors import HostError, TransientError
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.payload import to_record
from kubestats_pipeline.hosts.github.repositories import get_repository
from kubestats_pipeline.hosts.github.search import search_repositories

GIVE_UP_AFTER = 2
"""Transient failures in a row after which GitHub is asked no more, for each costs all its retries."""

Connect = Callable[[], GitHubClient]
"""Opens a client; a source connects only while it is being asked."""


class Source(Protocol):
    """One place where repositories come from."""

    def find(self) -> Found:
        """Ask it now."""


@dataclass(frozen=True)
class GitHubTopics:
    """The public repositories on GitHub that carry one of some topics."""

    topics: tuple[str, ...]
    git_url: str
    connect: Connect
    forks: bool = False

    def find(self) -> Found:
        """Search each topic; a topic that fails does not stop the others."""
        with self.connect() as client:
            return join_found(self._search(client, topic) for topic in self.topics)

    def _search(self, client: GitHubClient, topic: str) -> Found:
        """A token may see its owner's private repositories, which are nobody's example."""
        query = f"topic:{topic} fork:true" if self.forks else f"topic:{topic}"
        answer = search_repositories(client, query, now=client.now())
        public = [payload for payload in answer.repositories if not payload.private]
        nothing = "GitHub knows no public repository with this topic; correct github.topics"
        reasons = answer.shortfalls or (() if public else (nothing,))
        return Found(
            tuple(to_record(payload, git_url=self.git_url, tags=(topic,)) for payload in public),
            tuple(SourceFailure(f"topic:{topic}", reason) for reason in reasons),
            asked=frozenset({topic}),
            complete=frozenset() if reasons else frozenset({topic}),
        )


@dataclass(frozen=True)
class ListSource:
    """The `repositories` setting: names on GitHub, git URLs, paths, directories of repositories."""

    entries: tuple[str, ...]
    git_url: str
    connect: Connect

    def find(self) -> Found:
        """Look up each entry, in the given order; one that fails does not stop the others."""
        with self.connect() as client:
            names = NameLookup(client, self.git_url)
            found = join_found([self._find_entry(text, names) for text in self.entries])
        asked = frozenset({LIST_TAG})
        return dataclasses.replace(found, asked=asked, complete=asked if names.is_answered else frozenset())

    def _find_entry(self, text: str, names: "NameLookup") -> Found:
        try:
            entry = read_entry(text, git_url=self.git_url)
        except EntryError as error:
            return _failed(shown_entry(text), str(error))
        return _look_up(entry, shown_entry(text), names)


class NameLookup:
    """Asks GitHub for names, one after the other, until it is clear that it does not answer.

    Attributes:
        is_answered: it told of every name so far whether there is such a repository.
    """

    def __init__(self, client: GitHubClient, git_url: str) -> None:
        self._client = client
        self._git_url = git_url
        self._failures_in_a_row = 0
        self.is_answered = True

    def find(self, name: GitHubName, shown: str) -> Found:
        """The repository of that name, or why there is none; `shown` is the entry for messages."""
        if self._failures_in_a_row >= GIVE_UP_AFTER:
            self.is_answered = False
            return _failed(shown, "not asked: GitHub failed for the entries before; the next discovery asks again")
        try:
            payload = get_repository(self._client, f"{name.owner}/{name.name}")
        except TransientError as error:
            self._failures_in_a_row += 1
            self.is_answered = False
            return _failed(shown, str(error))
        except HostError as error:
            self._failures_in_a_row = 0
            return _failed(shown, f"GitHub: {error}")
        self._failures_in_a_row = 0
        return Found((to_record(payload, git_url=self._git_url, tags=(LIST_TAG,)),))


def _look_up(entry: Entry, shown: str, names: NameLookup) -> Found:
    if isinstance(entry, GitHubName):
        return names.find(entry, shown)
    if isinstance(entry, GitAddress):
        return Found((_remote_record(entry),))
    return _find_local(entry, shown)


def _remote_record(address: GitAddress) -> FoundRepository:
    return FoundRepository(
        repository_id=url_identity(address.normalised),
        host=address.host,
        full_name=f"{address.host}/{address.owner}/{address.name}",
        owner=address.owner,
        name=address.name,
        clone_url=address.clone_url,
        discovery_tags=(LIST_TAG,),
    )


def _find_local(path: Path, shown: str) -> Found:
    search = find_repositories(path)
    failures = [
        SourceFailure(shown, f"{folder} cannot be read; allow it or remove the entry") for folder in search.unreadable
    ]
    if not search.repositories and not failures:
        reason = f"it is no git repository and holds none within {DEPTH} levels; correct or remove it"
        failures = [SourceFailure(shown, reason)]
    return Found(tuple(local_record(path, tag=LIST_TAG) for path in search.repositories), tuple(failures))


def _failed(source: str, reason: str) -> Found:
    return Found(failures=(SourceFailure(source, reason),))
