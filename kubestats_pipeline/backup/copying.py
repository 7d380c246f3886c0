"""Copies files that others replace meanwhile, so that each unit of the copy is what the disk had at one moment.

A file of the lake is never changed in place, so its stamp says whether it is the one that was copied. A unit is
looked at, copied and looked at again. Where both looks are the same, all its files were there together in between, as a
power cut at that moment would have left them. Every stage repairs that: a scan puts the position last, so that the next
one cuts off or does again what lies beyond it, and tests kill it at each of its writes. Where the looks differ, what
has changed is copied again. The order of copies alone would not do: the files of problems and of applied objects lead
back by one scan, and two may end while a unit is copied. Neither would locks: a first scan holds its own for an hour.
"""

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from kubestats_pipeline.backup.inventory import CONFIG, DATA, KeptFile, digest_of
from kubestats_pipeline.backup.kept import Look, Unit, list_units, look_at
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.storage.folder import Stamp, flush

PAUSE_SECONDS = 0.1
ATTEMPTS = 100
"""How often a unit is copied again that changes all the time. A scan writes its files in one go."""

CHUNK = 1 << 20


class Copied(NamedTuple):
    """A file in the new backup, and the version that was copied."""

    stamp: Stamp
    kept: KeptFile
    is_linked: bool


class GrowingCopy:
    """The copy of a data directory while it is made.

    Args:
        folder: where it grows.
        earlier: the last complete backup, which has files of the same content already, or None.
        known: its files.
    """

    def __init__(self, layout: Layout, folder: Path, earlier: Path | None, known: Mapping[str, KeptFile]) -> None:
        self._layout, self._folder, self._earlier, self._known = layout, folder, earlier, known
        self.files: dict[str, Copied] = {}
        self.folders: set[str] = set()

    def copy_roughly(self) -> None:
        """Copy everything once, whatever others do meanwhile: the most of it will stay as it is."""
        for unit in list_units(self._layout):
            self._copy(look_at(self._layout, unit))

    def copy_exactly(self) -> None:
        """Copy what has changed since, each unit as of one moment, and drop what is gone. No renames may happen
        meanwhile.

        Raises:
            BusyError: a unit changes all the time.
        """
        kept: Look = {}
        for unit in list_units(self._layout):
            kept |= self._copy_unit(unit)
        present = {f"{DATA}/{name}" for name in kept}
        for place in self.files.keys() - present:
            del self.files[place]
            (self._folder / place).unlink()
        self.folders = {place for place in present if place.endswith("/")}
        for place in self.folders:
            (self._folder / place).mkdir(parents=True, exist_ok=True)

    def copy_config(self, config: Path) -> None:
        """Copy the settings file, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            self.files[CONFIG] = self._copy_file(config, CONFIG)

    def _copy_unit(self, unit: Unit) -> Look:
        seen = look_at(self._layout, unit)
        for _ in range(ATTEMPTS):
            self._copy(seen)
            before, seen = seen, look_at(self._layout, unit)
            if before == seen and all(self._has(name, stamp) for name, stamp in seen.items()):
                return seen
            time.sleep(PAUSE_SECONDS)
        raise BusyError(f"{unit[0]} was written to all the time. Repeat the backup when less is going on")

    def _has(self, name: str, stamp: Stamp | None) -> bool:
        copied = self.files.get(f"{DATA}/{name}")
        return stamp is None or (copied is not None and copied.stamp == stamp)

    def _copy(self, seen: Look) -> None:
        """Copy the files of a look that are new or have changed. One that has gone since is left out."""
        for name, stamp in seen.items():
            if not self._has(name, stamp):
                with contextlib.suppress(FileNotFoundError):
                    self.files[f"{DATA}/{name}"] = self._copy_file(self._layout.data_dir / name, f"{DATA}/{name}")

    def _copy_file(self, source: Path, place: str) -> Copied:
        target = self._folder / place
        with source.open("rb") as file:
            stamp = Stamp.of(os.fstat(file.fileno()))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)  # an earlier version of it, which may be a link
            if (known := self._known.get(place)) and known.size == stamp.size and self._link(file, place, known):
                return Copied(stamp, known, is_linked=True)
            return Copied(stamp, copy_stream(file, target), is_linked=False)

    def _link(self, file: BufferedReader, place: str, known: KeptFile) -> bool:
        """Share the earlier backup's file where it has the same content, and still has it."""
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        if self._earlier is None or digest != known.sha256:
            return False
        with contextlib.suppress(OSError):  # the disk knows no links, or the file is damaged: it is copied
            if digest_of(self._earlier / place) == digest:
                os.link(self._earlier / place, self._folder / place)
                return True
        return False


def copy_stream(file: BufferedReader, target: Path, mode: int = 0o600) -> KeptFile:
    """Write an open file to a new place, flushed to the disk, and give its size and digest.

    Raises:
        OSError: the disk is full, or something is in that place.
    """
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as copy:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += copy.write(chunk)
    flush(target)
    return KeptFile(size=size, sha256=digest.hexdigest())


def remove_folder(folder: Path) -> None:
    """Remove a folder and everything in it, if it exists."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def flush_folders(folder: Path) -> None:
    """Force the names of all that is below a folder to the disk. The files themselves are there already."""
    for path, _, _ in os.walk(folder):
        flush(Path(path))
