"""The small protocol through which all that is known is read and written.

Names are paths below the data directory, with "/" between their parts. Nothing above relies on more than this, so that
a bucket can take the folder's place: not on renames, on times of files, or on folders. Caches on this machine, as
mirrors and locks are, do not go through it.
"""

from pathlib import Path
from typing import BinaryIO, Protocol

SHARED_AT_ONCE = "leases/"
"""How names begin that every machine asks the store itself for. No copy of them would be young enough."""


class StaleError(OSError):
    """An object is not the one that the writer knew: another process wrote it, or removed it. Nothing was written."""


class ObjectStore(Protocol):
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

    def fetch(self, name: str) -> tuple[bytes, str]:
        """The bytes that the store itself has now, and their version.

        Raises:
            FileNotFoundError: nothing has that name.
        """
        ...

    def version(self, name: str) -> str | None:
        """The version that the store itself has now, None where nothing has that name. Another content has another
        version. The same content may have the same one again.
        """
        ...

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write an object as a whole: a reader sees the old bytes or the new ones, also after a crash.

        Raises:
            StaleError: another machine has written it since this one looked. Look again and repeat the whole step.
        """
        ...

    def put_new(self, name: str, data: bytes | memoryview) -> str:
        """Write an object that must not exist yet, and return its version. Of several writers one succeeds.

        Raises:
            FileExistsError: something has that name.
        """
        ...

    def put_unchanged(self, name: str, data: bytes | memoryview, version: str) -> str:
        """Replace an object that still has a version, and return the new one. Of several writers one succeeds.

        Raises:
            StaleError: it has another version, or is gone.
        """
        ...

    def move(self, source: str, target: str) -> None:
        """Give an object another name, and replace its former owner. A store that cannot rename copies and deletes: a
        crash may leave both.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove an object. Nothing happens where it is not there."""
        ...

    def local_path(self, name: str) -> Path:
        """A file with the object's bytes, for engines that read files themselves."""
        ...

    def is_current(self, name: str) -> bool:
        """True where the object of this machine is what the store itself has, or neither has anything."""
        ...

    def pull(self) -> None:
        """Bring the files of this machine up to date with the store. A stage does so once, before it reads."""
        ...

    def push(self) -> None:
        """Bring to the store what was kept back: small objects that each sweep replaces go together, as one.

        A stage does so once, at its end.
        """
        ...
