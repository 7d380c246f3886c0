"""The answers of the published file to a review: who runs the new versions, how long, and who went back from them."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from kubestats_pipeline.ask.published import UnusableFileError, open_closed
from kubestats_pipeline.review.changes import VersionChange


class UserOfVersion(NamedTuple):
    """A repository that runs a version, with its page, or that went back from it after some days to a lower one."""

    full_name: str
    html_url: str | None
    days: float | None = None
    to: str | None = None


@dataclass(frozen=True)
class Reception:
    """How a version was received, as `received.sql` says it."""

    repositories: int
    repositories_now: int
    repositories_ever: int
    held_by: int
    median_days_held: float | None
    first_seen_at: datetime.datetime | None
    gone_back_by: int
    skipped_by: int
    confidence: str | None
    runners: tuple[UserOfVersion, ...]
    returners: tuple[UserOfVersion, ...]


@dataclass(frozen=True)
class Ecosystem:
    """All answers of the published file.

    Attributes:
        receptions: of the version after each change, or None for a change that leaves none.
        repositories: how many repositories were counted.
        built_at: when the file was built, in UTC.
    """

    receptions: tuple[Reception | None, ...]
    repositories: int
    built_at: str


def ask_ecosystem(published: Path, changes: Sequence[VersionChange]) -> Ecosystem:
    """Ask a published file about the versions after some changes.

    Raises:
        UnusableFileError: the file is missing, damaged or of another version.
    """
    if not published.is_file():
        problem = f"no published file at {published}"
        raise UnusableFileError(f"{problem}. Run `kubestats run` first, or name one: --against FILE-or-URL")
    connection, built_at = open_closed(published)
    try:
        query = files(__package__).joinpath("received.sql").read_text(encoding="utf-8")
        cursor = connection.execute(query, _questions(changes))
        names = [name for name, *_ in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        (counted,) = connection.execute("SELECT count(*) FROM repositories").fetchone() or (0,)
    except duckdb.Error:
        raise UnusableFileError(f"{published} is damaged. Publish it anew, or take another copy") from None
    finally:
        connection.close()
    found = {row.pop("number"): _reception(row) for row in rows}
    return Ecosystem(tuple(found.get(number) for number in range(len(changes))), counted, built_at)


def _questions(changes: Sequence[VersionChange]) -> dict[str, list[Any]]:
    asked = [(number, change) for number, change in enumerate(changes) if change.after is not None]
    return {
        "numbers": [number for number, _ in asked],
        "subjects": [change.part.subject for _, change in asked],
        "names": [change.part.name for _, change in asked],
        "urls": [change.part.url for _, change in asked],
        "versions": [change.after for _, change in asked],
    }


def _reception(row: dict[str, Any]) -> Reception:
    for column in ("runners", "returners"):
        row[column] = tuple(UserOfVersion(**each) for each in row[column])
    return Reception(**row)
