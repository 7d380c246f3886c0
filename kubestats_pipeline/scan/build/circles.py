"""Circles of folders: a base that leads back to a folder that uses it, which kustomize refuses."""

from collections.abc import Callable, Iterator

from kubestats_pipeline.scan.build.incremental import QueryStore, query
from kubestats_pipeline.scan.build.kustomization import Fields, texts
from kubestats_pipeline.scan.build.sources import Sources
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry

MOST_FOLDERS = 2_000
"""Folders that one build reaches."""

MOST_LEVELS = 50
"""Levels of bases and components below one another. Real ones have up to 8."""


class Circles:
    """Queries for the reasons why folders lead back to themselves, or to folders that hold them."""

    def __init__(self, sources: Sources, queries: QueryStore, own_fields: Callable[[str], Fields | str]) -> None:
        self._sources = sources
        self.queries = queries
        self._own_fields = own_fields

    @query
    def of(self, folder: str) -> str | None:
        """The reason why kustomize refuses a folder, or None."""
        named = self._children(folder)
        return self._around(folder, named) if named else None

    def with_fields(self, folder: str, fields: Fields) -> str | None:
        """The same for a folder with the fields of a kustomization in place of its own."""
        named = self._named_in(folder, fields)
        return self._around(folder, named) if named else None

    @query
    def _around(self, folder: str, named: tuple[str, ...]) -> str | None:
        return circle_of(folder, named, self._children)

    @query
    def _children(self, folder: str) -> tuple[str, ...]:
        """The folders that a folder's kustomization names."""
        fields = self._own_fields(folder)
        return self._named_in(folder, fields) if isinstance(fields, dict) else ()

    def _named_in(self, folder: str, fields: Fields) -> tuple[str, ...]:
        named = (resolve_entry(folder, entry) for key in ("resources", "components") for entry in texts(fields, key))
        return tuple(path for path in named if not self._sources.has_file(path) and self._sources.has_folder(path))


def circle_of(folder: str, named: tuple[str, ...], children: Callable[[str], tuple[str, ...]]) -> str | None:
    """The reason why a folder cannot be built because of the folders that it reaches, or None.

    Args:
        folder: the folder that is built.
        named: the folders that it names.
        children: returns the folders that another folder names.
    """
    reached = {folder: named}
    waiting = list(named)
    while waiting:
        place = waiting.pop()
        if place not in reached:
            reached[place] = children(place)
            waiting += reached[place]
        if len(reached) > MOST_FOLDERS:
            return f"the build reaches more than {MOST_FOLDERS} folders"
    if _depth(reached) is None:
        return f"a base leads back to a folder that uses it, or more than {MOST_LEVELS} levels down"
    for place in reached:
        around = [above for above in _with_parents(place) if above in reached]
        if any(_leads(place, above, reached) for above in around if above != place):
            return "a base leads back to a folder that uses it"
    return None


def _leads(start: str, goal: str, reached: dict[str, tuple[str, ...]]) -> bool:
    seen: set[str] = set()
    waiting = list(reached[start])
    while waiting:
        place = waiting.pop()
        if place == goal:
            return True
        if place not in seen:
            seen.add(place)
            waiting += reached.get(place, ())
    return False


def _depth(reached: dict[str, tuple[str, ...]]) -> int | None:
    """The number of levels of bases, or None if there is a circle or too many levels."""
    users = dict.fromkeys(reached, 0)
    for places in reached.values():
        for place in places:
            users[place] += 1
    level = [place for place, count in users.items() if not count]
    done = levels = 0
    while level and levels < MOST_LEVELS:
        levels, done, following = levels + 1, done + len(level), []
        for place in level:
            for used in reached[place]:
                users[used] -= 1
                if not users[used]:
                    following.append(used)
        level = following
    return levels if done == len(reached) else None


def _with_parents(folder: str) -> Iterator[str]:
    yield folder
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder
