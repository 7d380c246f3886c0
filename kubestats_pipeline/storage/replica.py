"""A bucket, of which this machine has a copy: readers read files, writers write to the bucket first and then the file.

Each write names the version that this machine knows, so that of two machines the second learns that it is late and
repeats its step (`StaleError`). Nothing relies on renames, times or folders in the bucket: a move copies, the target
first. Files of logs that are not published yet stay here alone.

A copy is brought up to date once before a stage (`pull.py`). The small objects that each sweep replaces wait until its
end (`pack.py`).
"""

from pathlib import Path
from typing import BinaryIO

from kubestats_pipeline.storage.bucket import LakeBucket, tag_of
from kubestats_pipeline.storage.copies import key_of, place
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.storage.index import LocalCopy, open_index
from kubestats_pipeline.storage.names import INDEX, KNOWN, is_known, is_packed
from kubestats_pipeline.storage.objects import SHARED_AT_ONCE, StaleError
from kubestats_pipeline.storage.pack import push_pack
from kubestats_pipeline.storage.pull import pull_all, take


class Replica:
    """The copy of a bucket in the data directory.

    Args:
        root: the data directory.
        bucket: where everything is that is known.
    """

    def __init__(self, root: Path, bucket: LakeBucket) -> None:
        self.folder, self.bucket, self.index = FolderStore(root), bucket, root / INDEX

    def __reduce__(self) -> tuple[type["Replica"], tuple[Path, LakeBucket]]:
        """Other processes have objects of their own, and the same files."""
        return Replica, (self.folder.root, self.bucket)

    def list(self, prefix: str) -> list[str]:
        """The names that begin with a prefix, sorted: of files, or of what every machine asks the bucket for."""
        if prefix.startswith(SHARED_AT_ONCE):
            return sorted(self.bucket.list(prefix))
        return self.folder.list(prefix)

    def exists(self, name: str) -> bool:
        """Look for a copy."""
        if name.startswith(SHARED_AT_ONCE):
            return self.bucket.version(name) is not None
        return self.folder.exists(name)

    def read(self, name: str) -> BinaryIO:
        """Open a copy."""
        return self.folder.read(name)

    def fetch(self, name: str) -> tuple[bytes, str]:
        """The bytes that the bucket has now, and their version."""
        return self.bucket.get(key_of(name))

    def version(self, name: str) -> str | None:
        """The version that the bucket has now."""
        return self.bucket.version(key_of(name))

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write an object to the bucket and then its copy, or the copy alone where it is packed or is not published.

        Raises:
            StaleError: another machine has written it. Its version is here now.
        """
        if not is_known(name):
            self.folder.put(name, data)
        elif is_packed(name):
            with open_index(self.index) as index:
                known = index.copy(name)
                stamp = place(self.folder, name, data)
                index.note(name, LocalCopy(known.version if known else "", stamp, is_waiting=True))
        else:
            self._put(name, data)

    def _put(self, name: str, data: bytes | memoryview) -> None:
        with open_index(self.index) as index:
            known = index.copy(name)
        try:
            version = self.bucket.put(KNOWN + name, bytes(data), known.version if known else None)
        except (FileExistsError, StaleError):
            take(self, name, known)
            if not self._has(name, data):  # it is not our own write, whose answer was lost
                raise self._stale(name) from None
        else:
            with open_index(self.index) as index:
                index.note(name, LocalCopy(version, place(self.folder, name, data)))

    def _stale(self, name: str) -> StaleError:
        return StaleError(f"{self.bucket.url}/{KNOWN}{name} was written by another machine")

    def _has(self, name: str, data: bytes | memoryview) -> bool:
        path = self.folder.local_path(name)
        return path.exists() and path.read_bytes() == data

    def put_new(self, name: str, data: bytes | memoryview) -> str:
        """Write an object that the bucket does not have."""
        return self.bucket.put(key_of(name), bytes(data), None)

    def put_unchanged(self, name: str, data: bytes | memoryview, version: str) -> str:
        """Replace an object whose version the bucket still has."""
        return self.bucket.put(key_of(name), bytes(data), version)

    def move(self, source: str, target: str) -> None:
        """Write an object under another name, and remove it under the old one."""
        if not (is_known(source) or is_known(target)):
            self.folder.move(source, target)
            return
        self.put(target, self.folder.local_path(source).read_bytes())
        self.delete(source)

    def delete(self, name: str) -> None:
        """Remove an object from the bucket, then its copy.

        Raises:
            StaleError: another machine has written it.
        """
        if not is_known(name):
            self.folder.delete(name)
            return
        if not is_packed(name):
            if not self.is_current(name):
                self.bucket.look()
                raise self._stale(name)
            self.bucket.delete(KNOWN + name)
        with open_index(self.index) as index:
            self.folder.delete(name)
            known = index.copy(name)
            if is_packed(name) and known and known.version:
                index.note(name, LocalCopy(known.version, None, is_waiting=True))
            else:
                index.forget(name)

    def is_current(self, name: str) -> bool:
        """True where the copy is what the bucket has, or neither has anything. One request."""
        with open_index(self.index) as index:
            known = index.copy(name)
        return tag_of(known.version if known else "") == tag_of(self.bucket.version(KNOWN + name) or "")

    def local_path(self, name: str) -> Path:
        """The copy."""
        return self.folder.local_path(name)

    def pull(self) -> None:
        """Bring the copies up to date: one request for each thousand objects, and one for each that has changed."""
        pull_all(self)

    def push(self) -> None:
        """Put what is packed, where something of it waits."""
        push_pack(self)
