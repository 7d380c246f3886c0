"""Puts a backup into an empty data directory, wholly or not at all.

Every file is read and compared with the inventory before anything is written. Then all are copied into a folder of the
data directory, compared once more, and moved to their places, the lake last. A restore that is killed while it copies
leaves a folder that the next one removes. One that is killed while it moves leaves another folder, which has what is
still missing, and the next one goes on with it.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from kubestats_pipeline.backup.copying import copy_stream, flush_folders, remove_folder
from kubestats_pipeline.backup.inventory import (
    CONFIG,
    DATA,
    INVENTORY,
    BackupError,
    Inventory,
    complete_backups,
    digest_of,
    read_inventory,
)
from kubestats_pipeline.backup.kept import kept_places, made_places
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.locks import locked
from kubestats_pipeline.storage.folder import flush

LOCK_SECONDS = 2.0


@dataclass(frozen=True)
class Restored:
    """A backup that was put back.

    Attributes:
        folder: the backup, or None where one was finished that a killed restore had copied.
        has_written_config: whether the settings file was put back. One that was there stays.
    """

    folder: Path | None
    inventory: Inventory
    has_written_config: bool


def find_backup(source: Path) -> Path:
    """The backup that a path means: itself, or the newest one in a folder of backups.

    Raises:
        BackupError: nothing there is one.
    """
    if (source / INVENTORY).is_file():
        return source
    found = complete_backups(source)
    if not found:
        raise BackupError(
            f"{source} is not a complete backup and holds none: {INVENTORY} is missing. Give a folder in which "
            "`kubestats backup` has made one, or another one of its backups"
        )
    return found[-1]


def restore_backup(layout: Layout, config: Path, source: Path) -> Restored:
    """Put a backup, or the newest of a folder, into the data directory, and the settings file where it is missing.

    Raises:
        BackupError: something is in the data directory, the backup is damaged, incomplete or of a newer version, or
            the disk is full. The data directory is as it was.
        BusyError: another process restores.
    """
    chosen = None if layout.restored.exists() else _examined(layout, config, source)
    with _explained(layout), locked(layout.restore_lock, LOCK_SECONDS):
        if chosen is not None:
            refuse_occupied(layout)
            _collect(layout, *chosen)
        inventory = read_inventory(layout.restored)
        return Restored(chosen[0] if chosen else None, inventory, _put_in_place(layout, config))


def _examined(layout: Layout, config: Path, source: Path) -> tuple[Path, Inventory]:
    """The backup that can be restored. Nothing is written."""
    refuse_occupied(layout)
    folder = find_backup(source)
    inventory = read_inventory(folder)
    verify(folder, inventory)
    if not config.exists() and (folder / CONFIG).exists() and _names_its_place(folder / CONFIG):
        raise BackupError(
            f"the settings of this backup say where the data belong, and {config} is missing. Run "
            f"`install -m 600 {folder / CONFIG} {config}` and restore again"
        )
    return folder, inventory


def _names_its_place(config: Path) -> bool:
    try:
        settings = yaml.safe_load(config.read_bytes())
    except yaml.YAMLError:  # it is put back as it was, and the next command says what is wrong in it
        return False
    return isinstance(settings, dict) and "data_dir" in settings


def refuse_occupied(layout: Layout) -> None:
    """Raise unless the data directory is empty. Mirrors, answers of hosts and samples may be there.

    Raises:
        BackupError: something is there, and the text names it.
    """
    for place in (*reversed(kept_places(layout)), *made_places(layout)):
        if place.exists() or place.is_symlink():
            raise BackupError(
                f"{layout.data_dir} is in use, it has {layout.name_of(place)}. Move it away as a whole, or set "
                "KUBESTATS_DATA_DIR to a folder that is empty"
            )


def verify(folder: Path, inventory: Inventory) -> None:
    """Compare every file of a backup with its inventory.

    Raises:
        BackupError: files are missing or have another content. The text names one.
    """
    wrong = [place for place, kept in inventory.files.items() if not _is_whole(folder / place, kept.size, kept.sha256)]
    if wrong:
        raise BackupError(
            f"{folder} is damaged: {len(wrong)} of its {len(inventory.files)} files are missing or have changed, "
            f"among them {wrong[0]}. Nothing was restored. Take another backup, or copy this one again"
        )


def _is_whole(path: Path, size: int, sha256: str) -> bool:
    try:
        return path.stat().st_size == size and digest_of(path) == sha256
    except OSError:
        return False


def _collect(layout: Layout, folder: Path, inventory: Inventory) -> None:
    """Copy a backup beside the places of its files, and say that it is complete by renaming."""
    collected = layout.restoring
    with contextlib.ExitStack() as stack:
        remove_folder(collected)
        stack.callback(remove_folder, collected)
        for place in inventory.folders:
            (collected / place).mkdir(parents=True, exist_ok=True)
        for place, kept in inventory.files.items():
            (collected / place).parent.mkdir(parents=True, exist_ok=True)
            with (folder / place).open("rb") as file:
                copied = copy_stream(file, collected / place, 0o600 if place == CONFIG else 0o666)
            if copied != kept:
                raise BackupError(f"{folder / place} has changed while it was read. Nothing was restored. Run again")
        with (folder / INVENTORY).open("rb") as file:
            copy_stream(file, collected / INVENTORY)
        flush_folders(collected)
        collected.rename(layout.restored)
        flush(layout.data_dir)


def _put_in_place(layout: Layout, config: Path) -> bool:
    """Move what was collected and is still there. True if the settings file was among it."""
    collected = layout.restored
    missing = [place for place in kept_places(layout) if (collected / DATA / layout.name_of(place)).exists()]
    for place in missing:
        if place.exists():
            raise BackupError(
                f"{place} was made since a restore was interrupted. Move it away and run `kubestats restore` again"
            )
    written = _put_config(collected / CONFIG, config)
    for place in missing:
        place.parent.mkdir(parents=True, exist_ok=True)
        (collected / DATA / layout.name_of(place)).rename(place)
        flush(place.parent)
    remove_folder(layout.restoring)
    collected.rename(layout.restoring)  # half removed, it would look as if something were to be done
    remove_folder(layout.restoring)
    return written


def _put_config(copied: Path, config: Path) -> bool:
    """Write the settings file, for its owner alone, because it may hold a token. One that is there stays."""
    if not copied.exists() or config.exists():
        return False
    partial = config.with_name(f".{config.name}.{os.getpid()}.tmp")
    partial.unlink(missing_ok=True)
    with copied.open("rb") as file:
        copy_stream(file, partial)
    partial.replace(config)
    flush(config.absolute().parent)
    return True


@contextlib.contextmanager
def _explained(layout: Layout) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(
            f"cannot restore into {layout.data_dir}: {error}. See that the disk is neither full nor read-only, and run "
            "`kubestats restore` again"
        ) from error
