"""Moves a repository's partitions and mirror to another name, or removes them. Repeating a killed move finishes it.

Names change hands: one repository can take the name that another one gives up, even in a circle. So a set of moves has
two steps. First everything is taken aside into `data/moving/`, then everything is given its new name. Both steps may be
repeated: files move one by one, and an object beside those of each table says how far they have come. The journal,
which `discover/register.py` keeps beside the rows of `repositories`, names the set of moves that is under way, and
keeps other stages away from the repositories meanwhile.
"""

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter

from kubestats_pipeline.lake.contract import Partitioning, Table
from kubestats_pipeline.lake.lake import Lake, read_file, replace_file
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.locks import locked
from kubestats_pipeline.storage.folder import flush
from kubestats_pipeline.storage.objects import ObjectStore

LOCK_SECONDS = 5.0
"""How long a move waits for a sync or scan of the repository. After that a later repetition finishes it."""

MIRROR = "mirror.git"

PARTITIONED: tuple[Table, ...] = tuple(
    table for table in TABLES.values() if table.partitioning is Partitioning.REPOSITORY
)
"""The tables that have a folder for each repository."""


@dataclass(frozen=True)
class RepositoryPlace:
    """Where a repository's data lie: its partitions by its full name, its mirror by the three others."""

    full_name: str
    host: str
    owner: str
    name: str


@dataclass(frozen=True)
class Move:
    """One repository that goes to another place."""

    repository_id: str
    old: RepositoryPlace
    new: RepositoryPlace


@dataclass(frozen=True)
class Journal:
    """The work that remains after the table of repositories has been written. It travels with its rows.

    Attributes:
        moves: repositories whose data are on their way to another name.
        is_aside: the first step is over.
        removals: ids and places of repositories that the administrator deleted.
    """

    moves: tuple[Move, ...] = ()
    is_aside: bool = False
    removals: tuple[tuple[str, RepositoryPlace], ...] = ()


_JOURNAL = TypeAdapter(Journal)


def read_journal(metadata: Mapping[str, str]) -> Journal:
    """The journal beside the rows of `repositories`, empty where nothing remains to be done."""
    return _JOURNAL.validate_json(metadata["journal"]) if "journal" in metadata else Journal()


def write_journal(journal: Journal) -> dict[str, str]:
    """The metadata that carry a journal."""
    return {"journal": _JOURNAL.dump_json(journal).decode()} if journal != Journal() else {}


def take_aside(lake: Lake, moves: Sequence[Move]) -> None:
    """The first step: nothing lies at the old names any more.

    Raises:
        BusyError: a sync or scan of one of them is under way. What was taken aside stays there.
        OSError: the disk is full or not writable, or the bucket does not work.
    """
    for move in moves:
        with _alone(lake, move.repository_id, move.old):
            for table in PARTITIONED:
                _take_partition(lake, table, move)
            _take_mirror(_mirror(lake.layout, move.old), lake.layout.moving(move.repository_id) / MIRROR)


def put_in_place(lake: Lake, moves: Sequence[Move]) -> None:
    """The second step: what was taken aside lies at the new names and says so. It replaces everything that lay there
    before.

    Raises:
        LakeError: a file is damaged or cannot be written. It stays aside and so do those that follow.
        OSError: the disk is full or not writable, or the bucket does not work.
    """
    for move in moves:
        for table in PARTITIONED:
            _put_partition(lake, table, move)
        _replace_folder(lake.layout.moving(move.repository_id) / MIRROR, _mirror(lake.layout, move.new))
        with contextlib.suppress(FileNotFoundError):
            lake.layout.moving(move.repository_id).rmdir()


def remove(lake: Lake, repository_id: str, place: RepositoryPlace) -> None:
    """Remove all partitions and the mirror at a place. Nothing happens where it is empty.

    Raises:
        BusyError: a sync or scan is under way there.
        OSError: the disk is not writable, or the bucket does not work.
    """
    prefixes = [lake.prefix(table, place.full_name) for table in PARTITIONED]
    names = [name for prefix in prefixes for name in lake.storage.list(prefix)]
    mirror = _mirror(lake.layout, place)
    if names or mirror.exists():
        with _alone(lake, repository_id, place):
            for name in names:
                lake.storage.delete(name)
            if mirror.exists():
                shutil.rmtree(mirror)


_STEP = "step"
"""The object beside a partition that waits, which says how far its move has come."""

_TAKEN, _CLEARED = b"taken", b"cleared"
"""All of it was taken aside, and: nothing of another one lies at its new name any more."""


def _aside(lake: Lake, table: Table, move: Move) -> str:
    """How the names of a partition's files begin while they wait."""
    return f"{lake.layout.name_of(lake.layout.moving(move.repository_id) / table.name)}/"


def _take_partition(lake: Lake, table: Table, move: Move) -> None:
    """Move the files of a partition aside one by one. A killed move goes on with those that are left.

    What is there after all were taken was written since, by a sync that had begun earlier.
    """
    store, source, aside = lake.storage, lake.prefix(table, move.old.full_name), _aside(lake, table, move)
    is_taken = store.exists(aside + _STEP)
    names = store.list(source)
    for name in names:
        if is_taken or not _is_whole(name):
            store.delete(name)
        else:
            store.move(name, aside + name.removeprefix(source))
    if names and not is_taken:
        store.put(aside + _STEP, _TAKEN)


def _put_partition(lake: Lake, table: Table, move: Move) -> None:
    """Write the files of a partition anew at their place, with the new name in their rows, one by one."""
    store, target, aside = lake.storage, lake.prefix(table, move.new.full_name), _aside(lake, table, move)
    waiting = store.list(aside)
    if not waiting:
        return
    if not _is_cleared(store, aside):
        for name in store.list(target):
            store.delete(name)
        store.put(aside + _STEP, _CLEARED)
    for name in waiting:
        if _is_whole(name) and name != aside + _STEP:
            _rewrite_name(store, name, target + name.removeprefix(aside), move.new.full_name)
        if name != aside + _STEP:
            store.delete(name)
    store.delete(aside + _STEP)


def _rewrite_name(storage: ObjectStore, name: str, target: str, full_name: str) -> None:
    """Write a repository's Parquet file to another place, with another `full_name` in all rows. Other columns, order
    and metadata stay.

    Raises:
        LakeError: the file is damaged or cannot be written, and is untouched then.
    """
    rows, metadata = read_file(storage, name)
    replace_file(storage, target, rows.with_columns(pl.lit(full_name, pl.String()).alias("full_name")), metadata)


def _is_cleared(store: ObjectStore, aside: str) -> bool:
    if not store.exists(aside + _STEP):
        return False
    with store.read(aside + _STEP) as file:
        return file.read() == _CLEARED


def _is_whole(name: str) -> bool:
    """False for what a killed process has half written."""
    return not name.rpartition("/")[2].startswith(".")


def _mirror(layout: Layout, place: RepositoryPlace) -> Path:
    return layout.mirror(place.host, place.owner, place.name)


@contextlib.contextmanager
def _alone(lake: Lake, repository_id: str, place: RepositoryPlace) -> Iterator[None]:
    mirror = _mirror(lake.layout, place)
    with contextlib.ExitStack() as stack:
        stack.enter_context(lake.leases().hold(repository_id))
        stack.enter_context(locked(lake.layout.scan_lock(place.full_name), LOCK_SECONDS))
        if mirror.exists():
            stack.enter_context(locked(mirror, LOCK_SECONDS))
        yield


def _take_mirror(source: Path, aside: Path) -> None:
    """Rename a mirror. It is a cache of this machine: that of another one is fetched anew under the new name."""
    if not source.exists():
        return
    if aside.exists():  # taken before, but a sync that had begun earlier has written to the old name since
        shutil.rmtree(source)
        return
    aside.parent.mkdir(parents=True, exist_ok=True)
    source.rename(aside)
    flush(aside.parent)
    flush(source.parent)


def _replace_folder(aside: Path, target: Path) -> None:
    if not aside.exists():
        return
    if target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(target)
    flush(target.parent)
