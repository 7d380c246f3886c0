"""A lake that changes as a real one does: scans of new commits, renames, decisions, retention, new days of metrics.

Several repositories are scanned from the same few histories, each at a commit of its own, so that they share charts,
images and settings.
"""

import datetime
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from kubestats_pipeline.lake.contract import Partitioning
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS, SCANS, SNAPSHOTS, TABLES
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.scan import scan_repository
from kubestats_pipeline.scan.store.retire import retire_all
from kubestats_pipeline.setting_sections import RetentionSettings
from kubestats_pipeline.warehouse.changes import PASSING
from kubestats_pipeline_tests.warehouse.small_lake import metrics, repository, snapshot

NOW = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)


@dataclass
class ChangingLake:
    """Some repositories and the commit at which each is.

    Attributes:
        histories: bare repositories on this disk.
        rows: rows of `repositories`.
        places: the number of the first-parent commit, from the oldest, at which each repository is.
    """

    lake: Lake
    histories: Sequence[Path]
    draw: random.Random
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    day: int = 0

    def add(self) -> None:
        """A repository joins, and is scanned up to some commit."""
        number = len(self.rows) + 1
        self.rows[number] = repository(number, f"owner{number % 3}/cluster{number}", topics=["kubesearch"])
        self.places[number] = -1
        self._save()
        self.push(number)

    def push(self, number: int, *, to_end: bool = False) -> None:
        """Some commits more, or all."""
        commits = self._commits(number)
        last = len(commits) - 1
        self.places[number] = last if to_end else min(self.places[number] + self.draw.randint(1, last // 2), last)
        self._scan(number, commits[self.places[number]])

    def rewrite(self, number: int) -> None:
        """The history goes back to an earlier commit, as after a forced push."""
        self.places[number] = self.draw.randrange(len(self._commits(number)))
        self._scan(number, self._commits(number)[self.places[number]])

    def sweep(self) -> None:
        """Everything was looked at, and nothing has changed."""
        self.day += 1
        for row in self.rows.values():
            for table in (SNAPSHOTS, SCANS):
                found = self.lake.read(table, row["full_name"])
                if found is None:
                    continue
                looked = found.rows.with_columns(
                    self._another(found.rows.schema[name]).alias(name) for name in PASSING[table.name]
                )
                self.lake.write(table, row["full_name"], looked, found.metadata)
            for name in PASSING[REPOSITORIES.name]:
                row[name] = NOW + datetime.timedelta(minutes=self.day)
        self._save()

    def _another(self, kind: pl.DataType) -> pl.Expr:
        """Another value of a column that only says how a look ended."""
        if kind == pl.String:
            return pl.lit(f"look {self.day}")
        return pl.lit(self.day if kind.is_integer() else NOW + datetime.timedelta(minutes=self.day)).cast(kind)

    def measure(self) -> None:
        """A day of metrics, in which some have more stars."""
        self.day += 1
        date = NOW.date() + datetime.timedelta(days=self.day)
        rows = [
            metrics(number, NOW.date(), stars_count=self.draw.randrange(5)) | {"date": date} for number in self.rows
        ]
        self.lake.write(REPOSITORY_METRICS, date, rows)

    def describe(self, number: int) -> None:
        """The owner changes the description."""
        self.rows[number]["description"] = f"my cluster {self.draw.random()}"
        self._save()

    def block(self, number: int) -> None:
        """The administrator decides about it, or takes that back."""
        self.rows[number]["status"] = "blocked" if self.rows[number]["status"] == "active" else "active"
        self._save()

    def remove(self, number: int) -> None:
        """Everything about it goes."""
        for table in TABLES.values():
            if table.partitioning is Partitioning.REPOSITORY:
                self.lake.delete(table, self.rows[number]["full_name"])
        self.places[number] = -1
        self.rows[number]["status"] = "retired"
        self._save()

    def retire(self) -> None:
        """Retention takes old events out of all logs."""
        newest = NOW.date() - datetime.timedelta(days=self.draw.randrange(30, 200))
        list(retire_all(self.lake, RetentionSettings(event_days=30), newest))

    def _save(self) -> None:
        self.lake.write(REPOSITORIES, None, list(self.rows.values()))

    def _commits(self, number: int) -> list[str]:
        bare = self.histories[number % len(self.histories)]
        command = ["git", "-C", str(bare), "rev-list", "--first-parent", "--reverse", "HEAD"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    def _scan(self, number: int, head: str) -> None:
        row = self.rows[number]
        known = Repository(row["repository_id"], row["full_name"], "github.com", *row["full_name"].split("/"), "")
        mirror = self.lake.layout.mirror("github.com", known.owner, known.name)
        if not mirror.is_symlink():
            mirror.parent.mkdir(parents=True, exist_ok=True)
            mirror.symlink_to(self.histories[number % len(self.histories)])
        committed = subprocess.run(
            ["git", "-C", str(mirror), "log", "-1", "--format=%cI", head], check=True, capture_output=True, text=True
        ).stdout.strip()
        moment = datetime.datetime.fromisoformat(committed)
        self.lake.write(
            SNAPSHOTS, known.full_name, [snapshot(number, known.full_name, head_commit=head, head_committed_at=moment)]
        )
        scan_repository(
            ScanJob(
                layout=self.lake.layout, repository=known, head=head, history_since=None, started_at=NOW, run_id="run"
            )
        )
