"""The rules by which a review can fail: each is a statement about one changed version."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubestats_pipeline.plain_text import plain
from kubestats_pipeline.review.clone import ReviewError

if TYPE_CHECKING:
    from kubestats_pipeline.review.changes import VersionChange
    from kubestats_pipeline.review.ecosystem import Reception


@dataclass(frozen=True)
class Rule:
    """A rule: its meaning, and the test of how a version was received."""

    meaning: str
    holds: "Callable[[Reception], bool]"


RULES: Mapping[str, Rule] = {
    "went-back": Rule("a repository went back from the new version", lambda known: known.gone_back_by > 0),
    "low": Rule("the new version is of low confidence", lambda known: known.confidence == "low"),
    "unknown": Rule("nobody ever ran the new version", lambda known: known.repositories_ever == 0),
}


def parse_rules(text: str) -> tuple[str, ...]:
    """The rules of a list with commas, an empty one for none.

    Raises:
        ReviewError: a name is not that of a rule.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [plain(name) for name in names if name not in RULES]
    if unknown:
        raise ReviewError(f"unknown rule {', '.join(unknown)}. Known are {', '.join(RULES)}")
    return tuple(name for name in RULES if name in names)


def find_held(
    names: Sequence[str], changes: "Sequence[VersionChange]", receptions: "Sequence[Reception | None]"
) -> "list[tuple[str, VersionChange]]":
    """The rules that hold, each with the change for which it does."""
    pairs = list(zip(changes, receptions, strict=True))
    return [(name, change) for name in names for change, known in pairs if known and RULES[name].holds(known)]
