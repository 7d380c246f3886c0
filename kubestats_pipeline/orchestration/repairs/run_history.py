"""Takes old runs out of Dagster's storage, which keeps all of them for ever, and gives their space back.

Dagster forgets with a run what the run materialized. So the newest materialization of each partition is first recorded
again, by the run that cleans up, with the time when it was first recorded. And a run that holds the newest
materialization of an asset without partitions stays. On SQLite Dagster leaves a run's own file behind: it goes here.
"""

import datetime
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from kubestats_pipeline.clean.removed import Removed, remove_paths, size_of

WHAT = "old runs of Dagster"
FREED = "unused space in Dagster's storage"

FIRST_RECORDED = "first_recorded"
"""Metadata of a materialization that was recorded again: when it was recorded first."""

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
DATA_VERSION = "dagster/data_version"

RECORDS_AT_ONCE = 500

WORTH_PACKING = 0.25
"""Share of unused pages from which a database is packed."""


def outdated_materializations(
    instance: dg.DagsterInstance, before: datetime.datetime
) -> Iterator[dg.AssetMaterialization]:
    """For every partition of any asset whose newest materialization is older, the same to be recorded again."""
    for key in instance.get_asset_keys():
        newest = instance.event_log_storage.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        numbers = sorted(newest.values())
        for start in range(0, len(numbers), RECORDS_AT_ONCE):
            chosen = numbers[start : start + RECORDS_AT_ONCE]
            wanted = dg.AssetRecordsFilter(key, storage_ids=chosen, before_timestamp=before.timestamp())
            for record in instance.fetch_materializations(wanted, limit=RECORDS_AT_ONCE).records:
                yield _again(record)


def _again(record: dg.EventLogRecord) -> dg.AssetMaterialization:
    old = record.asset_materialization
    assert old is not None  # noqa: S101 - only materializations were asked for
    first = {FIRST_RECORDED: dg.MetadataValue.timestamp(record.timestamp)}
    tags = {name: value for name, value in (old.tags or {}).items() if name == DATA_VERSION}
    return dg.AssetMaterialization(
        old.asset_key, partition=old.partition, metadata={**first, **old.metadata}, tags=tags or None
    )


def remove_runs(instance: dg.DagsterInstance, folder: Path, before: datetime.datetime) -> Removed:
    """Delete runs that ended before a time, unless they hold the newest materialization of an asset.

    Args:
        instance: where they are recorded.
        folder: the home of the instance. A storage without files in it has none to remove.
        before: aware.
    """
    records = instance.get_run_records(dg.RunsFilter(statuses=FINISHED, updated_before=before))
    needed = {event.run_id for key in instance.get_asset_keys() if (event := _newest(instance, key))}
    old = [record.dagster_run.run_id for record in records if record.dagster_run.run_id not in needed]
    for run_id in old:
        instance.delete_run(run_id)
    _, megabytes = remove_paths(path for run_id in old for path in _files_of(folder, run_id))
    return Removed(WHAT, len(old), megabytes)


def _newest(instance: dg.DagsterInstance, key: dg.AssetKey) -> dg.EventLogEntry | None:
    return instance.get_latest_materialization_event(key)


def _files_of(folder: Path, run_id: str) -> Iterator[Path]:
    yield from (folder / "history" / "runs").glob(f"{run_id}.db*")
    if (stored := folder / "storage" / run_id).exists():
        yield stored


def pack_databases(databases: Sequence[Path]) -> Removed:
    """Give unused space of SQLite files back to the disk. One that is in use meanwhile is left for the next time."""
    freed = [_pack(path) for path in databases if path.exists()]
    return Removed(FREED, sum(size > 0 for size in freed), sum(freed) / 1e6)


def _pack(path: Path) -> int:
    before = size_of(path)
    connection = sqlite3.connect(path, timeout=5)
    try:
        pages, unused = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")
        )
        if unused > pages * WORTH_PACKING:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:  # somebody writes
        return 0
    finally:
        connection.close()
    return max(before - size_of(path), 0)
