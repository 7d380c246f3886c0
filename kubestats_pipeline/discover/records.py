"""Records that discovery hands on: repositories that were found, and sources that failed.

Sources (`sources.py`) make these records. `membership.py` merges them into the lake's rows. No record holds a
credential, and nothing here talks to a host or to the lake.
"""

import dataclasses
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass

COUNTS = ("stars_count", "forks_count", "watchers_count", "open_issues_count", "size_kb")
"""The numbers of a repository. One without any of them has no row of metrics."""


LIST_TAG = "list"
"""The discovery tag of repositories that the user named. All others are topics."""


@dataclass(frozen=True, kw_only=True)
class FoundRepository:
    """One repository as a source sees it now.

    Values that the host does not give are None. The columns of the same names are described in `lake/tables.py`.

    Attributes:
        discovery_tags: the topics that found it, or `list`.
        watchers_count: real subscribers. None where the host was not asked for them, never stars.
        updated_at: last change of the host's record, a column of `repository_metrics` only.
    """

    repository_id: str
    host: str
    full_name: str
    owner: str
    name: str
    clone_url: str
    discovery_tags: tuple[str, ...]
    html_url: str | None = None
    description: str | None = None
    language: str | None = None
    topics: tuple[str, ...] = ()
    license_name: str | None = None
    default_branch: str | None = None
    is_archived: bool | None = None
    is_fork: bool | None = None
    is_template: bool | None = None
    created_at: datetime.datetime | None = None
    pushed_at: datetime.datetime | None = None
    stars_count: int | None = None
    forks_count: int | None = None
    watchers_count: int | None = None
    open_issues_count: int | None = None
    size_kb: int | None = None
    updated_at: datetime.datetime | None = None

    @property
    def is_named_by_host(self) -> bool:
        """True if the host gave a lasting id, so that the name can change. Else the URL is the identity."""
        return not self.repository_id.startswith("git:")

    @property
    def number(self) -> int:
        """The host's number. 0 where the host gave none."""
        match = re.match(r"\w+:(\d+)", self.repository_id) if self.is_named_by_host else None
        return int(match[1]) if match else 0

    @property
    def has_numbers(self) -> bool:
        """True if the host gave any number, so that the day gets a row of metrics."""
        return any(getattr(self, name) is not None for name in COUNTS)


@dataclass(frozen=True)
class SourceFailure:
    """A source, or a part of it, that gave no answer. Known facts about its repositories stay.

    Attributes:
        source: what was asked: `topic:<name>`, or an entry of the `repositories` setting without credentials.
        reason: what was tried, what came back and what to do.
    """

    source: str
    reason: str


@dataclass(frozen=True)
class Found:
    """The answer of one source: what it found and what it could not find out. Both may be filled.

    Attributes:
        asked: the discovery tags that it looked for.
        complete: those of which the answer holds every repository, so that absence from it counts.
    """

    repositories: tuple[FoundRepository, ...] = ()
    failures: tuple[SourceFailure, ...] = ()
    asked: frozenset[str] = frozenset()
    complete: frozenset[str] = frozenset()


def unique_suffix(repository_id: str) -> str:
    """A suffix that makes a name unique: the host's number, or the beginning of the hash of a URL."""
    kind, _, rest = repository_id.partition(":")
    return f"~{rest[:6]}" if kind == "git" else f"~{rest}"


def join_found(answers: Iterable[Found]) -> Found:
    """Put answers one behind the other. A tag is complete where everybody who was asked for it is."""
    kept = tuple(answers)
    incomplete = {tag for answer in kept for tag in answer.asked - answer.complete}
    return Found(
        tuple(repository for answer in kept for repository in answer.repositories),
        tuple(failure for answer in kept for failure in answer.failures),
        frozenset(tag for answer in kept for tag in answer.asked),
        frozenset(tag for answer in kept for tag in answer.complete if tag not in incomplete),
    )


def combine_by_id(found: Iterable[FoundRepository]) -> list[FoundRepository]:
    """One record for each identity: tags united, the latest answer first, its gaps filled from the earlier ones."""
    combined: dict[str, FoundRepository] = {}
    for repository in found:
        earlier = combined.get(repository.repository_id)
        combined[repository.repository_id] = _fill_gaps(repository, earlier) if earlier else repository
    return list(combined.values())


def _fill_gaps(latest: FoundRepository, earlier: FoundRepository) -> FoundRepository:
    gaps = {field.name for field in dataclasses.fields(latest) if getattr(latest, field.name) is None}
    tags = tuple(sorted({*latest.discovery_tags, *earlier.discovery_tags}))
    return dataclasses.replace(latest, discovery_tags=tags, **{name: getattr(earlier, name) for name in gaps})
