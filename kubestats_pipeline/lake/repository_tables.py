"""The tables of one repository, opened once: its partitions, read and written through one object.

A name can change hands, so that the files at a name may still be those of its former repository. One rule holds for the
rows of `snapshots` and `scans`: the row of this repository, or None where another one has written it. The meaning of a
position, an event or a resource belongs to `scan/store/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.event_log import LogWriter
from kubestats_pipeline.lake.event_log_segments import Segment
from kubestats_pipeline.lake.frames import parquet_schema
from kubestats_pipeline.lake.lake import Lake, Partition, writing
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import (
    APPLIED_RESOURCES,
    HELM_VALUES,
    RESOURCES,
    SCAN_PROBLEMS,
    SCANS,
    SNAPSHOTS,
)
from kubestats_pipeline.storage.objects import StaleError

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]] | pl.DataFrame


@dataclass(frozen=True)
class RepositoryTables:
    """All partitions of one repository. Every method raises `LakeError` where a file is damaged or cannot be written.

    Attributes:
        full_name: the key of the partitions.
        repository_id: the repository whose rows are wanted, or None for whichever has written them.
    """

    lake: Lake
    full_name: str
    repository_id: str | None = None

    at_once: Mapping[str, Row] = field(default_factory=dict, compare=False)
    """Rows that `sweep` has read, by their tables."""

    @classmethod
    def sweep(cls, lake: Lake, names: Sequence[tuple[str, str]], tables: Sequence[Table]) -> "list[RepositoryTables]":
        """The tables of many repositories, given by full name and id, with their rows of some tables as they are now.

        Small files that are read one by one cost more than all else of a sweep that finds nothing new. Rows that cannot
        be read with the others are read when they are asked for.
        """
        found = {table.name: _read_at_once(lake, table, names) for table in tables}
        return [
            cls(lake, *name, {table: rows[name] for table, rows in found.items() if name in rows}) for name in names
        ]

    @classmethod
    def of(cls, lake: Lake, repository: Repository) -> "RepositoryTables":
        """The tables of a repository at its present name."""
        return cls(lake, repository.full_name, repository.repository_id)

    def snapshot(self) -> Row | None:
        """The row of `snapshots`, None before the first sync."""
        return self._row(SNAPSHOTS)

    def write_snapshot(self, row: Row) -> None:
        """Replace the row of `snapshots`."""
        self.lake.write(SNAPSHOTS, self.full_name, [row])

    def scan(self) -> Row | None:
        """The row of `scans`, None before the first scan."""
        return self._row(SCANS)

    def write_scan(self, row: Row) -> None:
        """Replace the row of `scans`."""
        self.lake.write(SCANS, self.full_name, [row])

    def position_metadata(self) -> Mapping[str, str] | None:
        """The facts beside the resources, which describe all tables of the scan. None before the first scan."""
        return self.lake.read_metadata(RESOURCES, self.full_name)

    def resources(self) -> Partition | None:
        """The resources and the facts beside them."""
        return self.lake.read(RESOURCES, self.full_name)

    def write_resources(self, rows: Rows, metadata: Mapping[str, str]) -> None:
        """Replace the resources. The position moves with them, therefore all other files are written before."""
        self.lake.write(RESOURCES, self.full_name, rows, metadata)

    def problems(self) -> Partition | None:
        """The open problems."""
        return self.lake.read(SCAN_PROBLEMS, self.full_name)

    def write_problems(self, rows: Rows, metadata: Mapping[str, str]) -> None:
        """Replace the open problems."""
        self.lake.write(SCAN_PROBLEMS, self.full_name, rows, metadata)

    def values(self) -> Partition | None:
        """The Helm values of its releases."""
        return self.lake.read(HELM_VALUES, self.full_name)

    def write_values(self, rows: Rows, metadata: Mapping[str, str]) -> None:
        """Replace the Helm values."""
        self.lake.write(HELM_VALUES, self.full_name, rows, metadata)

    def applied(self) -> Partition | None:
        """The objects that clusters run."""
        return self.lake.read(APPLIED_RESOURCES, self.full_name)

    def applied_metadata(self) -> Mapping[str, str] | None:
        """The facts beside these objects, None where they have no file."""
        return self.lake.read_metadata(APPLIED_RESOURCES, self.full_name)

    def write_applied(self, rows: Rows, metadata: Mapping[str, str]) -> None:
        """Replace the objects that clusters run."""
        self.lake.write(APPLIED_RESOURCES, self.full_name, rows, metadata)

    def event_segments(self, log: Table) -> list[Segment]:
        """The files of a log, in the order of their rows."""
        return self.lake.segments(log, self.full_name)

    def read_events(self, log: Table, segment: Segment) -> pl.DataFrame:
        """The events of one file of a log."""
        return self.lake.read_segment(log, segment)

    def append_events(self, log: Table, position: int) -> LogWriter:
        """Go on with a log from the event of this number. 0 begins a new log."""
        return LogWriter(self.lake, log, self.full_name, position)

    def has(self, table: Table) -> bool:
        """Look for a partition without reading it."""
        return self.lake.exists(table, self.full_name)

    def bring_up_to_date(self) -> None:
        """Look again where another machine has moved the position since the stage began.

        Raises:
            StoreError: the bucket does not work.
        """
        if not self._is_current():
            self.lake.storage.pull()

    def refuse_stale(self) -> None:
        """Look if the position is still the one that this machine knows, before anything is written.

        Raises:
            ConflictError: another machine has moved it.
            LakeError: the bucket does not work.
        """
        with writing(self.lake.path(RESOURCES, self.full_name)):
            if not self._is_current():
                raise StaleError(f"{self.full_name} was scanned by another machine")

    def _is_current(self) -> bool:
        return self.lake.storage.is_current(self.lake.name(RESOURCES, self.full_name))

    def _row(self, table: Table) -> Row | None:
        if table.name in self.at_once:
            return self.at_once[table.name]
        partition = self.lake.read(table, self.full_name)
        rows = partition.rows.iter_rows(named=True) if partition else iter(())
        return next((row for row in rows if self.repository_id in (None, row["repository_id"])), None)


def _read_at_once(lake: Lake, table: Table, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """The rows of many repositories of a table. Nothing where a file is damaged or of another version."""
    paths = {str(lake.path(table, full_name)): full_name for full_name, _ in names if lake.exists(table, full_name)}
    if not paths:
        return {}
    schema, place = parquet_schema(table), "read from"
    try:
        rows = pl.read_parquet(list(paths), hive_partitioning=False, schema=schema, include_file_paths=place)
    except (OSError, pl.exceptions.PolarsError):
        return {}
    each = rows.iter_rows(named=True)
    return {(paths[row.pop(place)], row["repository_id"]): row for row in each}
