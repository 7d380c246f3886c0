"""The store of a data directory: the folder itself, or the bucket of which it is a copy."""

import functools
from pathlib import Path

from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.storage.objects import ObjectStore


def open_store(data_dir: Path, lake_url: str) -> ObjectStore:
    """The store that the settings name. Nothing is read yet.

    Raises:
        StoreError: `lake_url` cannot be an address, or obstore is not installed.
    """
    return _open_replica(data_dir, lake_url) if lake_url else FolderStore(data_dir)


@functools.lru_cache(maxsize=8)
def _open_replica(data_dir: Path, lake_url: str) -> ObjectStore:
    """One a process, so that its connections are used again."""
    from kubestats_pipeline.storage.bucket import LakeBucket
    from kubestats_pipeline.storage.replica import Replica

    return Replica(data_dir, LakeBucket(lake_url))
