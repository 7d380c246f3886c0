"""One answer about a chart, an app, an image, a repository or a text, asked of the published file and shown."""

import csv
import datetime
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from kubestats_pipeline.ask.published import open_closed
from kubestats_pipeline.ask.questions import read_query
from kubestats_pipeline.ask.statements import to_json, told_apart
from kubestats_pipeline.cli.answers.formats import AnswerFormat
from kubestats_pipeline.cli.answers.grid import lay_down, lay_out
from kubestats_pipeline.cli.answers.interrupts import stopping
from kubestats_pipeline.cli.answers.pager import show_lines
from kubestats_pipeline.cli.answers.sections import ANSWERS, Subject, SubjectSection
from kubestats_pipeline.errors import ExplainedError, did_you_mean
from kubestats_pipeline.plain_text import plain, plain_json

PLACES = ("source_url", "file_path")
"""Columns with the place of a document, of which the first known has a line of its own: a cut link leads astray."""

COMMON_VALUES = 3

HEADINGS: Mapping[str, str] = {
    "full_name": "repository",
    "chart_name": "chart",
    "repositories_now": "run it",
    "repositories_ever": "ever ran it",
    "held_by": "held 7 days",
    "gone_back_by": "went back",
    "skipped_by": "skipped",
    "first_seen_at": "first seen",
    "newest_version": "newest",
    "versions_behind": "behind by",
    "majors_behind": "majors",
    "median_versions_behind": "behind by (median)",
    "lag_status": "is",
    "version_before": "from",
    "version_after": "to",
    "author_kind": "by",
    "age_days": "days",
}
"""Columns by other names, where people see them."""


class UnknownNameError(ExplainedError):
    """Nothing is called so. The text names what may be meant."""


@dataclass(frozen=True)
class SectionRows:
    """The rows of a section, all of them, with all their columns."""

    section: SubjectSection
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class SubjectAnswer:
    """All sections about one name.

    Attributes:
        name: as the published file writes it.
        repositories: how many were counted.
        built_at: when the file was built, in UTC.
    """

    name: str
    sections: list[SectionRows]
    repositories: int
    built_at: str


def ask_about(published: Path, subject: Subject, name: str) -> SubjectAnswer:
    """Ask a published file everything that is told about a subject.

    Raises:
        UnusableFileError: the file is missing, damaged or of another version.
        UnknownNameError: nothing is called so.
    """
    connection, built_at = open_closed(published)
    with connection, stopping(connection):
        known = name.strip() if subject == "grep" else _known_name(connection, subject, name.strip())
        sections = [SectionRows(section, _rows(connection, section, known)) for section in ANSWERS[subject].sections]
        (counted,) = connection.execute("SELECT count(*) FROM repositories").fetchone() or (0,)
    if not any(answered.rows for answered in sections):
        raise UnknownNameError(f"no document in scope has a line with {name!r}. Case does not matter, blanks do")
    return SubjectAnswer(known, sections, counted, built_at)


def known_names(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """All names that can be asked for, by their subjects."""
    names = dict[str, list[str]]()
    for subject, name in connection.execute(read_query("names")).fetchall():
        names.setdefault(subject, []).append(name)
    return names


def show_answer(answer: SubjectAnswer, form: AnswerFormat, main: str, most: int, *, paged: bool) -> None:
    """Print an answer: for people its sections with the first rows of each, for programs all rows.

    Args:
        answer: with all rows.
        form: CSV has the rows of one question alone.
        main: that question.
        most: rows of each section that people see, 0 for all.
        paged: a terminal may show a long one through a pager.
    """
    if form is AnswerFormat.JSON:
        sections = {answered.section.question: answered.rows for answered in answer.sections}
        about = {"name": answer.name, "repositories": answer.repositories, "built_at": answer.built_at}
        text = to_json({**about, "sections": sections}, orjson.OPT_INDENT_2)
        sys.stdout.write((plain_json(text) if sys.stdout.isatty() else text) + "\n")
    elif form is AnswerFormat.CSV:
        _write_csv(next(each.rows for each in answer.sections if each.section.question == main))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        show_lines(_lines(answer, most, width), paged=paged)


def _known_name(connection: duckdb.DuckDBPyConnection, subject: Subject, name: str) -> str:
    """The name as it is written there. That of an image may be the last part alone, which several have."""
    names = known_names(connection)
    same = [each for each in names.get(subject, ()) if each.casefold() == name.casefold()]
    if same:
        return name if name in same else same[0]
    if subject != "repo" and any(_is_last_part(name, each) for each in names.get(subject, ())):
        return name
    others = [
        other for other, known in names.items() if other != subject and any(_is_called(name, each) for each in known)
    ]
    if others and subject != "repo":
        calls = " or ".join(f"`kubestats {other} {name}`" for other in others)
        raise UnknownNameError(f"no {subject} is called {name}. Try {calls}")
    near = did_you_mean(name, names.get(subject, ())) or f" `kubestats sql` asks for more: {_NAMES[subject]}"
    raise UnknownNameError(f"no {subject} is called {name}.{near}")


_NAMES: Mapping[str, str] = {
    "chart": '"FROM chart_popularity"',
    "app": '"SELECT DISTINCT app_name FROM releases"',
    "image": '"FROM image_usage"',
    "repo": '"SELECT full_name FROM repositories"',
}


def _is_called(name: str, known: str) -> bool:
    return name.casefold() == known.casefold() or _is_last_part(name, known)


def _is_last_part(name: str, known: str) -> bool:
    return name.casefold() == known.rpartition("/")[2].casefold()


def _rows(connection: duckdb.DuckDBPyConnection, section: SubjectSection, name: str) -> list[dict[str, Any]]:
    cursor = connection.execute(read_query(section.question), {section.given: name, **section.values})
    names = told_apart([column for column, *_ in cursor.description or ()])
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _lines(answer: SubjectAnswer, most: int, width: int | None) -> list[str]:
    lines = list[str]()
    for answered in answer.sections:
        lines += [*_section_lines(answered, most, width), ""]
    counted = f"Counted among {answer.repositories:,} repositories, published {answer.built_at[:16]} UTC."
    return [*lines, f"{counted} Others' are not known here."]


def _section_lines(answered: SectionRows, most: int, width: int | None) -> list[str]:
    section, rows = answered.section, answered.rows[: most or None]
    if not rows:
        return [f"{section.title}: nothing"]
    columns = [name for name in section.columns if any(row[name] not in (None, []) for row in rows)]
    cells = [[_readable(name, row) for name in columns] for row in rows]
    if section.is_record:
        return [section.title, *lay_down(columns, cells, width)[0 if len(rows) > 1 else 1 :]]
    grid = lay_out([HEADINGS.get(name, name) for name in columns], cells, width)
    lines = [section.title, *grid.lines[:2]]
    for row, line in zip(rows, grid.lines[2:], strict=True):
        place = next((row[name] for name in PLACES if name not in columns and row.get(name)), None)
        lines += [line, *([f"  {plain(place)}"] if place else [])]
    if grid.left_out:
        lines.append(f"… no room for {', '.join(grid.left_out)}. A wider terminal or `--format json` shows them")
    if len(rows) < len(answered.rows):
        lines.append(f"… {len(rows):,} of {len(answered.rows):,} rows. `--rows 0` shows all")
    return lines


def _readable(column: str, row: Mapping[str, Any]) -> Any:
    """A value for people: ages that are at least so high say so, and values stand with how many have them."""
    value = row[column]
    if column == "age_days" and row.get("is_lower_bound"):
        return f"≥{value}"
    if column == "common_values":
        return ", ".join(f"{one['value']} ({one['repositories']})" for one in (value or ())[:COMMON_VALUES])
    return value.strftime("%Y-%m-%d") if isinstance(value, datetime.datetime) else value


def _write_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)


def _cell(value: Any) -> Any:
    text = to_json(value) if isinstance(value, list | dict) else value
    return plain(text) if isinstance(text, str) and sys.stdout.isatty() else text
