"""Redacts files that earlier versions wrote, in place and once for each set of rules.

A scan reads again what a mirror still holds. Nothing but this reaches the rest: events that are older than the mirror,
those of repositories that are gone, blocked or retired, the archive, and rows of discovery and sync. It goes file by
file, with one in memory, and does not write a file without secrets. Files are replaced by renaming, and a mark in the
lake that names the rules is written last, so that a process that is killed does the rest at its next start.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from kubestats_pipeline.lake.contract import Partitioning, Table
from kubestats_pipeline.lake.lake import Lake, LakeError, read_file, replace_file, writing
from kubestats_pipeline.lake.paths import decode_name
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS, REPOSITORIES, RESOURCE_EVENTS, RESOURCES, TABLES
from kubestats_pipeline.locks import BusyError, locked
from kubestats_pipeline.redaction import forms, secrets, words
from kubestats_pipeline.scan.store.retention import Part
from kubestats_pipeline.scan.store.scanner_version import SCANNER_VERSION
from kubestats_pipeline.upgrade.hashes import NEEDED, in_step, true_hashes
from kubestats_pipeline.upgrade.metadata import redact_metadata
from kubestats_pipeline.upgrade.rows import redact_rows

_REMEDY = "Restore them from a backup, or delete them and run again: the next run rebuilds them"

_ARCHIVED = re.compile(r"/repository_id=[^/]+/before=[^/]+/part-[^/]+\.parquet$")

LOCK_SECONDS = 600
"""How long it waits for a scan of a repository, or for another process that redacts the lake."""


@dataclass(frozen=True)
class Redacted:
    """The values that were taken out of data that earlier versions have left.

    Attributes:
        values: how many values, by table. Those of the archive count as events.
        failures: files that could not be redacted, and why. The next start tries again.
    """

    values: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """One line about it."""
        tables = ", ".join(f"{count} in {table}" for table, count in sorted(self.values.items()))
        return f"{sum(self.values.values())} values that earlier versions had stored were withheld: {tables}"


def rules() -> str:
    """The rules of this version: the scanner's, and a digest of their tables, so that neither can be forgotten."""
    tables = [secrets.SHAPES, forms.FORMS, *(each for name, each in sorted(vars(words).items()) if name.isupper())]
    return f"{SCANNER_VERSION} {hashlib.sha256(repr(tables).encode()).hexdigest()[:16]}"


def is_redacted(lake: Lake) -> bool:
    """True where the lake was redacted by these rules, or by those of a later version, which knows more."""
    try:
        with lake.storage.read(lake.layout.name_of(lake.layout.redacted_by)) as file:
            mark = file.read().decode()
    except FileNotFoundError:
        return False
    version = mark.partition(" ")[0]
    return mark == rules() or (version.isdecimal() and int(version) > int(SCANNER_VERSION))


def redact_lake(lake: Lake) -> Redacted:
    """Redact what is there, unless it was done before. A new lake is only marked.

    Raises:
        BusyError: another process has been at it for long.
        LakeError: the mark cannot be written.
    """
    with locked(lake.layout.redaction_lock, LOCK_SECONDS):
        if is_redacted(lake):
            return Redacted()
        done = _Redaction(lake)
        done.redact_all()
        if lake.layout.warehouse.exists():
            _replace_published(lake)
        if not done.failures:
            _write_mark(lake)
        return Redacted({name: count for name, count in done.values.items() if count}, done.failures)


def _replace_published(lake: Lake) -> None:
    """Build the published file anew. Where it cannot be built now it is removed, because the old file is the leak
    itself.
    """
    from kubestats_pipeline.warehouse.build import build_warehouse  # duckdb: only an upgrade pays for it
    from kubestats_pipeline.warehouse.sources import WarehouseError

    try:
        build_warehouse(lake, "strict", whole=True)  # the settings may ask for it. The next publication goes by them
    except WarehouseError:  # the next publication says what is wrong
        lake.layout.warehouse.unlink(missing_ok=True)


def _write_mark(lake: Lake) -> None:
    with writing(lake.layout.redacted_by):
        lake.storage.put(lake.layout.name_of(lake.layout.redacted_by), rules().encode())


class _Redaction:
    """One pass over all files."""

    def __init__(self, lake: Lake) -> None:
        self._lake, self._layout, self._storage = lake, lake.layout, lake.storage
        self._done: set[str] = set()
        self.values: Counter[str] = Counter()
        self.failures: dict[str, str] = {}

    def redact_all(self) -> None:
        """Whole tables and days first, then repository by repository, then what belongs to none of them."""
        locks = {
            REPOSITORIES.name: self._layout.register_lock,
            ECOSYSTEM_STATS.name: self._layout.days_lock(ECOSYSTEM_STATS.name),
        }
        for table in TABLES.values():
            if table.partitioning is not Partitioning.REPOSITORY:
                names = [self._lake.name(table, key) for key in self._lake.partitions(table)]
                self._guarded(table.name, locks.get(table.name), self._files, table, names)
        tables = self._layout.name_of(self._layout.lake)
        for folder in self._below(tables, 1):
            if folder.startswith("repository="):
                full_name = decode_name(folder.removeprefix("repository="))
                self._guarded(full_name, self._layout.scan_lock(full_name), self._repository, tables, f"{folder}/")
        moving = self._layout.name_of(self._layout.all_moving)
        for waiting in self._below(moving, 0):
            self._guarded(waiting, None, self._repository, f"{moving}/{waiting}", "")
        for name in self._storage.list(f"{self._layout.name_of(self._layout.archives)}/"):
            if _ARCHIVED.search(name):
                self._guarded(name, None, self._files, RESOURCE_EVENTS, [name])

    def _below(self, prefix: str, depth: int) -> list[str]:
        """The folders that lie so deep below a prefix, by their own names."""
        parts = (name.removeprefix(f"{prefix}/").split("/") for name in self._storage.list(f"{prefix}/"))
        return sorted({path[depth] for path in parts if len(path) > depth + 1})

    def _guarded(self, subject: str, guarded: Path | None, work: Callable[..., None], *arguments: object) -> None:
        """Do a part of the work with its lock held. A part that fails does not keep the others from theirs."""
        try:
            if guarded is None:
                work(*arguments)
            else:
                with locked(guarded, LOCK_SECONDS):
                    work(*arguments)
        except (LakeError, BusyError, OSError) as error:
            self.failures[subject] = str(error)
        except (ValueError, LookupError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
            problem = f"its files hold what no version writes ({type(error).__name__}). {_REMEDY}"
            self.failures[subject] = problem

    def _files(self, table: Table, names: Iterable[str]) -> None:
        for name in sorted(set(names) - self._done):
            self._done.add(name)
            rows, metadata = read_file(self._storage, name)
            redacted, count = redact_rows(table, rows)
            texts, more = redact_metadata(metadata)
            if count + more:
                replace_file(self._storage, name, redacted, texts)
                self.values[table.name] += count + more

    def _repository(self, parent: str, folder: str) -> None:
        """The files of one repository, its archive among them, and the hashes of its events afterwards."""
        for name, table in TABLES.items():
            self._files(table, self._parts(f"{parent}/{name}/{folder}"))
        log = self._parts(f"{parent}/{RESOURCE_EVENTS.name}/{folder}")
        frames = self._columns(log, "repository_id")
        owners = sorted({owner for rows in frames for owner in rows["repository_id"].unique()})
        whole, payloads = ([name for owner in owners for name in self._archived(part, owner)] for part in Part)
        self._files(RESOURCE_EVENTS, [*whole, *payloads])
        if log:
            active = self._active(f"{parent}/{RESOURCES.name}/{folder}part.parquet")
            hashes = true_hashes([*self._needed([*whole, *log])], [*self._needed(payloads)], active)
            for name in (*whole, *payloads, *log):
                self._renew_hashes(name, hashes)

    def _parts(self, prefix: str) -> list[str]:
        """The Parquet files of a partition."""
        return [name for name in self._storage.list(f"{prefix}part") if name.endswith(".parquet")]

    def _archived(self, part: Part, repository_id: str) -> list[str]:
        folder = self._layout.name_of(self._layout.archive(part.value, repository_id))
        return [name for name in self._storage.list(f"{folder}/") if _ARCHIVED.search(name)]

    def _columns(self, names: Iterable[str], *columns: str) -> Iterator[pl.DataFrame]:
        for path in map(self._storage.local_path, names):
            yield pl.read_parquet(path, columns=list(columns), hive_partitioning=False)

    def _needed(self, names: Iterable[str]) -> Iterator[pl.DataFrame]:
        """Ids and hashes of events, with an empty text in place of each document."""
        has_document = pl.when(pl.col("resource_data").is_not_null()).then(pl.lit("")).alias("resource_data")
        return (rows.with_columns(has_document) for rows in self._columns(names, *NEEDED))

    def _active(self, name: str) -> pl.DataFrame:
        """Ids and hashes of the active resources, empty where their file is lost."""
        columns = ("resource_id", "content_hash")
        if not self._storage.exists(name):
            return pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
        (rows,) = self._columns([name], *columns, "status")
        return rows.filter(pl.col("status") == "ACTIVE").select(columns).unique("resource_id")

    def _renew_hashes(self, name: str, hashes: pl.DataFrame) -> None:
        rows, metadata = read_file(self._storage, name)
        renewed = in_step(rows, hashes)
        if not renewed.equals(rows):
            replace_file(self._storage, name, renewed, metadata)
