"""The parts of a replica, as the modules that move bytes between bucket and copies know them."""

import os
from pathlib import Path
from typing import Protocol

from kubestats_pipeline.storage.bucket import LakeBucket
from kubestats_pipeline.storage.folder import FolderStore, Stamp
from kubestats_pipeline.storage.names import KNOWN
from kubestats_pipeline.storage.objects import SHARED_AT_ONCE


class Copies(Protocol):
    """A bucket, the folder with its copies, and the file of the index."""

    folder: FolderStore
    bucket: LakeBucket
    index: Path


def key_of(name: str) -> str:
    """The name of an object in the bucket."""
    return name if name.startswith(SHARED_AT_ONCE) else KNOWN + name


def place(folder: FolderStore, name: str, data: bytes | memoryview) -> Stamp:
    """Write a copy, and give its stamp. It is not forced to the disk: the bucket has it, and the stamp would tell."""
    path = folder.local_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".copy-{os.getpid()}-{path.name}.tmp")
    temporary.write_bytes(data)
    stamp = Stamp.of(temporary.stat())
    temporary.replace(path)
    return stamp
