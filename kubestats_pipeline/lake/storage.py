"""The small protocol through which all that is known is read and written, and today's folder behind it.

Names are paths below the data directory, with "/" between their parts. Nothing above relies on more than this, so that
another store can take the folder's place. Caches on this machine, as mirrors and locks are, do not go through it.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol


class Storage(Protocol):
    """Objects by name. Each operation raises OSError where the store does not work."""

    def list(self, prefix: str) -> list[str]:
        """The names that begin with a prefix, sorted."""
        ...

    def exists(self, name: str) -> bool:
        """Look for an object without reading it."""
        ...

    def read(self, name: str) -> BinaryIO:
        """Open an object as a stream with random access, which goes on showing the bytes of this moment.

        Raises:
            FileNotFoundError: nothing has that name.
        """
        ...

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write an object as a whole: a reader sees the old bytes or the new ones, also after a crash."""
        ...

    def move(self, source: str, target: str) -> None:
        """Give an object another name, and replace its former owner. A store that cannot rename copies and deletes."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object. Nothing happens where it is not there."""
        ...

    def local_path(self, name: str) -> Path:
        """A file with the object's bytes, for engines that read files themselves. A remote store copies it first."""
        ...


@dataclass(frozen=True)
class FolderStorage:
    """Objects as files below a folder of this machine."""

    root: Path

    def list(self, prefix: str) -> list[str]:
        """The names of files that begin with a prefix, sorted."""
        folder, _, start = prefix.rpartition("/")
        return sorted(_walk(self.root / folder, f"{folder}/" if folder else "", start))

    def exists(self, name: str) -> bool:
        """Look for a file."""
        return self.local_path(name).exists()

    def read(self, name: str) -> BinaryIO:
        """Open a file, whose bytes outlive its replacement."""
        return self.local_path(name).open("rb")

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write a file beside its place, flush it to the disk and rename it."""
        path = self.local_path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            flush(temporary)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        flush(path.parent)

    def move(self, source: str, target: str) -> None:
        """Rename a file."""
        path = self.local_path(target)
        self.local_path(source).replace(path)
        flush(path.parent)

    def delete(self, name: str) -> None:
        """Remove a file, and its folder where that is empty then."""
        path = self.local_path(name)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another file may live beside it, then the folder stays
            path.parent.rmdir()

    def local_path(self, name: str) -> Path:
        """The file itself."""
        return self.root / name


class Stamp(NamedTuple):
    """The stamp of one version of a file. Files are replaced by renaming, so a new version has another stamp."""

    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """The stamp by the status of the file, which it keeps when it is renamed."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


def flush(path: Path) -> None:
    """Force a file or a folder to the disk, so that a rename survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _walk(folder: Path, above: str, start: str = "") -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):  # another process may remove folders meanwhile
        return
    for entry in entries:
        if entry.name.startswith(start):
            # A folder in a table file's place is listed as that file: reading it fails, and nothing is missed silently.
            if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(".parquet"):
                yield from _walk(folder / entry.name, f"{above}{entry.name}/")
            else:
                yield above + entry.name
