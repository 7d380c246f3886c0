"""The folders of a repository at one commit, and the folder that is the root of an artifact."""

from collections import Counter
from collections.abc import Iterable, Iterator


class Folders:
    """The folders that hold files, directly or below them.

    Attributes:
        revision: raised when a folder comes or goes.
    """

    def __init__(self) -> None:
        self._files: Counter[str] = Counter()
        self.revision = 0

    def __contains__(self, folder: str) -> bool:
        return folder == "" or folder in self._files

    def add(self, path: str) -> None:
        """Record a file."""
        for folder in _above(path):
            self._files[folder] += 1
            self.revision += self._files[folder] == 1

    def remove(self, path: str) -> None:
        """Drop a file."""
        for folder in _above(path):
            self._files[folder] -= 1
            if not self._files[folder]:
                del self._files[folder]
                self.revision += 1

    def root_of(self, paths: Iterable[str]) -> str | None:
        """The one folder below which all paths exist, or None if there is none or more than one.

        An artifact is made of one folder of the repository. If all paths that are applied of it exist below one folder
        only, that folder is it.
        """
        first, *others = sorted(paths, key=len, reverse=True)
        if not first:
            return None
        found = [folder for folder in self._ending_in(first) if all(_join(folder, path) in self for path in others)]
        return found[0] if len(found) == 1 else None

    def _ending_in(self, path: str) -> Iterator[str]:
        if path in self:
            yield ""
        suffix = f"/{path}"
        yield from (folder.removesuffix(suffix) for folder in self._files if folder.endswith(suffix))


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder and path else folder or path
