"""Reads the blobs of a mirror through one `git cat-file --batch`, asking ahead so that nobody waits for an answer.

The blobs that a history needs are found by `history.py`, their content is read in `scan/manifests/`. Nothing is
fetched: a blob that the mirror left out is missing.
"""

import contextlib
import subprocess
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from kubestats_pipeline.git import command as git

AHEAD = 100
"""Blobs asked for before they are read. Their ids fit into the pipe, so that git and we never wait for each other."""

SET_ASIDE = 100
"""Blobs kept that came before they were read. Older ones are asked for again."""

LARGEST_BLOB = 1024 * 1024 - 1
"""Mirrors leave larger blobs out. Where one has them all the same, such as that of a local path, they count as left
out, so that the result does not depend on how the mirror was made.
"""
_BLOCK = 1 << 16


class BlobReader:
    """Reads blobs of one mirror. Use it as a context manager."""

    def __init__(self, mirror: Path) -> None:
        self._mirror = mirror
        self._process: subprocess.Popen[bytes] | None = None
        self._wishes: deque[str] = deque()
        self._asked: deque[str] = deque()
        self._unsent = False
        self._set_aside: OrderedDict[str, bytes | None] = OrderedDict()

    def __enter__(self) -> "BlobReader":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            git.kill(self._process)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()

    def expect(self, oids: Iterable[str]) -> None:
        """Say which blobs will probably be read next, in this order."""
        self._wishes.extend(oids)

    def read(self, oid: str) -> bytes | None:
        """A blob's bytes, or None where it is larger than the blobs that a mirror keeps.

        Raises:
            GitError: git stopped or the object is not a blob.
        """
        if oid in self._set_aside:
            return self._set_aside.pop(oid)
        if oid not in self._asked:
            self._ask(oid)
        while True:
            self._ask_ahead()
            answered = self._asked.popleft()
            blob = self._receive(answered)
            if answered == oid:
                return blob
            self._set_aside[answered] = blob
            if len(self._set_aside) > SET_ASIDE:
                self._set_aside.popitem(last=False)

    def _ask_ahead(self) -> None:
        """Ask for many at once: git and we would else wake each other for every blob."""
        if len(self._asked) <= AHEAD // 2:
            while self._wishes and len(self._asked) < AHEAD:
                self._ask(self._wishes.popleft())
        if self._unsent:
            stdin, _ = self._pipes()
            with self._explained():
                stdin.flush()
            self._unsent = False

    def _ask(self, oid: str) -> None:
        self._asked.append(oid)
        self._unsent = True
        stdin, _ = self._pipes()
        with self._explained():
            stdin.write(f"{oid}\n".encode())

    def _receive(self, oid: str) -> bytes | None:
        _, stdout = self._pipes()
        header = stdout.readline().split()
        if header[1:] == [b"missing"]:
            return None
        if len(header) != 3 or header[1] != b"blob":
            raise git.GitError(f"object {oid} of {self._mirror.name} is not a readable blob")
        size = int(header[2])
        if size > LARGEST_BLOB:
            _skip(stdout, size + 1)
            return None
        return stdout.read(size + 1)[:size]

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None:
            arguments = ["cat-file", "--batch"]
            self._process = git.start(arguments, directory=self._mirror, piped_stdin=True, stderr=subprocess.DEVNULL)
        assert self._process.stdin is not None  # noqa: S101 - `start` pipes it
        assert self._process.stdout is not None  # noqa: S101 - and this one
        return self._process.stdin, self._process.stdout

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise git.GitError(f"git cat-file stopped while it read {self._mirror.name}") from None


def _skip(stream: IO[bytes], size: int) -> None:
    """Pass over bytes without holding them."""
    while size > 0 and (block := stream.read(min(size, _BLOCK))):
        size -= len(block)
