"""The administrator's verbs: approve, block, unblock and delete a repository, at once and for every later discovery.

A verb writes `decisions.yaml` (`discover/decisions.py`) and applies it. The consequences of a decision are defined
in `rules.py`. The command line and the jobs (`decision_jobs.py`) call it.
"""

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from kubestats_pipeline.discover.decisions import KINDS, Decision, lift_decision, read_decisions, record_decision
from kubestats_pipeline.discover.discover import apply_decisions
from kubestats_pipeline.discover.register import read_rows
from kubestats_pipeline.errors import ExplainedError, did_you_mean
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.repositories import find_repository
from kubestats_pipeline.locks import BusyError

Verb = Literal["approve", "block", "unblock", "delete"]


class DecisionRefusedError(ExplainedError):
    """A decision makes no sense for what it was made about. Nothing was changed."""


@dataclass(frozen=True)
class Decided:
    """The result of a verb: the repository's present name, and a sentence for people."""

    full_name: str
    text: str


def decide(
    lake: Lake,
    verb: Verb,
    name: str,
    *,
    reason: str | None,
    now: datetime.datetime,
    max_mb: int | None,
    unknown_too: bool = False,
) -> Decided:
    """Make a decision about a repository, by its present name or one that it had.

    Args:
        lake: holds the repositories. The decision is kept beside it, in `decisions.yaml`.
        verb: what is decided.
        name: a full name, in any case of letters.
        reason: for people.
        now: the time of the decision, aware.
        max_mb: the limit of size beside the decisions.
        unknown_too: decide in advance about a name that no discovery has seen yet.

    Raises:
        DecisionRefusedError: the name is unknown or not one of a repository, or it is not blocked.
        DecisionsError: the file of decisions cannot be understood or written.
        LakeError: the table of repositories is damaged or cannot be written.
    """
    row = find_repository(lake, name)
    if row is None:
        _refuse_unknown(lake, verb, name.strip(), unknown_too)
    full_name = row["full_name"] if row else name.strip()
    decision = Decision(full_name, row["repository_id"] if row else None, reason or None, now)
    _VERBS[verb](lake, decision)
    try:
        apply_decisions(lake, now, max_mb)
    except BusyError as error:
        return Decided(full_name, f"decided about {full_name}. The next discovery acts on it ({error})")
    return Decided(full_name, _describe(find_repository(lake, full_name), full_name))


def _refuse_unknown(lake: Lake, verb: Verb, name: str, unknown_too: bool) -> None:
    """Refuse what is neither a repository nor the subject of an earlier decision: most often it is misspelt."""
    decisions = read_decisions(lake.layout.decisions)
    decided = {each.repository for kind in KINDS for each in decisions.of(kind)}
    near = did_you_mean(name, {*read_rows(lake)["full_name"], *decided})
    if not re.fullmatch(r"[^\s/]+(/[^\s/]+)+", name):
        raise DecisionRefusedError(f"{name!r} is not a repository name. Give owner/name, or host/owner/name.{near}")
    if unknown_too or name.casefold() in map(str.casefold, decided):
        return
    in_advance = "" if verb == "unblock" else " To decide about it in advance, add --unknown-too"
    known = near or " `kubestats status` names all that are."
    raise DecisionRefusedError(f"{name} is not known.{known}{in_advance}")


def _describe(row: Mapping[str, object] | None, full_name: str) -> str:
    if row is None:
        return f"{full_name} is not known yet. The decision holds when a discovery finds it"
    reason = f" ({row['status_reason']})" if row["status_reason"] else ""
    approved = ", approved" if row["is_approved"] else ""
    return f"{full_name} is {row['status']}{approved}{reason}"


def _approve(lake: Lake, decision: Decision) -> None:
    record_decision(lake.layout.decisions, "approved", decision, lifts=("deleted",), store=lake.storage)


def _block(lake: Lake, decision: Decision) -> None:
    record_decision(lake.layout.decisions, "blocked", decision, store=lake.storage)


def _unblock(lake: Lake, decision: Decision) -> None:
    if not lift_decision(lake.layout.decisions, "blocked", decision, store=lake.storage):
        raise DecisionRefusedError(f"{decision.repository} is not blocked. See `kubestats status`")


def _delete(lake: Lake, decision: Decision) -> None:
    record_decision(lake.layout.decisions, "deleted", decision, lifts=("approved",), store=lake.storage)


_VERBS: Mapping[Verb, Callable[[Lake, Decision], None]] = {
    "approve": _approve,
    "block": _block,
    "unblock": _unblock,
    "delete": _delete,
}
