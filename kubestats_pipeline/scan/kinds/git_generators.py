"""Git generators of ApplicationSets: the folders or files of a repository that they choose, with their parameters.

`application_sets.py` fills templates with them.
"""

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kubestats_pipeline.scan.documents.repository_paths import normalise_path

_NOT_A_NAME = re.compile(r"[^a-z0-9.-]+")
_ANY_FOLDERS = "**"

Pattern = list[re.Pattern[str] | None]
"""A glob by its segments. None stands for any number of folders."""


def from_directories(
    entries: list[dict[str, Any]], folders: Iterable[str], prefix: str | None
) -> Iterator[dict[str, Any]]:
    """The parameters of each folder that a pattern chooses and none excludes. Hidden folders are never chosen."""
    chosen, excluded = _patterns(entries, whole=False)
    for folder in folders:
        hidden = any(part.startswith(".") for part in folder.split("/"))
        if not hidden and _fits(folder, chosen) and not _fits(folder, excluded):
            yield _within(prefix, _of_path(folder))


def from_files(
    entries: list[dict[str, Any]],
    paths: Iterable[str],
    read: Callable[[str], list[dict[str, Any]]],
    prefix: str | None,
) -> Iterator[dict[str, Any]]:
    """The parameters in each file that a pattern chooses and none excludes, with those of its folder."""
    chosen, excluded = _patterns(entries, whole=True)
    for path in paths:
        if not _fits(path, chosen) or _fits(path, excluded):
            continue
        folder, _, name = path.rpartition("/")
        file = {**_of_path(folder), "filename": name, "filenameNormalized": _normalised(name)}
        for content in read(path):
            yield {**content, **_within(prefix, file)}


def _of_path(folder: str) -> dict[str, Any]:
    name = folder.rpartition("/")[2]
    return {"path": folder, "basename": name, "basenameNormalized": _normalised(name), "segments": folder.split("/")}


def _within(prefix: str | None, parameters: dict[str, Any]) -> dict[str, Any]:
    return {prefix: {"path": parameters}} if prefix else {"path": parameters}


def _normalised(name: str) -> str:
    """A name as Argo CD makes it fit for Kubernetes: lower case, and hyphens for everything else, at most 63."""
    return _NOT_A_NAME.sub("-", name.lower())[:63].strip("-.")


def _patterns(entries: list[dict[str, Any]], *, whole: bool) -> tuple[list[Pattern], list[Pattern]]:
    """The patterns that choose and those that exclude. A `**` stands for folders in patterns of whole files only."""
    found: tuple[list[Pattern], list[Pattern]] = ([], [])
    for entry in entries:
        path = entry.get("path")
        if isinstance(path, str):
            segments = normalise_path(path).split("/")
            pattern = [None if whole and part == _ANY_FOLDERS else _segment(part) for part in segments]
            found[entry.get("exclude") is True].append(pattern)
    return found


def _segment(part: str) -> re.Pattern[str]:
    """One segment of a glob. The expressions of `fnmatch` need no more than the product of both lengths."""
    return re.compile(fnmatch.translate(part))


def _fits(path: str, patterns: list[Pattern]) -> bool:
    segments = path.split("/")
    return any(_fits_one(segments, pattern) for pattern in patterns)


def _fits_one(segments: list[str], pattern: Pattern) -> bool:
    """True if a path fits, by the set of places in the pattern that its beginning can have reached."""
    places = _closed({0}, pattern)
    for segment in segments:
        here = {place for place in places if place < len(pattern)}
        stays = {place for place in here if pattern[place] is None}
        goes = {place + 1 for place in here if (part := pattern[place]) is not None and part.match(segment)}
        places = _closed(stays | goes, pattern)
    return len(pattern) in places


def _closed(places: set[int], pattern: Pattern) -> set[int]:
    """The places, and those behind them, because any number of folders may be zero."""
    for place in sorted(places):
        while place < len(pattern) and pattern[place] is None:
            place += 1
            places.add(place)
    return places
