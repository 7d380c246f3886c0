"""The record of a clean-up, which every part of it returns."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Removed:
    """So many things of one sort, and the disk space that they took, in units of 1,000,000 bytes."""

    what: str
    count: int = 0
    megabytes: float = 0.0


def remove_paths(paths: Iterable[Path]) -> tuple[int, float]:
    """Remove files and folders, and return their number and megabytes.

    Those that are gone by now or belong to another user do not count.
    """
    count, total = 0, 0
    for path in paths:
        size = size_of(path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        if not path.exists():
            count, total = count + 1, total + size
    return count, total / 1e6


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files below a folder, or 0 where nothing is there."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file() or file.is_symlink())
