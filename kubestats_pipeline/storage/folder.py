"""Objects as files below a folder of this machine, and the means by which files are replaced and recognised."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kubestats_pipeline.storage.objects import StaleError


@dataclass(frozen=True)
class FolderStore:
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

    def fetch(self, name: str) -> tuple[bytes, str]:
        """The bytes of a file and their version."""
        data = self.local_path(name).read_bytes()
        return data, _version_of(data)

    def version(self, name: str) -> str | None:
        """The version of a file: a digest of its content."""
        try:
            return self.fetch(name)[1]
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write a file beside its place, flush it to the disk and rename it."""
        self._write(name, data, Path.replace)

    def put_new(self, name: str, data: bytes | memoryview) -> str:
        """Write a file beside its place and link it there: of several processes the first one succeeds."""
        self._write(name, data, _link)
        return _version_of(data)

    def put_unchanged(self, name: str, data: bytes | memoryview, version: str) -> str:
        """Replace a file while its own lock is held. Processes that waited for the lock find another file in its place.

        Only those that use this method wait for one another.
        """
        path = self.local_path(name)
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                is_there = os.path.samestat(os.fstat(file.fileno()), path.stat())
                if not is_there or _version_of(file.read()) != version:
                    raise StaleError(f"{path} was written by another process")
                self.put(name, data)
        except FileNotFoundError:
            raise StaleError(f"{path} was removed by another process") from None
        return _version_of(data)

    def _write(self, name: str, data: bytes | memoryview, settle: Callable[[Path, Path], object]) -> None:
        """Complete a file on the disk beside the place which it is to have, and let it have that place."""
        path = self.local_path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            flush(temporary)
            settle(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        flush(path.parent)

    def move(self, source: str, target: str) -> None:
        """Rename a file."""
        former, path = self.local_path(source), self.local_path(target)
        if former.parent == path.parent:
            former.replace(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            former.replace(path)
            with contextlib.suppress(OSError):  # another file may live beside it, then the folder stays
                former.parent.rmdir()
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

    def is_current(self, name: str) -> bool:
        """It always is: the files are the objects."""
        return True

    def pull(self) -> None:
        """Nothing is to be done: the files are the objects."""

    def push(self) -> None:
        """Nothing is to be done: every file was written at once."""

    def stamps(self, prefix: str) -> dict[str, "Stamp"]:
        """The names that begin with a prefix, each with the stamp of its file."""
        found = {}
        for name in self.list(prefix):
            with contextlib.suppress(FileNotFoundError):  # removed since it was listed
                found[name] = Stamp.of(self.local_path(name).stat())
        return found


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


def _link(temporary: Path, path: Path) -> None:
    os.link(temporary, path)
    temporary.unlink()


def _version_of(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


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
