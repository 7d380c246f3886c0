"""The words of messages. Strangers' words in them are plain text, on one line and without what a service would obey.

Services make links, mentions or emphasis of some signs, each of its own: Discord and Slack of `<@1>` and `@everyone`,
Telegram and mail of `<b>`. No name of a chart, an image or an object of Kubernetes has these signs, so they are shown
as others that look like them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kubestats_pipeline.plain_text import plain
from kubestats_pipeline.redaction.texts import withhold_shapes
from kubestats_pipeline.watch.changes import WatchedChange
from kubestats_pipeline.watch.links import commit_link

MOST_CHANGES = 20
"""Changes that one message tells. The others are counted."""

MOST_CHARACTERS = 1_800
"""Of a message. Discord takes 2,000."""

LONGEST_NAME = 100

NAMED = 3
"""Resources of a commit that are named, as `repository_changed.sql` has it."""

_LOOK_ALIKES = str.maketrans({"<": "‹", ">": "›", "@": "＠", "[": "(", "]": ")", "`": "'", "*": "∗", "|": "¦"})

_AGAIN = "An attempt to tell these was not confirmed. Some may have arrived before."

_RETIRED = {
    "gone": "its host has it no longer",
    "deleted": "an administrator deleted it",
    "name_taken": "another repository has its name",
}


@dataclass(frozen=True)
class Message:
    """A message as plain text."""

    title: str
    body: str


def compose(
    changes: Sequence[WatchedChange],
    page_link: Callable[[WatchedChange], str | None],
    room: int,
    *,
    again: bool = False,
) -> Message:
    """One message about some changes, the first ones in full and a number for the rest.

    Args:
        changes: at least one, in the order in which they are told.
        page_link: gives the page of what changed, or None.
        room: characters that the receiver takes.
        again: nobody knows if an earlier message with them arrived.
    """
    left = min(room, MOST_CHARACTERS) - len(_AGAIN) - len(_more(len(changes))) - 4
    told = list[str]()
    for change in changes[:MOST_CHANGES]:
        text = "\n".join(filter(None, [describe(change), commit_link(change), page_link(change)]))
        left -= len(text) + 2
        if left < 0:
            break
        told.append(text)
    rest = len(changes) - len(told)
    parts = [*([_AGAIN] if again else []), *told, *([_more(rest)] if rest else [])]
    title = "Kubestats: 1 change" if len(changes) == 1 else f"Kubestats: {len(changes):,} changes"
    return Message(title, withhold_shapes("\n\n".join(parts)))


def compose_failure(job: str, run: str, reason: str) -> Message:
    """The message of a run that failed."""
    lines = "\n".join(shown(line, MOST_CHARACTERS) for line in withhold_shapes(reason).splitlines())
    return Message(f"Kubestats: {job} failed", f"Run {run[:8]}\n{lines}"[:MOST_CHARACTERS])


def describe(change: WatchedChange) -> str:
    """One change as one line."""
    return f"{shown(change.full_name)} {_happened(change)}, {change.changed_at:%Y-%m-%d}"


def shown(text: str, longest: int = LONGEST_NAME) -> str:
    """A stranger's text as plain text on one line, cut where it is too long."""
    safe = plain(text).translate(_LOOK_ALIKES)
    return safe if len(safe) <= longest else f"{safe[: longest - 1]}…"


def _happened(change: WatchedChange) -> str:
    subject, before, after = (
        shown(change.subject),
        shown(change.version_before or ""),
        shown(change.version_after or ""),
    )
    match change.change:
        case "retired":
            return f"has gone: {_RETIRED.get(change.subject, 'it was retired')}"
        case "commit":
            return f"changed {_counted(change.uses, 'resource')}: {subject}{', …' if change.uses > NAMED else ''}"
        case "gone":
            return f"runs {subject} no more (last {before})" if before else f"runs {subject} no more"
        case "rolled_back":
            return f"went back from {subject} {before} to {after}{_times(change)}"
        case "first_major":
            return f"is the first to go to major version {change.major} of {subject}: {before} → {after}"
        case "new_major":
            return f"went to major version {change.major} of {subject}: {before} → {after}{_times(change)}"
    return f"went from {subject} {before} to {after}{_times(change)}"


def _times(change: WatchedChange) -> str:
    return f" ({change.uses} times)" if change.uses > 1 else ""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _more(number: int) -> str:
    return f"… and {number:,} more"
