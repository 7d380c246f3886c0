"""Takes away the mirrors of repositories that are no longer watched: they are caches, and the largest things on disk.

A repository that comes back gets a new one. Its tables stay, and where the new mirror reaches less far back than they
do, the scan continues them all the same.
"""

import contextlib
import datetime
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from kubestats_pipeline.clean.removed import Removed, size_of
from kubestats_pipeline.git.mirror_folder import Mirror
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.locks import BusyError

WHAT = "mirrors of repositories that are no longer watched"


def remove_unused_mirrors(lake: Lake, before: datetime.datetime) -> Removed:
    """Remove mirrors whose repository is not active and was last synced before a time.

    Nothing is removed before the table of repositories exists, because nobody knows what is watched then.

    Raises:
        LakeError: the table of repositories is damaged.
    """
    partition = lake.read(REPOSITORIES)
    if partition is None:
        return Removed(WHAT)
    tables: dict[Path, list[RepositoryTables]] = {}
    active: set[Path] = set()
    for row in partition.rows.iter_rows(named=True):
        mirror = lake.layout.mirror(row["host"], row["owner"], row["name"])
        tables.setdefault(mirror, []).append(RepositoryTables(lake, row["full_name"], row["repository_id"]))
        if row["status"] == "active":
            active.add(mirror)
    unused = [mirror for mirror in find_mirrors(lake.layout.mirrors) if mirror not in active]
    sizes = [_remove(mirror) for mirror in unused if _last_used(mirror, tables.get(mirror, ())) < before]
    return Removed(WHAT, sum(size > 0 for size in sizes), sum(sizes) / 1e6)


def find_mirrors(folder: Path) -> Iterator[Path]:
    """All mirrors below a folder. A folder on the way may be named like one, but only a mirror has objects."""
    for path, folders, _ in os.walk(folder):
        here = Path(path)
        if "objects" in folders:
            folders.clear()
            if not here.name.startswith("."):
                yield here


def _last_used(mirror: Path, owners: Iterable[RepositoryTables]) -> datetime.datetime:
    """The last sync of the repositories that have or had this mirror, or the last write to it before any sync."""
    with contextlib.suppress(LakeError):  # a damaged snapshot does not keep the clean-up from its work
        snapshots = [tables.snapshot() for tables in owners]
        if times := [row["last_sync_at"] for row in snapshots if row is not None]:
            last: datetime.datetime = max(times)
            return last
    written = max(path.stat().st_mtime for path in (mirror, mirror / "refs/heads") if path.exists())
    return datetime.datetime.fromtimestamp(written, datetime.UTC)


def _remove(mirror: Path) -> int:
    """Remove a mirror and return its bytes, 0 where somebody works on it."""
    size = size_of(mirror)
    try:
        Mirror(mirror).discard(wait=0)
    except BusyError:
        return 0
    return size
