"""Paths inside a repository, relative to its root."""

import functools
import posixpath


def normalise_path(path: str) -> str:
    """A path relative to the root of a repository: `./x`, `/x` and `x/` are `x`, and the root is empty."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


@functools.lru_cache(maxsize=4096)
def resolve_entry(folder: str, entry: str) -> str:
    """The path of a file or folder that a file in `folder` names as `entry`."""
    return normalise_path(posixpath.normpath(posixpath.join(folder, entry)))
