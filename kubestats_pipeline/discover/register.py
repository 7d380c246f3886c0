"""The table `repositories` as a whole: replaced under a lock, and everything that follows from a row is done after it.

A row that gets another name takes its partitions and its mirror along. A row that becomes a tombstone loses them, and
its metrics. The remaining work is written together with the rows (`relocation.Journal`), so that the next update
finishes what a killed one began. The rows themselves follow from `membership.py`.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from kubestats_pipeline.discover.rules import is_tombstone
from kubestats_pipeline.lake import relocation as moves
from kubestats_pipeline.lake.lake import ConflictError, Lake, to_frame
from kubestats_pipeline.lake.relocation import Journal, Move, RepositoryPlace, read_journal, write_journal
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS
from kubestats_pipeline.locks import BusyError, locked

LOCK_SECONDS = 60.0

ATTEMPTS = 3
"""How often the table is looked at again that another machine has just written."""

Change = Callable[[pl.DataFrame], pl.DataFrame]
"""Makes the next rows out of the known ones."""


@dataclass(frozen=True)
class Update:
    """The rows before and after. The names that were given up, each with the one that followed, if any."""

    before: pl.DataFrame
    rows: pl.DataFrame
    names: Mapping[str, str | None]


def read_rows(lake: Lake) -> pl.DataFrame:
    """All rows. None before the first discovery.

    Raises:
        LakeError: the file is damaged.
    """
    partition = lake.read(REPOSITORIES)
    return partition.rows if partition else to_frame(REPOSITORIES, [])


def update_register(lake: Lake, change: Change) -> Update:
    """Replace the rows, and do what follows from it. Where nothing changes, nothing is written.

    Raises:
        BusyError: another process works on the table, or on a repository that is to move or to go. The next
            update does the rest.
        LakeError: a file is damaged or cannot be written.
    """
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(ConflictError):  # another machine has written the table: look again
            return _update(lake, change)
        lake.storage.pull()
    return _update(lake, change)


def _update(lake: Lake, change: Change) -> Update:
    if not lake.path(REPOSITORIES).exists() and change(read_rows(lake)).is_empty():
        return Update(read_rows(lake), read_rows(lake), {})
    with locked(lake.layout.register_lock, LOCK_SECONDS):
        _finish(lake)
        known = read_rows(lake)
        rows = to_frame(REPOSITORIES, change(known))
        if rows.equals(known):
            return Update(known, known, {})
        journal = _journal(known, rows)
        lake.write(REPOSITORIES, None, rows, write_journal(journal))
        _finish(lake)
        _sweep(lake, rows)
        lake.storage.push()
    names = {move.old.full_name: move.new.full_name for move in journal.moves}
    return Update(known, rows, {**names, **{place.full_name: None for _, place in journal.removals}})


def _journal(known: pl.DataFrame, rows: pl.DataFrame) -> Journal:
    before = {row["repository_id"]: row for row in known.iter_rows(named=True)}
    moving, removals = [], []
    for row in rows.iter_rows(named=True):
        old = before.get(row["repository_id"])
        if old is None or is_tombstone(old):
            continue
        if is_tombstone(row):
            removals.append((row["repository_id"], _place(old)))
        elif _place(old) != _place(row):
            moving.append(Move(row["repository_id"], _place(old), _place(row)))
    return Journal(tuple(moving), False, tuple(removals))


def _finish(lake: Lake) -> None:
    """Do what the journal says is left, step by step. Each step may be repeated."""
    journal = read_journal(lake.read_metadata(REPOSITORIES) or {})
    if journal == Journal():
        return
    if not journal.is_aside:
        moves.take_aside(lake, journal.moves)
        journal = replace(journal, is_aside=True)
        _note(lake, journal)
    moves.put_in_place(lake, journal.moves)
    _forget_metrics(lake, [identity for identity, _ in journal.removals])
    for repository_id, place in journal.removals:
        moves.remove(lake, repository_id, place)
    _note(lake, Journal())


def _note(lake: Lake, journal: Journal) -> None:
    lake.write(REPOSITORIES, None, read_rows(lake), write_journal(journal))


def _forget_metrics(lake: Lake, identities: list[str]) -> None:
    for day in lake.dates(REPOSITORY_METRICS) if identities else ():
        partition = lake.read(REPOSITORY_METRICS, day)
        kept = partition.rows.filter(~pl.col("repository_id").is_in(identities)) if partition else None
        if partition and kept is not None and kept.height < partition.rows.height:
            lake.write(REPOSITORY_METRICS, day, kept, partition.metadata)


def _sweep(lake: Lake, rows: pl.DataFrame) -> None:
    """Remove what a sync that had begun before a move or a removal wrote to a name that nobody has any more."""
    names = set(rows["full_name"])
    for row in rows.iter_rows(named=True):
        for place in _deserted(row):
            if place.full_name not in names or is_tombstone(row):
                with contextlib.suppress(BusyError):  # that sync goes on. A later update finds it again
                    moves.remove(lake, row["repository_id"], place)


def _deserted(row: Mapping[str, Any]) -> Iterator[RepositoryPlace]:
    host = row["host"]
    for full_name in row["previous_names"] or ():
        owner, _, name = full_name.removeprefix(f"{host}/").rpartition("/")
        yield RepositoryPlace(full_name, host, owner, name)
    if is_tombstone(dict(row)):
        yield _place(row)


def _place(row: Mapping[str, Any]) -> RepositoryPlace:
    return RepositoryPlace(row["full_name"], row["host"], row["owner"], row["name"])
