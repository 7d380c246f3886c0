"""Takes away what killed processes left: temporary files of lake and warehouse, half-built mirrors, half-written packs.

They are recognised by their names and their age. No write takes a day, so nothing is removed that somebody works on.
The stages remove the leftovers that they meet themselves, this module removes those that nobody meets again.
"""

import datetime
from collections.abc import Iterator
from pathlib import Path

from kubestats_pipeline.clean.removed import Removed, remove_paths
from kubestats_pipeline.lake.paths import Layout

WHAT = "leftovers of killed processes"

LEFTOVER_AGE = datetime.timedelta(days=1)
"""The least age of a leftover. All time-outs, also those of git, are minutes."""


def remove_leftovers(layout: Layout, now: datetime.datetime) -> Removed:
    """Remove temporary files and folders that nothing has written to for a day."""
    oldest = (now - LEFTOVER_AGE).timestamp()
    return Removed(WHAT, *remove_paths([path for path in _leftovers(layout) if _last_write(path) < oldest]))


def _leftovers(layout: Layout) -> Iterator[Path]:
    yield from layout.data_dir.glob(".*.tmp")
    for folder in (layout.lake, layout.archives):
        yield from folder.rglob(".*.tmp")
    for database in (layout.warehouse, layout.built_from):
        for suffix in (".tmp", ".tmp.wal", ".tmp.tmp"):  # a database, its log, and the folder that it spilled to
            yield from database.parent.glob(f"{database.name}.*[0-9]{suffix}")
    yield from layout.mirrors.rglob(".*.git.*")
    yield from layout.mirrors.rglob("objects/pack/tmp_*")


def _last_write(path: Path) -> float:
    """The youngest time of a file, or of everything in a folder. Infinite where it vanishes meanwhile."""
    try:
        return max(entry.lstat().st_mtime for entry in (path, *path.rglob("*")))
    except OSError:
        return float("inf")
