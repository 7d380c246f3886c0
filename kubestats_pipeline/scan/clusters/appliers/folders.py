"""The folders of a repository at one commit, and the folder that is the root of an artifact."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from kubestats_pipeline.scan.kinds.fleet import FILES


class Folders:
    """The folders that hold files, directly or below them.

    Attributes:
        revision: raised when a folder comes or goes.
        bundles: the folders with a fleet.yaml.
        bundles_revision: raised when one of these comes or goes.
    """

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._files: Counter[str] = Counter()
        self._by_name: defaultdict[str, set[str]] = defaultdict(set)
        self.revision = 0
        self.bundles: set[str] = set()
        self.bundles_revision = 0

    def __contains__(self, folder: str) -> bool:
        return folder == "" or folder in self._files

    def replace(self, path: str, *, is_there: bool) -> None:
        """Record if there is a file at a path."""
        if is_there == (path in self._paths):
            return
        (self._paths.add if is_there else self._paths.discard)(path)
        place, _, name = path.rpartition("/")
        if name in FILES:
            (self.bundles.add if is_there else self.bundles.discard)(place)
            self.bundles_revision += 1
        for folder in _above(path):
            self._files[folder] += 1 if is_there else -1
            if self._files[folder] == (1 if is_there else 0):
                name = folder.rpartition("/")[2]
                (self._by_name[name].add if is_there else self._by_name[name].discard)(folder)
                self.revision += 1
            if not self._files[folder]:
                del self._files[folder]

    def root_of(self, paths: Iterable[str]) -> str | None:
        """The one folder below which all paths exist, or None if that is not one folder.

        An artifact is made of one folder of the repository. If all paths that are applied of it exist below one folder
        only, that folder is it. A path that exists nowhere tells nothing.
        """
        roots: set[str] | None = None
        for path in sorted(paths):
            found = set(self._ending_in(path)) if path else set[str]()
            if found:
                roots = found if roots is None else roots & found
        return roots.pop() if roots is not None and len(roots) == 1 else None

    def _ending_in(self, path: str) -> Iterator[str]:
        suffix = f"/{path}"
        for folder in self._by_name.get(path.rpartition("/")[2], ()):
            if folder == path:
                yield ""
            elif folder.endswith(suffix):
                yield folder.removesuffix(suffix)


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
