"""The folder of the site before the last one, taken again for a new one: most of its files are those of the last site.

To make a folder for each page takes a file system longer than everything else of a small change. Files of two sites are
links to one file, so nothing is ever written into a file that is there: it goes, and another one comes.
"""

import contextlib
import os
import shutil
from collections.abc import Collection


class TakenFolder:
    """The files of earlier sites in the folder of a new one. A folder of its own has nothing."""

    def __init__(self, root: str = "", others: Collection[str] = ()) -> None:
        """Take a folder.

        Args:
            root: the folder, or nothing for one of its own.
            others: addresses at which the last site has another file than this folder.
        """
        self._root = root
        self._others = frozenset(others)
        self._folders = set[str]()
        self._files = set(self._walk("")) if root else set[str]()

    def keep(self, address: str) -> bool:
        """Keep a file if the last site has the same one. False if it has another one, or this folder has none."""
        if address not in self._files or address in self._others:
            return False
        self._files.discard(address)
        return True

    def has_folder(self, address: str) -> bool:
        """True if a folder is there. A file in its place goes."""
        if address in self._folders:
            return True
        self.make_room(address)
        return False

    def make_room(self, address: str) -> None:
        """Remove what stands where another file comes."""
        if address in self._files:
            os.unlink(f"{self._root}/{address}")  # noqa: PTH108 - a path is a text here, as in NewSite
            self._files.discard(address)
        elif address in self._folders:
            shutil.rmtree(f"{self._root}/{address}")
            self._files = {file for file in self._files if not file.startswith(f"{address}/")}
            self._folders = {one for one in self._folders if not f"{one}/".startswith(f"{address}/")}

    def remove_rest(self) -> None:
        """Remove the files that nobody has kept, and the folders that are empty then."""
        for address in self._files:
            os.unlink(f"{self._root}/{address}")  # noqa: PTH108 - see above
            with contextlib.suppress(OSError):
                while address := address.rpartition("/")[0]:
                    os.rmdir(f"{self._root}/{address}")  # noqa: PTH106 - see above

    def _walk(self, folder: str) -> list[str]:
        files, folders = list[str](), list[str]()
        with os.scandir(f"{self._root}/{folder}") as entries:
            for entry in entries:
                address = f"{folder}/{entry.name}" if folder else entry.name
                (folders if entry.is_dir(follow_symlinks=False) else files).append(address)
        self._folders.update(folders)
        for each in folders:
            files += self._walk(each)
        return files
