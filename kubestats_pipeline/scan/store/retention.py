"""Retires old events: whole ones, or only their documents and field changes, into `data/archive/`.

Only the beginning of a repository's log is retired: events that are older than a boundary, none of
which follows a younger one. Of each resource the last of them stays, so that folding the log still gives the resources
and every moment since then. Boundaries are first days of months, so that the archive has a few files a year. The
archive is the memory: a scan that makes a log anew asks it what to leave out. The choice of repositories and the
writing of logs are in `retire.py`.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import polars as pl

from kubestats_pipeline.lake.event_log import BLOCK, LogWriter
from kubestats_pipeline.lake.event_log_segments import Segment
from kubestats_pipeline.lake.lake import Lake, read_file, replace_file, writing
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS
from kubestats_pipeline.setting_sections import RetentionSettings
from kubestats_pipeline.storage.objects import ObjectStore

_UNFINISHED, _FINISHED = "unfinished", "finished"
"""Objects beside the events of a boundary. The first is there while they are archived, the second stays: a boundary
without events has an object too. Earlier versions had neither."""

PAYLOAD = ("field_changes", "resource_data")
"""The columns that are null where a payload has been retired."""


class Part(Enum):
    """The part of an event that is retired, named as its folder in the archive."""

    EVENTS = "events"
    PAYLOADS = "payloads"


Boundaries = dict[Part, datetime.date]
"""Days (UTC) before which parts are retired. A part that is kept forever is not there."""


@dataclass(frozen=True)
class Plan:
    """The events of one log that are to be retired.

    Attributes:
        complete_from: the number of the event from which on all are there.
        numbers: of the events that go, and of those that lose their payload.
        end: the number that follows the last of them.
    """

    complete_from: int
    numbers: dict[Part, pl.Series]
    end: int


def wanted_boundaries(settings: RetentionSettings, today: datetime.date) -> Boundaries:
    """The boundaries that the settings ask for: beginnings of months, so that at least so many days are kept."""
    days = {Part.EVENTS: settings.event_days, Part.PAYLOADS: settings.payload_days}
    return {
        part: (today - datetime.timedelta(days=count)).replace(day=1)
        for part, count in days.items()
        if count is not None
    }


def known_boundaries(lake: Lake, repository_id: str) -> Boundaries:
    """The boundaries up to which the archive has parts of a repository's events."""
    finished = {part: _finished(lake, part, repository_id) for part in Part}
    return {part: max(days) for part, days in finished.items() if days}


def _finished(lake: Lake, part: Part, repository_id: str) -> set[datetime.date]:
    """The days of the boundaries that have any file and are not just being archived."""
    prefix = f"{lake.layout.name_of(lake.layout.archive(part.value, repository_id))}/before="
    files = [name.removeprefix(prefix).split("/", 1) for name in lake.storage.list(prefix)]
    unfinished = {day for day, file in files if file == _UNFINISHED}
    return {datetime.date.fromisoformat(day) for day, _ in files if day not in unfinished and "." not in day}


def mark_of(boundaries: Boundaries) -> str:
    """Boundaries as text, to recognise a log that has been brought up to them."""
    return " ".join(f"{part.value}={boundaries[part].isoformat()}" for part in Part if part in boundaries)


def later(one: Boundaries, other: Boundaries) -> Boundaries:
    """The later boundary of each part: what has been retired stays so when settings are loosened."""
    earliest = datetime.date.min
    return {part: max(one.get(part, earliest), other.get(part, earliest)) for part in one.keys() | other.keys()}


def plan(writer: LogWriter, boundaries: Boundaries) -> Plan:
    """Plan what of a log is to be retired, including what has been already."""
    rows = writer.read(("resource_id", "sequence", "event_timestamp"))
    old = {part: _older(rows, day) for part, day in boundaries.items()}
    numbers = {part: _superseded(events) for part, events in old.items()}
    ends = [_end_of(series) for series in numbers.values()]
    return Plan(_complete_from(old[Part.EVENTS]) if Part.EVENTS in old else 0, numbers, max(ends, default=0))


def retire(writer: LogWriter, found: Plan) -> None:
    """Take what a plan names out of a log that has not been published yet.

    Raises:
        LakeError: a segment is damaged, or the disk is full or read-only.
    """
    gone, blank = (found.numbers.get(part, pl.Series(dtype=pl.Int64)).implode() for part in Part)
    is_blank = pl.col("sequence").is_in(blank)

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        nothing = (pl.when(~is_blank).then(pl.col(name)).alias(name) for name in PAYLOAD)
        return rows.filter(~pl.col("sequence").is_in(gone)).with_columns(*nothing)

    writer.revise(change, found.end)


def archive(tables: RepositoryTables, repository_id: str, boundaries: Boundaries, found: Plan) -> int:
    """Copy what a plan names into the archive. Returns how many events went there, whole or as payloads.

    Events that an earlier attempt has archived stay, because the log may have lost them meanwhile.

    Raises:
        LakeError: a file is damaged, or the disk is full or read-only.
    """
    lake, storage = tables.lake, tables.lake.storage
    prefixes = {part: _open_boundary(lake, part, repository_id, day) for part, day in boundaries.items()}
    count = 0
    for segment in tables.event_segments(RESOURCE_EVENTS):
        if segment.first < found.end:
            rows = tables.read_events(RESOURCE_EVENTS, segment)
            for part, chosen in _to_archive(rows, found):
                for first, block in _blocks(chosen, segment):
                    count += _add(storage, f"{prefixes[part]}part-{first:012d}.parquet", block)
    for prefix in prefixes.values():
        if storage.exists(prefix + _UNFINISHED):
            with writing(storage.local_path(prefix)):
                storage.put(prefix + _FINISHED, b"")
                storage.delete(prefix + _UNFINISHED)
    return count


def _open_boundary(lake: Lake, part: Part, repository_id: str, day: datetime.date) -> str:
    """How the names of a boundary's files begin. One that is not finished yet does not count as retired."""
    folder = lake.layout.archive(part.value, repository_id) / f"before={day.isoformat()}"
    prefix = f"{lake.layout.name_of(folder)}/"
    if not lake.storage.list(prefix):
        with writing(folder):
            lake.storage.put(prefix + _UNFINISHED, b"")
    return prefix


def _older(rows: pl.DataFrame, day: datetime.date) -> pl.DataFrame:
    """The events from the first one on up to the first that is not older than a day.

    Commit clocks can run backwards: nothing that follows a younger event counts as old.
    """
    moment = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC)
    first = rows.filter(pl.col("event_timestamp") >= moment)["sequence"].min()
    return rows if first is None else rows.filter(pl.col("sequence") < first)


def _complete_from(old: pl.DataFrame) -> int:
    """The number from which on no event is missing, once the superseded ones are gone; 0 where nothing goes."""
    end = _end_of(old["sequence"])
    return end if len(old) < end or len(_superseded(old)) else 0


def _end_of(numbers: pl.Series) -> int:
    last = numbers.max()
    return last + 1 if isinstance(last, int) else 0


def _superseded(old: pl.DataFrame) -> pl.Series:
    """The numbers of the events that are not the last of their resource."""
    return old.filter(pl.col("sequence") < pl.col("sequence").max().over("resource_id"))["sequence"]


def _to_archive(rows: pl.DataFrame, found: Plan) -> Iterator[tuple[Part, pl.DataFrame]]:
    gone = found.numbers.get(Part.EVENTS, pl.Series(dtype=pl.Int64)).implode()
    blank = found.numbers.get(Part.PAYLOADS, pl.Series(dtype=pl.Int64)).implode()
    is_gone = pl.col("sequence").is_in(gone)
    has_payload = pl.any_horizontal(pl.col(name).is_not_null() for name in PAYLOAD)
    yield Part.EVENTS, rows.filter(is_gone)
    yield Part.PAYLOADS, rows.filter(~is_gone & pl.col("sequence").is_in(blank) & has_payload)


def _blocks(rows: pl.DataFrame, segment: Segment) -> Iterator[tuple[int, pl.DataFrame]]:
    """Rows by the block of the log that they come from, whose number does not depend on how segments are merged."""
    for first in range(segment.first // BLOCK * BLOCK, segment.end, BLOCK):
        block = rows.filter((pl.col("sequence") >= first) & (pl.col("sequence") < first + BLOCK))
        if len(block):
            yield first, block


def _add(storage: ObjectStore, name: str, rows: pl.DataFrame) -> int:
    """Add rows to a file of the archive. Returns how many it did not have."""
    if storage.exists(name):
        known, _ = read_file(storage, name)
        fresh = rows.filter(~pl.col("event_id").is_in(known["event_id"].implode()))
        rows, count = pl.concat([known, fresh]), len(fresh)
    else:
        count = len(rows)
    if count:
        replace_file(storage, name, rows.sort(RESOURCE_EVENTS.sort), {})
    return count
