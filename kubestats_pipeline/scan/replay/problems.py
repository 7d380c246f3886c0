"""Problems of the files of a repository at one commit, with the commit at which they appeared.

They are found in `file.py`, `inputs.py` and `clusters.py`, and `rows.py` makes rows of them.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kubestats_pipeline.git.history import Commit
from kubestats_pipeline.scan.documents.file import PROBLEMS, Problem
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.manifests.identity import Identity, order_of


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


class TooComplex:
    """The resources whose variables are too complex to be replaced, with the reason of each."""

    def __init__(self) -> None:
        self._reasons: dict[Identity, str] = {}

    def replace(self, changed: Mapping[Identity, Resolved]) -> set[str]:
        """Take in changed resolutions, and return the files whose problems may change."""
        former = set(self._reasons)
        for identity, resolved in changed.items():
            if resolved.too_complex is not None:
                self._reasons[identity] = resolved.too_complex
            else:
                self._reasons.pop(identity, None)
        return {identity.path for identity in former | self._reasons.keys()}

    def forget(self, removed: Iterable[Identity]) -> None:
        """Forget resources that are gone."""
        for identity in removed:
            self._reasons.pop(identity, None)

    def problems(self, declared: Iterable[Identity]) -> Iterator[Problem]:
        """The problems of the resources of one file."""
        for identity in sorted(self._reasons.keys() & declared, key=order_of) if self._reasons else ():
            yield Problem("too_complex", self._reasons[identity])
