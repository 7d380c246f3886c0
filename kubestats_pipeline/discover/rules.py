"""Rules for a repository's status: the administrator's decisions, its size, and whether it still lives.

Pure rules over one row of `repositories` at a time. The decisions come from `decisions.yaml`. `membership.py` knows
what was found and applies the rules to all rows.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubestats_pipeline.discover.clone_urls import refusal
from kubestats_pipeline.discover.decisions import KINDS, Decision, Decisions, Kind
from kubestats_pipeline.discover.records import FoundRepository
from kubestats_pipeline.lake.tables import REPOSITORIES

Row = dict[str, Any]

_DELETED = "deleted by the administrator"
LIFTED = f"{_DELETED}, who lifted that. It comes back when a discovery finds it"
"""The `status_reason` of a tombstone that waits to be filled again."""

MB = 1000
"""Kilobytes, as GitHub counts them."""

_KEPT_IN_TOMBSTONE = ("previous_names", "status", "status_reason", "retired_because", "retired_at")
FORGOTTEN: Row = {
    column.name: None for column in REPOSITORIES.columns if column.nullable and column.name not in _KEPT_IN_TOMBSTONE
} | {"topics": []}
"""The values that a tombstone does not keep."""


@dataclass(frozen=True)
class Policy:
    """The basis on which the status of every repository is decided.

    Attributes:
        decisions: the administrator's.
        max_mb: larger repositories wait for an approval. None for no limit.
        too_large: why, for ids whose mirror passed the limit when it was fetched.
    """

    decisions: Decisions = field(default_factory=Decisions)
    max_mb: int | None = None
    too_large: Mapping[str, str] = field(default_factory=dict)


class Rulings:
    """The decisions as they concern some rows.

    A decision holds for the identity that it names. One without identity holds for the name, also after it has changed.
    A block or deletion of a repository that no longer has its name holds for whoever has it now, so that deleting and
    creating it anew lifts nothing. An approval does not.
    """

    def __init__(self, decisions: Decisions, rows: Iterable[Row]) -> None:
        names = {row["repository_id"]: row["full_name"].casefold() for row in rows if row["retired_at"] is None}
        self._by_id: dict[tuple[Kind, str], Decision] = {}
        self._by_name: dict[tuple[Kind, str], Decision] = {}
        self._by_former_name: dict[tuple[Kind, str], Decision] = {}
        for kind in KINDS:
            for decision in decisions.of(kind):
                self._add(kind, decision, names)

    def find(self, kind: Kind, row: Row) -> Decision | None:
        """The decision of a kind that holds for a row."""
        direct = self._by_id.get((kind, row["repository_id"])) or self._by_name.get((kind, row["full_name"].casefold()))
        former = (self._by_former_name.get((kind, name.casefold())) for name in row["previous_names"] or ())
        return direct or next((decision for decision in former if decision), None)

    def _add(self, kind: Kind, decision: Decision, names: Mapping[str, str]) -> None:
        name = decision.repository.casefold()
        if decision.repository_id is None:
            self._by_name[kind, name] = self._by_former_name[kind, name] = decision
            return
        self._by_id[kind, decision.repository_id] = decision
        if kind != "approved" and names.get(decision.repository_id, name) == name:
            self._by_name[kind, name] = decision


def decide_status(
    row: Row, found: FoundRepository | None, policy: Policy, rulings: Rulings, now: datetime.datetime
) -> Row:
    """The row with the status that follows. A null `retired_at` means that it lives."""
    if (deletion := rulings.find("deleted", row)) is not None:
        return _tombstone(row, deletion, now)
    approval = rulings.find("approved", row)
    row = row | {"is_approved": True if approval else None}
    if row["retired_at"] is not None:
        return row | {"status": "retired", "status_reason": LIFTED if is_tombstone(row) else row["status_reason"]}
    if (block := rulings.find("blocked", row)) is not None:
        return row | {"status": "blocked", "status_reason": block.reason or "blocked by the administrator"}
    if (reason := refusal(row["clone_url"])) is not None:
        return row | {"status": "blocked", "status_reason": reason}
    reason = None if approval else _hold(row, found, policy)
    return row | {"status": "pending_approval" if reason else "active", "status_reason": reason}


def is_tombstone(row: Row) -> bool:
    """True if the administrator deleted it, so that nothing but the row itself is kept."""
    return bool(row["retired_because"] == "deleted")


def _tombstone(row: Row, deletion: Decision, now: datetime.datetime) -> Row:
    reason = f"{_DELETED}: {deletion.reason}" if deletion.reason else _DELETED
    retired_at = row["retired_at"] if is_tombstone(row) else deletion.decided_at or now
    tombstone = {"status": "retired", "status_reason": reason, "retired_because": "deleted", "retired_at": retired_at}
    return row | FORGOTTEN | tombstone


def _hold(row: Row, found: FoundRepository | None, policy: Policy) -> str | None:
    """Why a repository waits for an approval. Unknown facts stay as they were."""
    if policy.max_mb is None:
        return None
    if found is None:
        kept: str | None = row["status_reason"] if row["status"] == "pending_approval" else None
        return kept
    if found.size_kb is None:
        return policy.too_large.get(row["repository_id"])
    if found.size_kb <= policy.max_mb * MB:
        return None
    size = f"{found.size_kb / MB:.0f} MB on its host are more than max_repository_mb = {policy.max_mb}"
    return f"{size}. Approve it, or raise the setting"
