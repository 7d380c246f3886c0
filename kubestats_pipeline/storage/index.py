"""A machine's knowledge of the bucket: the version of each object that it has a copy of, and the stamp of that copy.

An SQLite file beside the copies, which any number of processes of this machine use at once. It is a cache: without it
everything is fetched anew. A stamp tells a copy that was edited or cut off by a power failure from the one that was
fetched.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.storage.folder import Stamp

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    name TEXT PRIMARY KEY, version TEXT NOT NULL, inode INTEGER, size INTEGER, modified_ns INTEGER,
    is_waiting INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

LOCK_SECONDS = 60.0
"""The longest wait for another process of this machine, which holds the index for milliseconds."""


@dataclass(frozen=True)
class LocalCopy:
    """An object of which this machine has a copy.

    Attributes:
        version: that of the object in the bucket, or the digest of what was packed there. Empty before the first put.
        stamp: of the copy, None where it was removed.
        is_waiting: the copy is newer than the bucket, and is packed at the end of the sweep.
    """

    version: str
    stamp: Stamp | None
    is_waiting: bool = False


class Index:
    """The index in one transaction: nobody else on this machine changes it, or a copy, meanwhile."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def copies(self) -> dict[str, LocalCopy]:
        """All copies by name."""
        rows = self._connection.execute("SELECT name, version, inode, size, modified_ns, is_waiting FROM objects")
        return {name: LocalCopy(version, _stamp(*stamp), bool(waits)) for name, version, *stamp, waits in rows}

    def copy(self, name: str) -> LocalCopy | None:
        """One copy."""
        query = "SELECT version, inode, size, modified_ns, is_waiting FROM objects WHERE name = ?"
        row = self._connection.execute(query, (name,)).fetchone()
        return LocalCopy(row[0], _stamp(*row[1:4]), bool(row[4])) if row else None

    def note(self, name: str, copy: LocalCopy) -> None:
        """Remember a copy in the place of what was known."""
        stamp = copy.stamp or (None, None, None)
        row = (name, copy.version, *stamp, copy.is_waiting)
        self._connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)", row)

    def forget(self, name: str) -> None:
        """Forget a copy."""
        self._connection.execute("DELETE FROM objects WHERE name = ?", (name,))

    def forget_all(self) -> None:
        """Forget everything: another bucket is meant."""
        self._connection.execute("DELETE FROM objects")
        self._connection.execute("DELETE FROM facts")

    def fact(self, name: str) -> str | None:
        """Something else that is remembered."""
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def note_fact(self, name: str, value: str) -> None:
        """Remember something else."""
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


@contextlib.contextmanager
def open_index(path: Path) -> Iterator[Index]:
    """The index, for one transaction, which is undone where the block fails.

    Raises:
        OSError: the file cannot be made or read. It may be deleted.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # what a power failure loses is fetched again
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA.split(";")[:-1]:
                connection.execute(statement)
            yield Index(connection)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise OSError(f"{path} cannot be used ({error}). Delete it, and what it knows is asked for again") from error


def _stamp(inode: int | None, size: int | None, modified_ns: int | None) -> Stamp | None:
    return None if inode is None or size is None or modified_ns is None else Stamp(inode, size, modified_ns)
