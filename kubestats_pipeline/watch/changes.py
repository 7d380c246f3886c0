"""Changes of watched things, found in the published file.

A question is one thing and one sort of change of it: the answer is all such changes that the file knows, however old.
`telling.py` decides which of them are news. The same change has the same id in every publication: it is made of the
repository's identity, the commit and what changed, as the ids of events are.
"""

import datetime
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from kubestats_pipeline.ask.published import open_closed
from kubestats_pipeline.setting_sections import WatchRule

OF_REPOSITORIES = {"changed": "repository_changed", "gone": "repository_gone"}
"""Queries for what a whole repository does. All other changes are of what it runs."""


@dataclass(frozen=True, order=True)
class Question:
    """One thing that is watched, and the change of it that is asked for.

    Attributes:
        kind: chart, app, image or repository.
        name: in lower case, because none of them is told apart by it.
        what: rolled_back, new_major, gone or changed.
    """

    kind: str
    name: str
    what: str

    @property
    def key(self) -> str:
        """The text by which it is remembered."""
        return f"{self.kind} {self.name} {self.what}"


@dataclass(frozen=True)
class WatchedChange:
    """One change that was found. Texts are strangers'.

    Attributes:
        kind: kind of the question that found it.
        change: rolled_back, changed, new_major, first_major (of all repositories), gone, commit or retired.
        commit_sha: the commit, or empty where none made it.
        changed_at: committer time, or when the repository was retired.
        subject: chart, app or image, or what the commit changed, or why the repository was retired.
        address: canonical location of a chart's family, or None.
        uses: releases and workloads that changed so, or resources.
        major: the major version that is new, or None.
        html_url: the repository's page for people, or None.
        is_history: the repository was discovered later.
    """

    kind: str
    change: str
    repository_id: str
    commit_sha: str
    changed_at: datetime.datetime
    subject: str
    address: str | None
    version_before: str | None
    version_after: str | None
    uses: int
    major: int | None
    full_name: str
    html_url: str | None
    is_history: bool

    @functools.cached_property
    def change_id(self) -> str:
        """The id of the change. A return is a step too, and has one id whichever question found it."""
        if self.change == "first_major":  # the first one is another one where an older history is found
            parts: tuple[object, ...] = (self.change, self.subject, self.address, self.major)
        else:
            sort = "changed" if self.change == "rolled_back" else self.change
            versions = self.version_before, self.version_after
            parts = (sort, self.repository_id, self.commit_sha, self.subject, self.address, *versions)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Answers:
    """The changes by question, the newest first, and the things that nothing in the published file is called by."""

    changes: Mapping[Question, list[WatchedChange]]
    unknown: tuple[str, ...]


def questions_of(rules: Iterable[WatchRule]) -> list[Question]:
    """All questions of some rules, each once."""
    subjects = ((*rule.subject, what) for rule in rules for what in rule.what)
    return sorted({Question(kind, name.lower(), what) for kind, name, what in subjects})


def find_changes(published: Path, questions: Iterable[Question]) -> Answers:
    """Ask the published file.

    Raises:
        UnusableFileError: the file is missing, damaged or of another version.
    """
    changes, unknown = dict[Question, list[WatchedChange]](), list[str]()
    things = dict[tuple[str, str], list[Question]]()
    for question in questions:
        things.setdefault((question.kind, question.name), []).append(question)
    connection, _ = open_closed(published)
    with connection:
        for (kind, name), asked in things.items():
            called = _gather_spans(connection, kind, name)
            if called is None:
                unknown.append(f"{kind} {name}")
            for question in asked:
                changes[question] = list(_answer(connection, question, called)) if called else []
    return Answers(changes, tuple(unknown))


def _gather_spans(connection: duckdb.DuckDBPyConnection, kind: str, name: str) -> str | None:
    """Fill `watched_spans`. Give what the thing is called by in queries, or None where nothing is called so."""
    called = name
    if kind == "repository":
        found = connection.execute(_query("called"), {"name": name}).fetchone()
        if found is None:
            return None
        called = found[0]
    _fill(connection, "watched_spans", f"spans/{kind}", called=called)
    (is_known,) = connection.execute("SELECT count(*) > 0 FROM watched_spans").fetchone() or (False,)
    return called if is_known or kind == "repository" else None


def _answer(connection: duckdb.DuckDBPyConnection, question: Question, called: str) -> Iterator[WatchedChange]:
    if question.kind == "repository" and question.what in OF_REPOSITORIES:
        _fill(connection, "watched_changes", OF_REPOSITORIES[question.what], called=called)
    elif question.what == "gone":
        _fill(connection, "watched_changes", "gone")
    else:
        _fill(connection, "watched_changes", "steps", kind=question.kind, what=question.what)
    for row in connection.execute(_query("described")).fetchall():
        yield WatchedChange(question.kind, *row)


def _fill(connection: duckdb.DuckDBPyConnection, table: str, query: str, **values: Any) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS\n{_query(query)}", values or None)


@functools.cache
def _query(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
