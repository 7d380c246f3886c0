"""Problems of the files of a repository at one commit, with the commit at which they appeared.

They are found in `file.py`, `inputs.py` and `apply_paths.py`, and `rows.py` makes rows of them.
"""

import datetime
from collections.abc import Iterable
from typing import NamedTuple

from kubestats_pipeline.git.history import Commit
from kubestats_pipeline.scan.documents.file import PROBLEMS, Problem


class OpenProblem(NamedTuple):
    """A problem of a file that is there at the current commit."""

    path: str
    problem: str
    message: str
    document_index: int | None
    commit_sha: str
    first_seen_at: datetime.datetime


OpenProblems = dict[tuple[str, str], OpenProblem]
"""By path and class. If a file has several of one class, only the first one is kept."""


def record_problems(known: OpenProblems, path: str, found: Iterable[Problem], commit: Commit) -> None:
    """Replace the problems of a file in `known`. A class of problems that it had before keeps its first commit."""
    former = {name: known.pop((path, name)) for name in PROBLEMS if (path, name) in known}
    for problem in found:
        first = former.get(problem.problem)
        sha, at = (first.commit_sha, first.first_seen_at) if first else (commit.sha, commit.committed_at)
        opened = OpenProblem(path, problem.problem, problem.message, problem.document_index, sha, at)
        known.setdefault((path, problem.problem), opened)
