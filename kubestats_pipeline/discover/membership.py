"""Changes that a discovery makes in the rows of `repositories`: pure rules, no host, no file.

A row belongs to an identity, which outlives names. Absence is not deletion: a row is retired only after several
complete answers without it, and when its host says that it is gone. It comes back when its host has it again. Facts
follow the host. The status follows from `rules.py`. Comes after sources and witnesses, and before the lake is written
(`register.py`).
"""

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from kubestats_pipeline.discover.addresses import AddressError, parse_address, url_identity
from kubestats_pipeline.discover.fit_rows import fit_to_store
from kubestats_pipeline.discover.records import LIST_TAG, FoundRepository, combine_by_id, unique_suffix
from kubestats_pipeline.discover.rules import Policy, Rulings, decide_status
from kubestats_pipeline.lake.lake import to_frame
from kubestats_pipeline.lake.tables import REPOSITORIES

MISSES = 3
"""Complete answers without a repository after which its host is asked whether it is gone."""

_DECIDED_HERE = (
    *("discovery_tags", "discovered_at", "last_seen_at", "retired_at", "status", "status_reason", "retired_because"),
    *("is_approved", "previous_names", "topic_lost_at", "missed_searches"),
)
_FACTS = tuple(name for name in REPOSITORIES.column_names if name not in _DECIDED_HERE)

Row = dict[str, Any]


@dataclass(frozen=True)
class Sighting:
    """The answers of one discovery.

    Attributes:
        found: repositories as sources and hosts describe them. The same identity may come several times.
        missed: ids that complete answers should have held and did not.
        gone: ids that their host no longer has, with the reason.
        confirmed: ids that their host was asked for and has.
    """

    found: Sequence[FoundRepository] = ()
    missed: frozenset[str] = frozenset()
    gone: Mapping[str, str] = field(default_factory=dict)
    confirmed: frozenset[str] = frozenset()


def merge(
    known: pl.DataFrame, sighting: Sighting, now: datetime.datetime, policy: Policy | None = None
) -> pl.DataFrame:
    """The rows after a discovery, one for each identity ever seen. Names are unique among all of them.

    - A repository without a host's id (`git:…`) keeps its name for good. A new one whose name is taken gets a suffix.
    - A name on a host belongs to whom the host gives it now. Its earlier holder is retired under a name with its number
      as a suffix, and comes back when it is found under another one.

    Args:
        known: all rows of `repositories`.
        sighting: the answers.
        now: the time of this discovery, aware.
        policy: decides the status.
    """
    policy = policy or Policy()
    earlier: dict[str, Row] = {row["repository_id"]: row for row in known.iter_rows(named=True)}
    names = {row["full_name"] for row in earlier.values()}
    found = {
        one.repository_id: one for one in _name_by_path(_in_order(_unite(sighting.found, earlier)), earlier, names)
    }
    holders = {one.full_name: one.repository_id for one in found.values()}
    rows = [_merged(earlier.get(identity), found.get(identity), now) for identity in {**earlier, **found}]
    life = _Life(holders, found.keys(), sighting, now)
    living = [life.apply(earlier.get(row["repository_id"]), row) for row in rows]
    rulings = Rulings(policy.decisions, living)
    decided = (decide_status(row, found.get(row["repository_id"]), policy, rulings, now) for row in living)
    return to_frame(REPOSITORIES, [fit_to_store(row) for row in decided])


def absent(
    known: pl.DataFrame, found: Iterable[str], asked: frozenset[str], complete: frozenset[str]
) -> frozenset[str]:
    """The ids of living repositories that complete answers should have held and did not.

    Args:
        known: all rows of `repositories`.
        found: the ids that the sources found.
        asked: the tags of everything that was asked for.
        complete: those of them of which the answer holds everything.
    """
    present = frozenset(found)
    return frozenset(
        row["repository_id"]
        for row in known.iter_rows(named=True)
        if row["retired_at"] is None
        and is_named_by_host(row["repository_id"])
        and row["repository_id"] not in present
        and (expected := _carried_tags(row) & asked)
        and expected <= complete
    )


def is_named_by_host(repository_id: str) -> bool:
    """True if a host gave the id, so that it can be asked for it."""
    return not repository_id.startswith("git:")


def _carried_tags(row: Row) -> set[str]:
    """Tags that should find it: the list that names it, and its topics unless it has lost them."""
    return {tag for tag in row["discovery_tags"] if tag == LIST_TAG or row["topic_lost_at"] is None}


def _unite(found: Iterable[FoundRepository], rows: Mapping[str, Row]) -> list[FoundRepository]:
    """One identity for a repository that a URL of the list and its host's search find: the one that came first."""
    united = combine_by_id(found)
    by_url = {_url_id(one.clone_url): one.repository_id for one in united if one.is_named_by_host}
    by_url |= {_url_id(row["clone_url"]): key for key, row in rows.items() if is_named_by_host(key)}
    kept = []
    for one in united:
        if one.is_named_by_host:
            url_id = _url_id(one.clone_url)
            is_listed_before = url_id in rows and one.repository_id not in rows
            kept.append(dataclasses.replace(one, repository_id=url_id) if is_listed_before else one)
        elif by_url.get(one.repository_id, one.repository_id) == one.repository_id or one.repository_id in rows:
            kept.append(one)
    return combine_by_id(sorted(kept, key=lambda one: one.has_numbers))


def _url_id(clone_url: str) -> str:
    try:
        return url_identity(parse_address(clone_url).normalised)
    except AddressError:  # a path on this machine, or the tombstone of one
        return url_identity(clone_url)


def _in_order(found: Iterable[FoundRepository]) -> list[FoundRepository]:
    """By number (of two that claim one name, the newer and later one has it), then by URL."""
    return sorted(found, key=lambda one: (one.number, one.clone_url, one.repository_id))


def _name_by_path(
    found: Iterable[FoundRepository], rows: Mapping[str, Row], names: Iterable[str]
) -> list[FoundRepository]:
    """Give each repository that is known only by its URL a name of its own, once and for all."""
    taken = set(names)
    named = []
    for repository in found:
        if not repository.is_named_by_host:
            repository = _with_own_name(repository, rows.get(repository.repository_id), taken)
            taken.add(repository.full_name)
        named.append(repository)
    return named


def _with_own_name(repository: FoundRepository, known: Row | None, taken: set[str]) -> FoundRepository:
    if known:
        full_name, owner, name = known["full_name"], known["owner"], known["name"]
        return dataclasses.replace(repository, host=known["host"], owner=owner, name=name, full_name=full_name)
    if repository.full_name in taken:
        suffix = unique_suffix(repository.repository_id)
        name, full_name = repository.name + suffix, repository.full_name + suffix
        return dataclasses.replace(repository, name=name, full_name=full_name)
    return repository


def _merged(row: Row | None, repository: FoundRepository | None, now: datetime.datetime) -> Row:
    """The row with what its host says now."""
    if repository is None:
        return dict(row or {})
    facts = {name: getattr(repository, name) for name in _FACTS} | {"topics": list(repository.topics)}
    if row is None:
        begun = dict.fromkeys(_DECIDED_HERE) | {"discovered_at": now, "status": "active"}
        row = begun | {"discovery_tags": []}
    tags = sorted({*row["discovery_tags"], *repository.discovery_tags})
    return (
        row | facts | {"discovery_tags": tags, "last_seen_at": now, "topic_lost_at": _topic_lost(row, repository, now)}
    )


def _topic_lost(row: Row, repository: FoundRepository, now: datetime.datetime) -> datetime.datetime | None:
    searched = {tag.casefold() for tag in row["discovery_tags"] if tag != LIST_TAG}
    carried = {topic.casefold() for topic in (*repository.topics, *repository.discovery_tags)}
    return (row["topic_lost_at"] or now) if searched and searched.isdisjoint(carried) else None


@dataclass(frozen=True)
class _Life:
    """Rules for names and lives: who has each name now, and who was found."""

    holders: Mapping[str, str]
    found: Collection[str]
    sighting: Sighting
    now: datetime.datetime

    def apply(self, earlier: Row | None, row: Row) -> Row:
        """The row with its name and its state of life."""
        identity = row["repository_id"]
        holder = self.holders.get(row["full_name"], identity)
        if holder != identity:
            row = self._lose_name(earlier, row, holder)
        elif identity in self.found and self._returns(row):
            row = row | {"retired_at": None, "status_reason": None, "retired_because": None}
        if row["retired_at"] is None:
            row = self._count_misses(row)
        return row | {"previous_names": _previous_names(earlier, row)}

    def _returns(self, row: Row) -> bool:
        """A search can be stale. It does not bring back what its host called gone, only the host itself does."""
        is_confirmed = row["repository_id"] in self.sighting.confirmed
        return is_confirmed or row["retired_because"] in ("deleted", "name_taken")

    def _lose_name(self, earlier: Row | None, row: Row, holder: str) -> Row:
        suffix = unique_suffix(row["repository_id"])
        since = earlier["retired_at"] if earlier and earlier["retired_because"] == "name_taken" else None
        return row | {
            "full_name": row["full_name"] + suffix,
            "name": row["name"] + suffix,
            "status_reason": f"its name now belongs to {holder}",
            "retired_because": "name_taken",
            "retired_at": since or self.now,
        }

    def _count_misses(self, row: Row) -> Row:
        identity, misses = row["repository_id"], row["missed_searches"] or 0
        gone = self.sighting.gone.get(identity)
        if gone is not None and misses + 1 >= MISSES:
            ending = {"status_reason": gone, "retired_because": "gone", "missed_searches": None}
            return row | {"retired_at": self.now} | ending
        if identity in self.found:
            return row | {"missed_searches": None}
        return row | {"missed_searches": misses + 1} if identity in self.sighting.missed else row


def _previous_names(earlier: Row | None, row: Row) -> list[str] | None:
    if earlier is None or earlier["full_name"] == row["full_name"]:
        return earlier["previous_names"] if earlier else None
    names = [*(earlier["previous_names"] or ()), earlier["full_name"]]
    made_up = earlier["full_name"].endswith(unique_suffix(row["repository_id"]))
    kept = [name for name in names if name != row["full_name"] and not (made_up and name == earlier["full_name"])]
    return list(dict.fromkeys(kept)) or None
