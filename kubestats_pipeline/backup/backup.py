"""Makes a backup of a running installation: a folder of plain files, named by its time, in the folder of the user.

Most of it is copied while nothing is held up. What has changed since is copied again with the register locked, so that
no repository gets another name or goes meanwhile: the rows of `repositories`, their journal, the partitions by name and
what waits in `data/moving` then tell the same. That takes moments, and stages write on. Their writes are met by
`copying.py`.

Files that the last backup has with the same content are shared with it by hard links, so that each backup is whole and
costs what has changed. The folder bears another name until its inventory is in it. So nothing that was killed looks
like a backup, and the backups before it stay as they are.
"""

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.backup.copying import GrowingCopy, flush_folders, remove_folder
from kubestats_pipeline.backup.inventory import (
    INVENTORY,
    BackupError,
    Inventory,
    KeptFile,
    complete_backups,
    inventory_of,
    name_after,
    read_inventory,
    write_inventory,
)
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.locks import locked
from kubestats_pipeline.storage.folder import flush

LOCK_SECONDS = 60.0
"""How long it waits for a discovery, or for another backup into the same folder."""

UNFINISHED = ".unfinished-"
"""How the name of a folder begins that is not a backup yet, or no longer."""


@dataclass(frozen=True)
class Made:
    """A backup that was made.

    Attributes:
        folder: where it is.
        inventory: what it holds.
        linked: how many of its files it shares with the one before.
        removed: older backups that were not to be kept any longer.
    """

    folder: Path
    inventory: Inventory
    linked: int
    removed: int


def make_backup(
    layout: Layout, config: Path, target: Path, now: Callable[[], datetime.datetime], keep: int | None = None
) -> Made:
    """Copy all that is known into a new folder in `target`, and the settings file where there is one.

    `keep` is the number of backups that stay there, None for all.

    Raises:
        BackupError: there is nothing to back up, the target is a wrong place, or the disk is full. Nothing is left.
        BusyError: another process discovers, backs up or writes the same files for long. Nothing is left.
    """
    _check(layout, target)
    with _explained(target):
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(target / "backup", LOCK_SECONDS):
            _remove(target.glob(f"{UNFINISHED}*"))
            earlier = complete_backups(target)
            inventory, linked = _make(layout, config, target / name_after(earlier, now()), earlier, now)
            complete = complete_backups(target)
            old = complete[:-keep] if keep else []
            _remove(folder.rename(folder.with_name(f"{UNFINISHED}{folder.name}")) for folder in old)
    return Made(complete[-1], inventory, linked, len(old))


def _check(layout: Layout, target: Path) -> None:
    if not layout.lake.is_dir():
        raise BackupError(f"{layout.data_dir} holds nothing yet. Run `kubestats run` first")
    place = target.resolve()
    if place.is_relative_to(layout.data_dir.resolve()):
        raise BackupError(f"{target} lies in the data directory, and would be lost with it. Choose another disk")
    if (target / INVENTORY).exists():
        raise BackupError(f"{target} is a backup itself. Give the folder that it is in, {target.parent}")
    if any(path.exists() and not path.is_dir() for path in (place, *place.parents)):
        raise BackupError(f"{target} is a file, or lies below one. Give a folder, which is made where it is missing")


def _make(
    layout: Layout, config: Path, folder: Path, earlier: Sequence[Path], now: Callable[[], datetime.datetime]
) -> tuple[Inventory, int]:
    growing = folder.with_name(f"{UNFINISHED}{folder.name}")
    with contextlib.ExitStack() as stack:
        stack.callback(remove_folder, growing)  # where it bears this name at the end, something has failed
        growing.mkdir(mode=0o700)
        last, known = _last_of(earlier)
        copy = GrowingCopy(layout, growing, last, known)
        copy.copy_roughly()
        with locked(layout.register_lock, LOCK_SECONDS):
            copy.copy_exactly()
            copy.copy_config(config)
            made_at = now()
        files = {place: copied.kept for place, copied in sorted(copy.files.items())}
        inventory = inventory_of(files, sorted(copy.folders), made_at)
        write_inventory(growing, inventory)
        flush_folders(growing)
        growing.rename(folder)
        flush(folder.parent)
    return inventory, sum(copied.is_linked for copied in copy.files.values())


def _last_of(earlier: Sequence[Path]) -> tuple[Path | None, dict[str, KeptFile]]:
    """The last backup and its files. Nothing is shared with one that is damaged or of a newer version."""
    with contextlib.suppress(BackupError, IndexError):
        return earlier[-1], read_inventory(earlier[-1]).files
    return None, {}


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        remove_folder(folder)


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(
            f"no backup was made in {target}: {error}. See that the disk is neither full nor read-only, and run again. "
            "Backups that are there stay"
        ) from error
