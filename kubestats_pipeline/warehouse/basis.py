"""The basis that the published file was built from, by which a publication that would show nothing new is left out.

A build notes what decides its content: the code, the settings, and for each table the stamps of its files. Files that
every discovery and sync writes anew are noted by their content instead, without the columns of `LAST_LOOKS`: those say
when somebody last looked, and alone make no publication. So the published file may give them `LEFT_FOR` too early.

Stamps are those of this machine's files, so that the note is one of its caches: it says nothing to another machine.

`built_from.py` keeps the files one by one, for a build of what has changed. This note is small and needs no DuckDB.

Whatever cannot be read or compared counts as another basis: a build too many costs seconds, one too few hides rows.
"""

import datetime
import functools
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import polars as pl

from kubestats_pipeline.lake.contract import Partitioning, Table
from kubestats_pipeline.lake.frames import parquet_schema
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS, REPOSITORIES, REPOSITORY_METRICS, SNAPSHOTS, TABLES
from kubestats_pipeline.storage.folder import FolderStore, Stamp
from kubestats_pipeline.warehouse.sources import Sources, WarehouseError, find_sources

PACKAGE = Path(__file__).parents[1]

_RULES = ""
"""The key of the digest that is of no table."""

LEFT_FOR = datetime.timedelta(hours=6)
"""The longest that the file is left as it is: a quarter of the age from which the checks of freshness warn."""

LAST_LOOKS: Mapping[str, Mapping[str, pl.Expr | None]] = {
    REPOSITORIES.name: {"last_seen_at": None},
    REPOSITORY_METRICS.name: {"recorded_at": None},
    SNAPSHOTS.name: {
        "last_sync_at": None,
        "sync_run_id": None,
        "sync_status": pl.col("sync_status").replace("unchanged", "synced"),
        "consecutive_failures": pl.col("consecutive_failures") > 0,
        "next_attempt_at": None,
    },
    ECOSYSTEM_STATS.name: {},
}
"""The tables that are written though nothing is new, with their columns that do not count, or what of them counts.

The first sync after a change says `unchanged` where that of the change said `synced`: both say that all is well. One
that fails as the last one did only counts on.
"""


@dataclass(frozen=True)
class Basis:
    """The content that a build reads.

    Attributes:
        sources: the files of the lake.
        digests: of the code and the rule together, and of each table by its name.
    """

    sources: Sources
    digests: Mapping[str, str]

    @property
    def rules(self) -> str:
        """The digest of the code and the rule."""
        return self.digests[_RULES]


def read_basis(lake: Lake, publish_values: str) -> Basis:
    """The basis of a build that would begin now.

    Args:
        lake: the tables.
        publish_values: the rule by which values of settings are published.

    Raises:
        WarehouseError: one of several files of a log is damaged.
    """
    sources = find_sources(lake, tuple(TABLES.values()))
    tables = {table.name: _digest_table(lake, table, sources[table.name]) for table in TABLES.values()}
    return Basis(sources, {_RULES: _digest([_digest_code(), publish_values]), **tables})


def note_basis(lake: Lake, basis: Basis, built_at: datetime.datetime, published: Stamp) -> None:
    """Note the basis of the file just published, or nothing where a table of `LAST_LOOKS` was written to meanwhile.

    Its content may have gone and come back then, with the build between. `published` is the stamp of the file that this
    process has put in place: by now it may be another one's, of a build that began earlier.

    Raises:
        OSError: the disk is full or read-only.
    """
    lake.layout.basis.unlink(missing_ok=True)
    restless = {name: basis.sources[name] for name in LAST_LOOKS}
    if restless != find_sources(lake, [TABLES[name] for name in LAST_LOOKS]):
        return
    note = {"file": published, "built_at": built_at.isoformat(), "digests": basis.digests}
    _note(lake.layout.basis, note)


def is_current(lake: Lake, publish_values: str, now: datetime.datetime) -> bool:
    """True if a build would now publish what is published, but for `LAST_LOOKS`, and the file is not too old."""
    try:
        note = json.loads(lake.layout.basis.read_bytes())
        age = now - datetime.datetime.fromisoformat(note["built_at"])
        if tuple(note["file"]) != Stamp.of(lake.layout.warehouse.stat()) or not datetime.timedelta() <= age < LEFT_FOR:
            return False
        return bool(note["digests"] == read_basis(lake, publish_values).digests)
    except (OSError, ValueError, KeyError, TypeError, WarehouseError):
        return False


def confirm_basis(lake: Lake) -> None:
    """Remember that the published file was seen to be current, by the time of its note."""
    lake.layout.basis.touch()


def note_statistics(lake: Lake, before: Basis, day: datetime.date) -> None:
    """Note from what the statistics up to a day were computed, or nothing where a table was written to meanwhile.

    Args:
        lake: the tables, with the statistics.
        before: the basis that was read before they were computed.
        day: the last day.

    Raises:
        OSError: the disk is full or read-only.
        WarehouseError: one of several files of a log is damaged.
    """
    lake.layout.statistics_basis.unlink(missing_ok=True)
    after = read_basis(lake, "")
    if any(before.sources[name] != after.sources[name] for name in TABLES if name != ECOSYSTEM_STATS.name):
        return
    note = {"day": day.isoformat(), "digests": after.digests}
    _note(lake.layout.statistics_basis, note)


def has_statistics(lake: Lake, day: datetime.date) -> bool:
    """True if computing the statistics up to a day again would give the rows that are there."""
    try:
        note = json.loads(lake.layout.statistics_basis.read_bytes())
        return bool(note == {"day": day.isoformat(), "digests": dict(read_basis(lake, "").digests)})
    except (OSError, ValueError, WarehouseError):
        return False


def _note(path: Path, note: Mapping[str, object]) -> None:
    FolderStore(path.parent).put(path.name, json.dumps(note).encode())


def _digest_table(lake: Lake, table: Table, files: Mapping[str, Stamp]) -> str:
    """The digest of a table's files: of their content where every look writes them, of their stamps elsewhere."""
    stamped = {lake.layout.name_of(Path(path)): stamp for path, stamp in files.items()}
    if table.name not in LAST_LOOKS:
        return _digest(sorted(stamped.items()))
    restless = list(files)[-1:] if table.partitioning is Partitioning.DATE else list(files)  # earlier days are done
    steady = [(name, stamped[name]) for name in sorted({*stamped} - {lake.layout.name_of(Path(p)) for p in restless})]
    return _digest([*steady, _read_content(table, restless)])


def _read_content(table: Table, files: Sequence[str]) -> str:
    """The rows of some files in the order of their keys, without the columns that do not count.

    Files that cannot be read equal nothing, so that a build tries them and says what is wrong.
    """
    if not files:
        return ""
    looks = LAST_LOOKS[table.name]
    try:
        rows = pl.read_parquet(
            list(files), hive_partitioning=False, schema=parquet_schema(table), missing_columns="insert"
        )
    except (OSError, pl.exceptions.PolarsError):
        return uuid.uuid4().hex
    kept = rows.with_columns(counted for counted in looks.values() if counted is not None)
    return kept.drop(name for name, counted in looks.items() if counted is None).sort(table.key).write_ndjson()


@functools.cache
def _digest_code() -> str:
    """The digest of this package and of its engine: another version may publish another file."""
    files = sorted(path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return _digest([version("duckdb"), *((path.relative_to(PACKAGE).as_posix(), path.read_bytes()) for path in files)])


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(repr(list(parts)).encode()).hexdigest()[:32]
