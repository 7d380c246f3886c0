"""Who made a change: a person, or which bot; told by the author and by the branch that a merge takes in."""

import functools
import re

from kubestats_pipeline.lake.vocabulary import AuthorKind

_BOTS: dict[AuthorKind, re.Pattern[str]] = {
    "renovate": re.compile(r"renovate"),
    "dependabot": re.compile(r"dependabot"),
    "flux": re.compile(r"\bflux(cd)?(bot)?\b"),
    "other_bot": re.compile(r"\[bot\]|\bbot\b|[-_]bot\b|bot@|github[-_ ]actions"),
}

_MERGED_BRANCH = re.compile(
    r"Merge (?:pull request|branch|remote-tracking branch)\b.*\b(renovate|dependabot)/", re.IGNORECASE
)


def author_kind(author: str, subject: str) -> AuthorKind:
    """Human, renovate, dependabot, flux or other_bot, from the author's name and address in lower case.

    A merge counts as the bot's whose branch it merges: along the first parents it is the only commit of that change.
    """
    merged = _MERGED_BRANCH.match(subject)
    if merged:
        return "renovate" if merged[1].lower() == "renovate" else "dependabot"
    return _kind_of(author)


@functools.lru_cache(maxsize=4096)
def _kind_of(author: str) -> AuthorKind:
    return next((kind for kind, pattern in _BOTS.items() if pattern.search(author)), "human")
