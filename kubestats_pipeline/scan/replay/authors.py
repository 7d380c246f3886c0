"""Kind of author of a change, a person or a bot, from the author's name and from the branch that a merge takes in."""

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
    """The kind of author (human, renovate, dependabot, flux or other_bot) of a commit.

    A merge of a bot's branch counts as the bot's, because it is the only commit of that change along first parents.

    Args:
        author: name and address in lower case.
        subject: first line of the commit message.
    """
    merged = _MERGED_BRANCH.match(subject)
    if merged:
        return "renovate" if merged[1].lower() == "renovate" else "dependabot"
    return _kind_of(author)


@functools.lru_cache(maxsize=4096)
def _kind_of(author: str) -> AuthorKind:
    return next((kind for kind, pattern in _BOTS.items() if pattern.search(author)), "human")
