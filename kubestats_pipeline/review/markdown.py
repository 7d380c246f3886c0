"""A review as Markdown, for the comment of a pull request or the summary of a job.

All names were written by strangers. They stand in code, where no host looks for markup, mentions or links, and without
what changes a line's meaning. A repository is a link only where its page is an ordinary https address.
"""

import datetime
import re
from collections.abc import Sequence

from kubestats_pipeline.plain_text import plain
from kubestats_pipeline.review.changes import Place, VersionChange
from kubestats_pipeline.review.ecosystem import Ecosystem, Reception, UserOfVersion
from kubestats_pipeline.review.rules import RULES

MOST_CHANGES, MOST_NAMES, MOST_PROBLEMS = 100, 5, 10
"""Rows, names in a cell, and unreadable files that are shown. Of more, their number is told."""

_PAGE = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~-]+)+/?")
_HEADER = "| change | where | runs already | held | went back |\n| --- | --- | --- | --- | --- |"


def code(text: str) -> str:
    """A stranger's text as code in a cell of a table, whatever it holds."""
    shown = plain(text).replace("|", "\\|") or " "
    fence = "`" * (1 + max(map(len, re.findall(r"`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def render(
    changes: Sequence[VersionChange],
    ecosystem: Ecosystem,
    held: Sequence[tuple[str, VersionChange]],
    problems: Sequence[str],
) -> str:
    """The whole review. `problems` are files that can no longer be read after the change."""
    parts = [f"### Kubestats: {_title(changes)}"]
    if changes:
        rows = map(_row, changes[:MOST_CHANGES], ecosystem.receptions)
        parts.append("\n".join([_HEADER, *rows]))
    if len(changes) > MOST_CHANGES:
        parts.append(f"These are {MOST_CHANGES} of {len(changes)} changes.")
    if held:
        parts.append("\n".join(f"- **{name}**: {RULES[name].meaning}: {_version(change)}" for name, change in held))
    if problems:
        parts.append(
            "Files that cannot be read after this change: " + _listed(list(map(code, problems)), MOST_PROBLEMS)
        )
    day = ecosystem.built_at[:10]
    parts.append(f"Counted in {_number(ecosystem.repositories, 'repository', 'repositories')}, as published on {day}.")
    return "\n\n".join(parts) + "\n"


def _title(changes: Sequence[VersionChange]) -> str:
    if not changes:
        return "no release or image changes its version"
    clusters = {place.cluster for change in changes for place in change.places if place.cluster}
    counted = _number(len(changes), "change", "changes")
    return f"{counted} of versions" + (f" in {_number(len(clusters), 'cluster', 'clusters')}" if clusters else "")


def _row(change: VersionChange, known: Reception | None) -> str:
    cells = [_change(change), _places(change.places)]
    cells += [_running(known), _holding(known), _returning(known)] if known else ["", "", ""]
    return "| " + " | ".join(cells) + " |"


def _change(change: VersionChange) -> str:
    named = f"{change.part.subject} {code(change.part.name)}"
    if change.after is None:
        return f"{named} {code(change.before or '')} is gone"
    before = code(change.before) if change.before else "new"
    return f"{named} {before} → {code(change.after) if change.after else 'no version'}"


def _version(change: VersionChange) -> str:
    return f"{code(change.part.name)} {code(change.after or '')}"


def _places(places: Sequence[Place]) -> str:
    return _listed([_place(place) for place in places], MOST_NAMES)


def _place(place: Place) -> str:
    named = f"{place.kind} {place.namespace}/{place.name}" if place.namespace else f"{place.kind} {place.name}"
    return f"{code(place.cluster)}: {code(named)}" if place.cluster else code(named)


def _running(known: Reception) -> str:
    if not known.repositories_now:
        others = _number(known.repositories, "repository runs", "repositories run")
        return f"nobody. {others} another version" if known.repositories else "nobody runs any version"
    counted = f"{known.repositories_now} of {_number(known.repositories, 'repository', 'repositories')}"
    return f"{counted}: {_listed([_runner(one) for one in known.runners], MOST_NAMES)}"


def _holding(known: Reception) -> str:
    if not known.repositories_ever or known.first_seen_at is None or known.median_days_held is None:
        return "never seen"
    day = known.first_seen_at.astimezone(datetime.UTC).date().isoformat()
    told = f"by {known.held_by or 'nobody yet'} for a week, median {_days(known.median_days_held)}, first seen {day}"
    return told + (f". Confidence is **{known.confidence}**" if known.confidence else "")


def _returning(known: Reception) -> str:
    skipped = f"skipped by {known.skipped_by}" if known.skipped_by else ""
    back = [f"{_runner(one)} after {_days(one.days or 0)} to {code(one.to or '')}" for one in known.returners]
    told = (
        f"**{known.gone_back_by}**: {_listed(back, MOST_NAMES)}" if back else "none" if known.repositories_ever else ""
    )
    return ", ".join(part for part in (told, skipped) if part)


def _runner(runner: UserOfVersion) -> str:
    page = runner.html_url or ""
    return f"[{code(runner.full_name)}]({page})" if _PAGE.fullmatch(page) else code(runner.full_name)


def _listed(texts: Sequence[str], most: int) -> str:
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def _days(days: float) -> str:
    return "less than a day" if days < 1 else _number(round(days), "day", "days")


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
