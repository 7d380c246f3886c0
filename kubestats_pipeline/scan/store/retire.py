"""Brings the logs of all repositories up to the boundaries of retention: archive first, then take out.

The events to retire are chosen in `retention.py`. A run that is killed anywhere is simply repeated: the archive keeps
what it has, the log loses what is archived, and the position says last that it is done.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.locks import locked
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store.retention import (
    Boundaries,
    archive,
    known_boundaries,
    later,
    mark_of,
    plan,
    retire,
    wanted_boundaries,
)
from kubestats_pipeline.setting_sections import RetentionSettings

LOCK_SECONDS = 5
"""How long retention waits for a scan of a repository. The next run takes up what it passed over."""


@dataclass(frozen=True)
class Retired:
    """A log has been brought up to the boundaries. So many events went to the archive, whole or as payloads."""

    full_name: str
    events: int


@dataclass(frozen=True)
class RetireFailed:
    """A log could not be brought up to the boundaries. Nothing of it is lost."""

    full_name: str
    reason: str


def retire_all(lake: Lake, settings: RetentionSettings, today: datetime.date) -> Iterator[Retired | RetireFailed]:
    """Retire what is due of every repository in the lake, one after the other. Others are not reported."""
    wanted = wanted_boundaries(settings, today)
    if not wanted:
        return
    for full_name in list(lake.repositories(RESOURCES)):
        try:
            events = retire_repository(lake, full_name, wanted)
        except ExplainedError as error:
            yield RetireFailed(full_name, str(error))
        except OSError as error:
            yield RetireFailed(full_name, f"{error}. See that the disk is neither full nor read-only")
        else:
            if events is not None:
                yield Retired(full_name, events)


def retire_repository(lake: Lake, full_name: str, wanted: Boundaries) -> int | None:
    """Retire what is due of one repository. Returns how many events were archived, None where nothing was to be done.

    Raises:
        LakeError: a file is damaged, or the disk is full or read-only.
        BusyError: a scan of it is under way.
    """
    tables = RepositoryTables(lake, full_name)
    if (due := _find_work(tables, wanted)) is None:
        return None
    lease = lake.leases().hold(due[0].repository_id)
    with lease, locked(lake.layout.scan_lock(full_name), LOCK_SECONDS):
        tables.bring_up_to_date()
        if (work := _find_work(tables, wanted)) is None:
            return None
        position, boundaries = work
        writer = tables.append_events(RESOURCE_EVENTS, position.next_sequence)
        found = plan(writer, boundaries)
        archived = archive(tables, position.repository_id, boundaries, found)
        if (scan := tables.scan()) is not None:
            tables.write_scan({**scan, "complete_from": found.complete_from})
        retire(writer, found)
        writer.publish()
        done = replace(position, complete_from=found.complete_from, retired=mark_of(boundaries))
        store.write_position(tables, done)
    return archived


def _find_work(tables: RepositoryTables, wanted: Boundaries) -> tuple[store.Position, Boundaries] | None:
    """The position and the boundaries of a log that is not up to them. One of an earlier version waits for its scan."""
    position = store.read_position(tables)
    if position is None or position.is_older:
        return None
    boundaries = later(known_boundaries(tables.lake, position.repository_id), wanted)
    return None if position.retired == mark_of(boundaries) else (position, boundaries)
