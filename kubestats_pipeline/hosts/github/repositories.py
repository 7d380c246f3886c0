"""Asks GitHub for repositories that are known already: one by name or number, or the facts of many in few calls.

With a token, a hundred of them go into one GraphQL query, whose answer also holds the real subscribers. Without one,
each is a call of its own, so that only some are asked. Finding unknown ones is `github/search.py`'s. Discovery decides
what follows for a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from kubestats_pipeline.hosts.errors import GoneError, HostError, NotFoundError, PermanentError, QueryTooComplexError
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.graphql import NOT_FOUND
from kubestats_pipeline.hosts.github.payload import PayloadError, RepositoryPayload, read_payload, unreadable

PER_QUERY = 100
"""Repositories in one query. GitHub counts a query of this size as one or two of the hour's 5,000 points."""

ANONYMOUS_CALLS = 30
"""Half of the 60 calls an hour that GitHub gives to callers without a token."""

FAILURES_IN_A_ROW = 8
"""Failed queries after which GitHub is asked no more: as often as a hundred can be halved, and once more."""

FACTS = """
fragment facts on Repository {
  id: databaseId
  full_name: nameWithOwner
  private: isPrivate
  html_url: url
  description
  language: primaryLanguage { name }
  topics: repositoryTopics(first: 20) { nodes { topic { name } } }
  license: licenseInfo { name spdx_id: spdxId }
  default_branch: defaultBranchRef { name }
  archived: isArchived
  fork: isFork
  is_template: isTemplate
  created_at: createdAt
  pushed_at: pushedAt
  updated_at: updatedAt
  stargazers_count: stargazerCount
  forks_count: forkCount
  size: diskUsage
  watchers { total: totalCount }
  issues(states: OPEN) { total: totalCount }
  pulls: pullRequests(states: OPEN) { total: totalCount }
}
"""
"""The fields that are asked of each, under REST's names. A repository has at most 20 topics."""


@dataclass(frozen=True)
class KnownName:
    """A repository by its lasting number, and the name that it had when it was last seen."""

    number: int
    full_name: str


@dataclass(frozen=True)
class RepositoryFacts:
    """The answers of GitHub about some repositories. One that is in none of the three was not asked for.

    Attributes:
        found: under their present names, each with the number that was asked for.
        missing: numbers of those that GitHub says it does not have, at least not under the name that was given.
        failures: for people, the reasons why others got no answer.
    """

    found: tuple[RepositoryPayload, ...] = ()
    missing: tuple[int, ...] = ()
    failures: tuple[str, ...] = ()


def get_repository(client: GitHubClient, full_name: str) -> RepositoryPayload:
    """The repository that has or had a name `owner/name`. A renamed one comes back under its new name.

    Raises:
        NotFoundError: it does not exist, or the token may not see it.
        HostError: any other failure of the call, `PayloadError` among them.
    """
    owner, _, name = full_name.partition("/")
    return read_payload(client.get(f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}").content)


def get_repository_by_id(client: GitHubClient, number: int) -> RepositoryPayload:
    """The repository with a number, whatever its name. Raises as `get_repository` does."""
    return read_payload(client.get(f"/repositories/{number}").content)


def read_facts(client: GitHubClient, wanted: Sequence[KnownName], *, limit: int = ANONYMOUS_CALLS) -> RepositoryFacts:
    """The present facts of known repositories. Failures are reported beside what was found.

    A repository counts as missing only where GitHub said so. Confirm it with `get_repository_by_id`: a name that
    another repository took, or that was given up in favour of none, looks the same here.

    Args:
        client: with a token, all are asked for, a hundred in a call.
        wanted: asked for in this order.
        limit: calls that are made without a token. The rest is not asked for.
    """
    if client.has_token:
        return _Batches(client).read(wanted)
    return _read_each(client, wanted[:limit])


def _read_each(client: GitHubClient, wanted: Sequence[KnownName]) -> RepositoryFacts:
    """One call each, until one is not answered after all retries."""
    found, missing, failures = [], [], []
    for known in wanted:
        try:
            found.append(get_repository_by_id(client, known.number))
        except (NotFoundError, GoneError):
            missing.append(known.number)
        except PermanentError as error:
            failures.append(f"{known.full_name}: {error}")
        except HostError as error:
            failures.append(f"{error} (it and those behind it keep their known facts)")
            break
    return RepositoryFacts(tuple(found), tuple(missing), tuple(failures))


@dataclass
class _Batches:
    """The state of reading many by GraphQL: what came, and the batches that wait."""

    client: GitHubClient
    found: list[RepositoryPayload] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    failures_in_a_row: int = 0

    def read(self, wanted: Sequence[KnownName]) -> RepositoryFacts:
        """Ask batch by batch. One that is too much for GitHub is halved, one that fails for all retries ends it."""
        waiting = [wanted[start : start + PER_QUERY] for start in range(0, len(wanted), PER_QUERY)][::-1]
        while waiting:
            batch = waiting.pop()
            try:
                self._ask(batch)
                self.failures_in_a_row = 0
            except QueryTooComplexError as error:
                self.failures_in_a_row += 1
                waiting += _halves(batch)
                if self.failures_in_a_row == FAILURES_IN_A_ROW:
                    self._give_up(error, waiting)
                else:
                    self.client.back_off(1)
            except HostError as error:
                waiting.append(batch)
                self._give_up(error, waiting)
        return RepositoryFacts(tuple(self.found), tuple(self.missing), tuple(self.failures))

    def _give_up(self, error: HostError, waiting: list[Sequence[KnownName]]) -> None:
        left = sum(len(batch) for batch in waiting)
        self.failures.append(f"{error} ({left} repositories keep their known facts)")
        waiting.clear()

    def _ask(self, batch: Sequence[KnownName]) -> None:
        answer = self.client.query(*_query(batch))
        for place, known in enumerate(batch):
            self._sort(known, answer.data.get(f"r{place}"), answer.problems.get(f"r{place}"))

    def _sort(self, known: KnownName, content: object, problem: str | None) -> None:
        """Put the answer to one alias where it belongs."""
        if problem == NOT_FOUND:
            self.missing.append(known.number)
        elif problem or content is None:
            self.failures.append(f"GitHub did not answer about {known.full_name} ({problem or 'no data'})")
        else:
            self._take(known, content)

    def _take(self, known: KnownName, content: object) -> None:
        try:
            payload = _to_payload(content)
        except PayloadError as error:
            self.failures.append(f"GitHub about {known.full_name}: {error}")
            return
        if payload.id == known.number:
            self.found.append(payload)
        else:  # somebody else has the name now, and the wanted one is not to be had by it
            self.missing.append(known.number)


def _halves(batch: Sequence[KnownName]) -> list[Sequence[KnownName]]:
    """The second half before the first, since the last of a list is asked next. A single one is asked again."""
    middle = (len(batch) + 1) // 2
    return [half for half in (batch[middle:], batch[:middle]) if half]


def _query(batch: Sequence[KnownName]) -> tuple[str, dict[str, str]]:
    """One alias for each repository. Names travel as variables, never as text of the query."""
    variables: dict[str, str] = {}
    aliases = []
    for place, known in enumerate(batch):
        owner, _, name = known.full_name.partition("/")
        variables |= {f"o{place}": owner, f"n{place}": name}
        aliases.append(f"r{place}: repository(owner: $o{place}, name: $n{place}, followRenames: true) {{ ...facts }}")
    declared = ", ".join(f"${name}: String!" for name in variables)
    lines = "\n  ".join(aliases)
    return f"query({declared}) {{\n  {lines}\n}}\n{FACTS}", variables


class _Named(BaseModel):
    name: str


class _Counted(BaseModel):
    total: int


class _Topic(BaseModel):
    topic: _Named


class _Topics(BaseModel):
    nodes: list[_Topic]


class _Parts(BaseModel):
    """The parts of a repository that GraphQL gives as objects and REST as plain values."""

    language: _Named | None
    topics: _Topics
    default_branch: _Named | None
    watchers: _Counted
    issues: _Counted
    pulls: _Counted


def _to_payload(content: object) -> RepositoryPayload:
    """The record that REST's JSON of the same repository gives.

    Raises:
        PayloadError: a field is missing or has another type.
    """
    try:
        parts = _Parts.model_validate(content)
    except ValidationError as error:
        raise unreadable(error) from None
    flat = {
        "language": parts.language.name if parts.language else None,
        "topics": [node.topic.name for node in parts.topics.nodes],
        "default_branch": parts.default_branch.name if parts.default_branch else None,
        "subscribers_count": parts.watchers.total,
        "open_issues_count": parts.issues.total + parts.pulls.total,  # REST counts pull requests among the issues
    }
    return read_payload({**content, **flat} if isinstance(content, dict) else content)
