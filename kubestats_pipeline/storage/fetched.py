"""Fetches one publication from a bucket into a folder: the file and the pages that belong together."""

import hashlib
import time
from collections.abc import Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from kubestats_pipeline.storage.bucket import LakeBucket, StoreError
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.storage.publication import PUBLISHED, TRANSFERS, PublishedObject, read_manifest

ATTEMPTS = 10
PAUSE_SECONDS = 3.0
"""How often a publication is looked for again that is just coming, and the time between two looks."""

_WAITING = ".fetched/"
"""The folder in which objects wait until all are there."""


@dataclass(frozen=True)
class Fetched:
    """A publication that is in a folder now.

    Attributes:
        files: how many it has.
        transferred: how many of them the folder did not have.
        size: bytes of all.
    """

    files: int
    transferred: int
    size: int


def fetch_publication(bucket: LakeBucket, target: Path, only: str | None = None) -> Fetched:
    """Bring a folder to the latest publication. Files that it has already are not asked for again.

    Nothing in the folder changes before all of one publication has come. With `only`, one of its files is meant.

    Raises:
        StoreError: nothing is published, a publication stays incomplete, or the bucket does not work.
        OSError: the folder cannot be written.
    """
    folder = FolderStore(target)
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        published = read_manifest(bucket).objects
        objects = {name: known for name, known in published.items() if only in (None, name)}
        if not objects:
            raise StoreError(f"nothing is published in {bucket.url} yet. `kubestats run` publishes")
        if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in objects):
            raise StoreError(f"the manifest of {bucket.url} names files outside of it. Publish again")
        missing = {name: known for name, known in objects.items() if not _has(folder, name, known)}
        bring = partial(_bring, bucket, folder)
        with ThreadPoolExecutor(TRANSFERS, thread_name_prefix="fetch") as pool:
            came = list(pool.map(bring, missing, missing.values()))
        if all(came):
            _put_in_place(folder, missing)
            if only is None:
                _remove_others(folder, objects)
            return Fetched(len(objects), len(missing), sum(known.size for known in objects.values()))
    raise StoreError(f"the publication in {bucket.url} is not complete. The next one mends it")


def _has(folder: FolderStore, name: str, known: PublishedObject) -> bool:
    path = folder.local_path(name)
    return path.is_file() and path.stat().st_size == known.size and _digest_of(path) == known.sha256


def _bring(bucket: LakeBucket, folder: FolderStore, name: str, known: PublishedObject) -> bool:
    """Let an object wait beside the files. False where it is not the one of the manifest."""
    try:
        data, _ = bucket.get(PUBLISHED + name)
    except FileNotFoundError:
        return False
    if hashlib.sha256(data).hexdigest() != known.sha256:
        return False
    folder.put(_WAITING + name, data)
    return True


def _put_in_place(folder: FolderStore, came: Iterable[str]) -> None:
    for name in came:
        folder.move(_WAITING + name, name)
    for name in folder.list(_WAITING):  # of an earlier attempt
        folder.delete(name)


def _remove_others(folder: FolderStore, objects: Container[str]) -> None:
    """Remove pages that belong to the publication no longer."""
    for name in folder.list("report/"):
        if name not in objects:
            folder.delete(name)


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
