"""Reads files ahead of a long replay in other processes, so that one repository is scanned on all cores.

A replay is sequential, but parsing a blob depends only on the blob and its file name. So helper processes parse the
blobs that come next, a few at a time and in the order of their use, and the replay reads itself what no helper has
begun. The result does not depend on who reads a blob, and a helper that dies costs only its time.
"""

import atexit
import functools
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.files import BlobKey, FileVersion, read_version
from kubestats_pipeline.scan.manifests.incremental import IncrementalReader
from kubestats_pipeline.scan.manifests.manifests import FileContent
from kubestats_pipeline.scan.parallel.workers import Worker, WorkerDiedError

BLOBS_BEFORE_HELPERS = 3_000
"""Blobs that a replay reads by itself before it starts helpers: the tips of all but the largest repositories have less.

They take a second and a half. A helper needs half a second of CPU to start, and sends what it has read.
"""

BLOBS_AHEAD = 2_000
"""Blobs that are known to come next, so that neither the helpers nor the replay wait where the other takes longer."""

BYTES_AHEAD = 64_000_000
"""Bytes of memory of what helpers have read and the replay has not taken: with more than that they wait."""

BLOBS_AT_ONCE = 100
"""Blobs of one call to a helper, which waits for the next call until the replay is interrupted for it."""

SWITCH_SECONDS = 0.0002
"""How long a thread that hands blobs to a helper waits for the replay, several times a call: by default it is 5 ms."""


@dataclass(eq=False)
class _Batch:
    """Some files that are read together.

    Attributes:
        contents: their content. The replay reads the blobs that are missing here.
    """

    files: tuple[FileVersion, ...]
    is_begun: bool = False
    is_done: bool = False
    contents: dict[BlobKey, FileContent] = field(default_factory=dict)


class ReadAhead:
    """Reads what is expected in so many helper processes. Use it as a context manager.

    Args:
        blobs: the replay's own reader, which gets the blobs that no helper will read.
    """

    def __init__(self, mirror: Path, bounds: Bounds, helpers: int, blobs: BlobReader) -> None:
        self._blobs = blobs
        self._crew = [Worker(partial(read_batch, mirror=mirror, bounds=bounds)) for _ in range(helpers)]
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._waiting: deque[_Batch] = deque()
        self._batches: dict[BlobKey, _Batch] = {}
        self._seen: set[BlobKey] = set()
        self._gathered: list[FileVersion] = []
        self._bytes = 0
        self._is_ending = False
        self._switch_seconds = sys.getswitchinterval()

    def __enter__(self) -> "ReadAhead":
        if self._crew:
            sys.setswitchinterval(SWITCH_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setswitchinterval(self._switch_seconds)
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        for worker in self._crew:
            worker.end()

    def expect(self, files: Iterable[FileVersion]) -> int:
        """Announce the files that will be read next, in this order. Returns how many more are useful to know.

        Those that came before are not read again: the replay remembers them.
        """
        keys = {file.key: file for file in files}
        fresh = [file for key, file in keys.items() if key not in self._seen]
        self._seen.update(keys)
        if not self._crew or len(self._seen) < BLOBS_BEFORE_HELPERS:
            self._blobs.expect(file.oid for file in fresh)
            return 0
        self._gathered += fresh
        while len(self._gathered) >= BLOBS_AT_ONCE:
            self._hand_out(_Batch(tuple(self._gathered[:BLOBS_AT_ONCE])))
            del self._gathered[:BLOBS_AT_ONCE]
        return BLOBS_AHEAD

    def _hand_out(self, batch: _Batch) -> None:
        with self._changed:
            self._waiting.append(batch)
            self._batches |= {file.key: batch for file in batch.files}
            self._changed.notify_all()
        if not self._threads:
            self._threads = [threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in self._crew]
            for thread in self._threads:
                thread.start()

    def take(self, key: BlobKey) -> FileContent | None:
        """The content of a blob, once, or None where the caller is to read it."""
        with self._changed:
            batch = self._batches.pop(key, None)
            if batch is None:
                return None
            if not batch.is_begun:
                self._waiting.remove(batch)
                for file in batch.files:
                    self._batches.pop(file.key, None)
                self._blobs.expect(file.oid for file in batch.files)
                return None
            self._changed.wait_for(lambda: batch.is_done)
            content = batch.contents.pop(key, None)
            if content is not None:
                was_full, self._bytes = self._is_full, self._bytes - content.memory
                if was_full and not self._is_full:  # else no helper waits, and to wake one costs more than a blob
                    self._changed.notify_all()
            return content

    @property
    def _is_full(self) -> bool:
        return self._bytes >= BYTES_AHEAD

    def _work(self, worker: "Worker[Sequence[FileVersion], list[FileContent]]") -> None:
        for batch in self._begun():
            contents = worker.call(batch.files)
            died = isinstance(contents, WorkerDiedError)
            with self._changed:
                if not isinstance(contents, WorkerDiedError):
                    self._bytes += sum(content.memory for content in contents)
                    batch.contents.update(zip((file.key for file in batch.files), contents, strict=True))
                batch.is_done = True
                self._changed.notify_all()
            if died:
                return

    def _begun(self) -> Iterator[_Batch]:
        """The batches that a helper takes over, until the end."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: (self._waiting and not self._is_full) or self._is_ending)
                if self._is_ending:
                    return
                batch = self._waiting.popleft()
                batch.is_begun = True
            yield batch


def read_batch(files: Sequence[FileVersion], mirror: Path, bounds: Bounds) -> list[FileContent]:
    """Read files of a mirror. It runs in a helper, whose git process and last versions stay for the next call."""
    blobs, reader = _open(mirror, bounds)
    blobs.expect(file.oid for file in files)
    return [read_version(file, blobs.read, reader) for file in files]


@functools.lru_cache(maxsize=1)
def _open(mirror: Path, bounds: Bounds) -> tuple[BlobReader, IncrementalReader]:
    blobs = BlobReader(mirror)
    atexit.register(blobs.__exit__)
    return blobs, IncrementalReader(bounds, read_before_keeping=0)
