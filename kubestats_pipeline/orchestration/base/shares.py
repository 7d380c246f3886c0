"""Shares of a sweep: it is split into as many runs as `sync.parallel_runs` and `scan.parallel_runs` say.

A repository is always in the same share, by a hash of its id, so that it stays with the others of its share whoever is
added. A run is told its share in its run config and carries it in a tag, where the next sweep finds it: shares that are
still under way are left out of it, and the others begin. A sweep of one run has neither.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.orchestration.base.activity import active_runs

SHARE_TAG = "kubestats/share"
"""Run tag with the share of a sweep, such as `2/4`."""


@dataclass(frozen=True)
class Share:
    """One of several parts into which all repositories are cut. Written `number/of`, numbers begin with 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Read what was written.

        Raises:
            ValueError: it is not a share. The text says what would be one.
        """
        found = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", text)
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError(f"{text!r} is not a share of a sweep. Give one such as 1/2 or 2/2")
        return cls(int(found[1]), int(found[2]))

    def cut(self, repositories: Iterable[Repository]) -> list[Repository]:
        """Those of the repositories that are in this share."""
        return [each for each in repositories if share_of(each.repository_id, self.of) == self.number]

    def run_config(self, op: str) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
        """The run config by which a run sweeps this share alone."""
        return {"ops": {op: {"config": {"share": str(self)}}}}


def share_of(repository_id: str, shares: int) -> int:
    """The number of the share in which a repository is, from 1 on: the same on every machine and at any time."""
    digest = hashlib.blake2b(repository_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shares + 1


def free_shares(instance: dg.DagsterInstance, job_name: str, asset: str | None, shares: int) -> list[Share]:
    """The shares of a sweep that no run works on. None are free beside a run over all, or one that is cut otherwise."""
    taken = {run.tags.get(SHARE_TAG, "") for run in active_runs(instance, job_name, asset)}
    every = {str(share): share for share in (Share(number, shares) for number in range(1, shares + 1))}
    return [share for text, share in every.items() if text not in taken] if taken <= every.keys() else []
