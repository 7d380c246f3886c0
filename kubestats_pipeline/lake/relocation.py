"""Moves a repository's partitions and mirror to another name, or removes them. Repeating a killed move finishes it.

Names change hands: one repository can take the name that another one gives up, even in a circle. So a set of moves has
two steps. First everything is taken aside into `data/moving/`, then everything is given its new name. Both steps may be
repeated. The journal, which `discover/register.py` keeps beside the rows of `repositories`, names the one that is under
way, and keeps other stages away from the repositories meanwhile.
"""

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from kubestats_pipeline.lake.contract import Partitioning, Table
from kubestats_pipeline.lake.lake import Lake, rewrite_name
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
        BusyError: a sync or scan of one of them is under way. Folders that were taken aside stay there.
        OSError: the disk is full or not writable.
    """
    for move in moves:
        with _alone(lake.layout, move.old):
            for source, aside in _pairs(lake, move.repository_id, move.old):
                _take_aside(source, aside)


def put_in_place(lake: Lake, moves: Sequence[Move]) -> None:
    """The second step: what was taken aside lies at the new names and says so. It replaces everything that lay there
    before.

    Raises:
        LakeError: a file is damaged or cannot be written. It stays aside and so do those that follow.
        OSError: the disk is full or not writable.
    """
    for move in moves:
        for target, aside in _pairs(lake, move.repository_id, move.new):
            if aside.name != MIRROR:
                _rename_rows(lake.storage, lake.layout.name_of(aside), move.new.full_name)
            _replace_folder(aside, target)
        with contextlib.suppress(FileNotFoundError):
            lake.layout.moving(move.repository_id).rmdir()


def remove(lake: Lake, place: RepositoryPlace) -> None:
    """Remove all partitions and the mirror at a place. Nothing happens where it is empty.

    Raises:
        BusyError: a sync or scan is under way there.
        OSError: the disk is not writable.
    """
    folders = [*(_partition(lake, table, place.full_name) for table in PARTITIONED), _mirror(lake.layout, place)]
    present = [folder for folder in folders if folder.exists()]
    if present:
        with _alone(lake.layout, place):
            for folder in present:
                shutil.rmtree(folder)


def _pairs(lake: Lake, repository_id: str, place: RepositoryPlace) -> Iterator[tuple[Path, Path]]:
    """Each folder at a place, and where it waits."""
    aside = lake.layout.moving(repository_id)
    for table in PARTITIONED:
        yield _partition(lake, table, place.full_name), aside / table.name
    yield _mirror(lake.layout, place), aside / MIRROR


def _partition(lake: Lake, table: Table, full_name: str) -> Path:
    return lake.path(table, full_name).parent


def _mirror(layout: Layout, place: RepositoryPlace) -> Path:
    return layout.mirror(place.host, place.owner, place.name)


@contextlib.contextmanager
def _alone(layout: Layout, place: RepositoryPlace) -> Iterator[None]:
    mirror = _mirror(layout, place)
    with contextlib.ExitStack() as stack:
        stack.enter_context(locked(layout.scan_lock(place.full_name), LOCK_SECONDS))
        if mirror.exists():
            stack.enter_context(locked(mirror, LOCK_SECONDS))
        yield


def _take_aside(source: Path, aside: Path) -> None:
    if not source.exists():
        return
    if aside.exists():  # taken before, but a sync that had begun earlier has written to the old name since
        shutil.rmtree(source)
        return
    aside.parent.mkdir(parents=True, exist_ok=True)
    source.rename(aside)  # a folder at once: an object store, which knows no folders, needs a journal of its files here
    flush(aside.parent)
    flush(source.parent)


def _rename_rows(storage: ObjectStore, folder: str, full_name: str) -> None:
    for name in storage.list(f"{folder}/"):
        if name.rpartition("/")[2].startswith("."):  # half written by a killed process
            storage.delete(name)
        elif name.endswith(".parquet"):
            rewrite_name(storage, name, full_name)


def _replace_folder(aside: Path, target: Path) -> None:
    if not aside.exists():
        return
    if target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(target)
    flush(target.parent)
