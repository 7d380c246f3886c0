"""Circles of folders: a base that leads back to a folder that uses it, which kustomize refuses."""

from collections.abc import Callable, Iterator

MOST_FOLDERS = 2_000
"""Folders that one build reaches."""

MOST_LEVELS = 50
"""Levels of bases and components below one another. Real ones have up to 8."""


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
