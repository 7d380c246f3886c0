"""Every path under the data directory, and how a repository's name becomes a folder's.

Nothing else in the package builds a path below `data_dir`.
"""

import datetime
import functools
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from kubestats_pipeline.storage.names import INDEX

LAKE = "lake"
"""The folder of all tables."""

MOST_NAMES = 20_000
"""Encoded names that are remembered: a sweep asks a dozen times for that of each repository."""

SAFE = "-_.~@+"
"""Characters of a repository's name that are kept in a folder's name. All others are percent-encoded."""


@dataclass(frozen=True)
class Layout:
    """The data directory of one installation.

    Attributes:
        data_dir: the absolute path of the `data_dir` setting.
        lake_url: the bucket of which all that is known below it is a copy. Empty where the files are all there is.
    """

    data_dir: Path
    lake_url: str = ""

    def name_of(self, path: Path) -> str:
        """The name of a path in the storage: the part below `data_dir`, with "/" between its parts."""
        return path.relative_to(self.data_dir).as_posix()

    @property
    def lake(self) -> Path:
        """The Parquet tables."""
        return self.data_dir / LAKE

    @property
    def redacted_by(self) -> Path:
        """The rules by which everything in the lake has been redacted, in a file that is backed up with the lake."""
        return self.lake / "redacted_by"

    @property
    def redaction_lock(self) -> Path:
        """The lock of a process that redacts the files of earlier versions."""
        return self.data_dir / "locks" / "redaction"

    @property
    def warehouse(self) -> Path:
        """The published DuckDB file."""
        return self.data_dir / "kubestats.duckdb"

    @property
    def basis(self) -> Path:
        """A note of what the published DuckDB file was built from. Without it the next publication builds it anew."""
        return self.data_dir / "kubestats.basis.json"

    @property
    def replica(self) -> Path:
        """The versions of the objects of a bucket that lie here. Without it they are asked for and compared again."""
        return self.data_dir / INDEX

    @property
    def built_from(self) -> Path:
        """The files that the published DuckDB file was built from. Without it the next build is a whole one."""
        return self.data_dir / "kubestats.built_from.duckdb"

    @property
    def statistics_basis(self) -> Path:
        """A note of what the daily statistics were last computed from. Without it they are computed again."""
        return self.data_dir / "statistics.basis.json"

    @property
    def told(self) -> Path:
        """A note of the changes that were told to the receivers of `watch`. Without it they are watched from now on."""
        return self.data_dir / "watch.told.json"

    @property
    def told_lock(self) -> Path:
        """The lock of a process that tells receivers."""
        return self.data_dir / "locks" / "watch"

    @property
    def report(self) -> Path:
        """The published pages, a link to a folder beside it."""
        return self.data_dir / "report"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.data_dir / "dagster"

    @property
    def dagster_configuration(self) -> Path:
        """Dagster's settings, which are the administrator's to edit."""
        return self.dagster_home / "dagster.yaml"

    @property
    def sample(self) -> Path:
        """The demo's git repositories."""
        return self.data_dir / "sample"

    @property
    def mirrors(self) -> Path:
        """The folder of all mirrors."""
        return self.data_dir / "git"

    @property
    def http(self) -> Path:
        """Answers of code hosts, remembered so that they can be confirmed. The folder may be deleted at any time."""
        return self.data_dir / "http"

    @property
    def decisions(self) -> Path:
        """The administrator's decisions about repositories."""
        return self.data_dir / "decisions.yaml"

    @property
    def register_lock(self) -> Path:
        """The lock of a process that replaces the table of repositories."""
        return self.data_dir / "locks" / "repositories"

    @property
    def all_moving(self) -> Path:
        """Where everything waits that moves to another name."""
        return self.data_dir / "moving"

    def moving(self, repository_id: str) -> Path:
        """Where a repository's partitions and mirror wait while they move to another name."""
        return self.all_moving / encode_name(repository_id)

    @property
    def archives(self) -> Path:
        """The events of all repositories that retention has taken out of their logs."""
        return self.data_dir / "archive"

    def archive(self, part: str, repository_id: str) -> Path:
        """The folder of one repository's archived events, named by its id because names change."""
        return self.archives / part / f"repository_id={encode_name(repository_id)}"

    @property
    def restoring(self) -> Path:
        """Where a restore collects what it copies, a leftover where it was killed."""
        return self.data_dir / ".restore.tmp"

    @property
    def restored(self) -> Path:
        """A restore's complete copy, while its parts go to their places."""
        return self.data_dir / ".restore"

    @property
    def restore_lock(self) -> Path:
        """The lock of a process that restores a backup."""
        return self.data_dir / "locks" / "restore"

    def scan_lock(self, full_name: str) -> Path:
        """The lock of a process that scans a repository."""
        return self.data_dir / "locks" / encode_name(full_name)

    def table(self, table: str) -> Path:
        """The folder of a partitioned table, or of the single file of an unpartitioned one."""
        return self.lake / table

    def whole_table(self, table: str) -> Path:
        """The file of an unpartitioned table."""
        return self.table(table) / "part.parquet"

    def repository_partition(self, table: str, full_name: str) -> Path:
        """The file of one repository's partition of a table."""
        return self.data_dir / self.repository_name(table, full_name)

    def repository_name(self, table: str, full_name: str) -> str:
        """The name of that file in the storage. It is `name_of` its path, made without the path."""
        return f"{LAKE}/{table}/repository={encode_name(full_name)}/part.parquet"

    def date_partition(self, table: str, date: datetime.date) -> Path:
        """The file of one day's partition of a table."""
        return self.table(table) / f"date={date.isoformat()}" / "part.parquet"

    def year_partition(self, table: str, year: int) -> Path:
        """The file of one year's partition of a table of days."""
        return self.table(table) / f"year={year:04}" / "part.parquet"

    def days_lock(self, table: str) -> Path:
        """The lock of a process that writes a table of days."""
        return self.data_dir / "locks" / table

    def mirror(self, host: str, owner: str, name: str) -> Path:
        """The bare mirror of one repository. Each part is one folder's name whatever characters it holds."""
        parts = [encode_name(part) for part in (host, owner) if part]
        return self.mirrors.joinpath(*parts, f"{encode_name(name)}.git")


@functools.lru_cache(MOST_NAMES)
def encode_name(name: str) -> str:
    """Percent-encode a name so that it is one safe folder name: `owner/name` becomes `owner%2Fname`."""
    encoded = quote(name, safe=SAFE)
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def decode_name(folder: str) -> str:
    """Give back the name that `encode_name` encoded."""
    return unquote(folder)
