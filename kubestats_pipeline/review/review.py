"""One review: the changes of a range in a clone, the answers of a published file, and the rules that hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.review.changes import find_changes
from kubestats_pipeline.review.clone import Range, find_range
from kubestats_pipeline.review.ecosystem import ask_ecosystem
from kubestats_pipeline.review.markdown import render
from kubestats_pipeline.review.rules import find_held
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.uses import CommitUses, read_uses


@dataclass(frozen=True)
class Review:
    """The review as Markdown, and the names of the rules that hold."""

    markdown: str
    held: tuple[str, ...]


def review_range(clone: Path, text: str, published: Path, rules: Sequence[str], bounds: Bounds) -> Review:
    """Review the range `text` of a clone with what a published file knows. The clone is only read.

    Raises:
        ReviewError: the clone or the range is wrong.
        UnusableFileError: the published file is missing, damaged or of another version.
        GitError: git cannot read one of the commits.
    """
    found = find_range(clone, text)
    commits = [found.base, found.head]
    before, after = read_uses(found.git_folder, commits, _repository(found), bounds)
    changes = find_changes(before, after)
    ecosystem = ask_ecosystem(published, changes)
    held = find_held(rules, changes, ecosystem.receptions)
    markdown = render(changes, ecosystem, held, _new_problems(before, after))
    return Review(markdown, tuple(dict.fromkeys(name for name, _ in held)))


def _repository(found: Range) -> Repository:
    """The clone as the scanner knows repositories. Its ids are compared among themselves alone."""
    return Repository("review", "review", "local", "", "review", found.origin)


def _new_problems(before: CommitUses, after: CommitUses) -> list[str]:
    """Files that could be read before, with what is wrong with them now."""
    known = {(row["file_path"], row["problem"]) for row in before.problems}
    return sorted(
        f"{row['file_path']} ({row['problem']})"
        for row in after.problems
        if (row["file_path"], row["problem"]) not in known
    )
