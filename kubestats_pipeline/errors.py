"""The one base of all failures whose text is meant for the user: it says what was tried and what to do.

Each stage raises its own subclass. The command line shows the text. The Dagster skin makes it the step's failure, which
Dagster keeps. A text can quote a name or a host's answer, so shapes of secrets are withheld from it. An unknown name is
refused with those that may be meant.
"""

import difflib
from collections.abc import Collection

MOST_NEAR = 3
LIKE = 0.7
"""Similarity, from 0 to 1 as difflib measures it, below which two names are two names."""


class ExplainedError(Exception):
    """A failure that the user can act on. Its text is the whole explanation."""

    def __str__(self) -> str:
        from kubestats_pipeline.redaction.texts import withhold_shapes  # only a failure needs the patterns

        return withhold_shapes(super().__str__())


def near_names(name: str, known: Collection[str], most: int = MOST_NEAR) -> list[str]:
    """Known names that may be meant, nearest first. Case does not matter.

    A name may be given without what stands before its last slash, or in part. Else it is one with a slip of the finger.
    """
    wanted = name.strip().casefold()
    if not wanted:
        return []
    scores = {each: _likeness(wanted, each.casefold()) for each in known}
    near = [each for each, score in scores.items() if score >= LIKE]
    return sorted(near, key=lambda each: (-scores[each], each))[:most]


def did_you_mean(name: str, known: Collection[str]) -> str:
    """` Did you mean a, b or c?`, or nothing where no known name is near."""
    near = near_names(name, known)
    if not near:
        return ""
    *others, last = near
    return f" Did you mean {', '.join(others)} or {last}?" if others else f" Did you mean {last}?"


def _likeness(wanted: str, known: str) -> float:
    last = known.rpartition("/")[2]
    if wanted == last:
        return 1.0
    alike = max(_ratio(wanted, known), _ratio(wanted.rpartition("/")[2], last) if "/" not in wanted else 0.0)
    return max(alike, 0.8) if len(wanted) >= 3 and wanted in known else alike


def _ratio(one: str, other: str) -> float:
    """Difflib's ratio, or 0 where its bounds, which cost less, are already below what counts."""
    matcher = difflib.SequenceMatcher(None, other, one)
    if matcher.real_quick_ratio() < LIKE or matcher.quick_ratio() < LIKE:
        return 0.0
    return matcher.ratio()
