"""What a discovery changes in the rows of `repositories`: pure rules, no host, no file.

A row belongs to an identity, which outlives names. Rows that were not found stay untouched, for absence is not
deletion; facts follow the host; decisions (`status` and what belongs to it) stay, but for names that changed hands.
Comes after the sources and before the lake is written (`discover.py`).
"""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from kubestats_pipeline.discover.records import FoundRepository, combine_by_id
from kubestats_pipeline.lake import to_frame
from kubestats_pipeline.tables import REPOSITORIES

NAME_LOST = "its name now belongs to "
"""How `status_reason` begins for a row that was retired because its name changed hands."""

_DECIDED_HERE = ("discovery_tags", "discovered_at", "last_seen_at", "retired_at", "status", "status_reason")
_FACTS = tuple(name for name in REPOSITORIES.column_names if name not in _DECIDED_HERE)

Row = dict[str, Any]


def merge(known: pl.DataFrame, found: Sequence[FoundRepository], now: datetime.datetime) -> pl.DataFrame:
    """The rows after a discovery, one for each identity ever seen; names are unique among those not retired.

    - A repository without a host's id (`git:…`) keeps its name for good; a new one whose name is taken gets a suffix.
    - A GitHub name belongs to whom the host gives it now. Its earlier holder is retired, and comes back when it is
      found under another name. A newcomer inherits a block or a pending approval of the name, so that deleting and
      recreating a repository does not lift it.

    Args:
        known: all rows of `repositories`.
        found: what the sources found; the same identity may come several times.
        now: the time of this discovery, aware.
    """
    rows: dict[str, Row] = {row["repository_id"]: row for row in known.iter_rows(named=True)}
    living = {row["full_name"]: row for row in rows.values() if row["status"] != "retired"}
    ordered = _name_by_path(_in_order(found), rows, living)
    holders = {repository.full_name: repository.repository_id for repository in ordered}
    for repository in ordered:
        earlier = rows.get(repository.repository_id)
        row = _update(earlier, repository, now) if earlier else _create(repository, living, now)
        rows[repository.repository_id] = row
    return to_frame(REPOSITORIES, [_settle(row, holders, now) for row in rows.values()])


def _in_order(found: Iterable[FoundRepository]) -> list[FoundRepository]:
    """By number (of two that claim one name, the newer and later one has it), then by URL."""
    return sorted(combine_by_id(found), key=lambda one: (_number(one), one.clone_url, one.repository_id))


def _number(repository: FoundRepository) -> int:
    return int(repository.repository_id.removeprefix("github:")) if repository.is_named_by_host else 0


def _name_by_path(
    found: Iterable[FoundRepository], rows: Mapping[str, Row], living: Mapping[str, Row]
) -> list[FoundRepository]:
    """Give each repository that is known only by its URL a name of its own, once and for all."""
    taken = set(living)
    named = []
    for repository in found:
        if not repository.is_named_by_host:
            repository = _with_own_name(repository, rows.get(repository.repository_id), taken)
            taken.add(repository.full_name)
        named.append(repository)
    return named


def _with_own_name(repository: FoundRepository, known: Row | None, taken: set[str]) -> FoundRepository:
    if known:
        return _renamed(repository, known["name"])
    if repository.full_name in taken:
        return _renamed(repository, f"{repository.name}~{repository.repository_id.removeprefix('git:')[:6]}")
    return repository


def _renamed(repository: FoundRepository, name: str) -> FoundRepository:
    """The same repository under another last name; mirror and partition are both called by it."""
    full_name = f"{repository.host}/{repository.owner}/{name}"
    return dataclasses.replace(repository, name=name, full_name=full_name)


def _facts(repository: FoundRepository) -> Row:
    return {name: getattr(repository, name) for name in _FACTS} | {"topics": list(repository.topics)}


def _update(row: Row, repository: FoundRepository, now: datetime.datetime) -> Row:
    tags = sorted({*row["discovery_tags"], *repository.discovery_tags})
    return row | _facts(repository) | {"discovery_tags": tags, "last_seen_at": now}


def _create(repository: FoundRepository, living: Mapping[str, Row], now: datetime.datetime) -> Row:
    holder = living.get(repository.full_name, {"status": "active", "status_reason": None})
    return _facts(repository) | {
        "discovery_tags": sorted(repository.discovery_tags),
        "discovered_at": now,
        "last_seen_at": now,
        "retired_at": None,
        "status": holder["status"],
        "status_reason": holder["status_reason"],
    }


def _settle(row: Row, holders: Mapping[str, str], now: datetime.datetime) -> Row:
    """Retire a row whose name was found on another one; bring it back when it is found under a name of its own."""
    holder = holders.get(row["full_name"])
    if holder is None or row["repository_id"] == holder:
        lost_name = row["status"] == "retired" and (row["status_reason"] or "").startswith(NAME_LOST)
        return row | {"status": "active", "status_reason": None, "retired_at": None} if holder and lost_name else row
    if row["status"] == "retired":
        return row
    before = "" if row["status"] == "active" else f"{row['status']} ({row['status_reason']}); "
    return row | {"status": "retired", "status_reason": f"{before}{NAME_LOST}{holder}", "retired_at": now}
