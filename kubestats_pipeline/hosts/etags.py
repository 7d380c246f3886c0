"""Answers that a host may confirm instead of repeating: kept on disk with their ETag, each in a file of its own.

A file's name is a keyed fingerprint of the address and of all headers of the request, so that an answer got with a
token is found only with that token. The key is random, lives beside the answers, and neither token nor headers are
written down. An entry is only ever sent back for confirmation. Everything here may be deleted at any time, and what
cannot be read or written is as if it were not there: the next call then costs one of the hour's calls, nothing else.
"""

import contextlib
import hmac
import json
import os
import secrets
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

UNUSED_SECONDS = 30 * 86_400
"""Entries that nobody asked for in this time are dropped."""

MAX_ENTRY_BYTES = 4_000_000
"""Larger answers, compressed, are not kept."""

MAX_BYTES = 256_000_000
"""All entries together. Past it the ones that were not used for longest go."""

KEY_BYTES = 32
SUFFIX = ".answer"


@dataclass(frozen=True)
class CachedAnswer:
    """One remembered answer."""

    etag: str
    next_url: str | None
    body: bytes


class EtagStore:
    """The answers below one folder, which is made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, url: str, headers: Mapping[str, str]) -> CachedAnswer | None:
        """The answer that this request got last. None if it is missing or damaged."""
        path = self._path(url, headers)
        if path is None:
            return None
        try:
            entry = _decode(path.read_bytes())
            os.utime(path)
        except (OSError, ValueError, TypeError, KeyError, zlib.error):
            return None
        return entry

    def write(self, url: str, headers: Mapping[str, str], entry: CachedAnswer) -> None:
        """Keep an answer, in place of an earlier one to the same request."""
        content = _encode(entry)
        if len(content) > MAX_ENTRY_BYTES:
            return
        with contextlib.suppress(OSError):  # a full or read-only disk: see above
            self._make_key()
            path = self._path(url, headers)
            if path is not None:
                temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
                temporary.write_bytes(content)
                temporary.replace(path)

    def prune(self) -> None:
        """Drop what was not used for long, what lies beyond the bound, and what a killed process left half written."""
        with contextlib.suppress(OSError):  # another process prunes the same folder
            self._drop_unfinished()
            total, oldest = 0, time.time() - UNUSED_SECONDS
            used = [(file.stat(), file) for file in self._folder.glob(f"*{SUFFIX}")]
            for status, file in sorted(used, key=lambda pair: pair[0].st_mtime, reverse=True):
                total += status.st_size
                if total > MAX_BYTES or status.st_mtime < oldest:
                    file.unlink(missing_ok=True)

    def _drop_unfinished(self) -> None:
        for file in self._folder.glob(".*"):
            if file.stat().st_mtime < time.time() - 3600:
                file.unlink(missing_ok=True)

    def _path(self, url: str, headers: Mapping[str, str]) -> Path | None:
        try:
            key = (self._folder / "key").read_bytes()
        except OSError:
            return None
        if len(key) != KEY_BYTES:
            return None
        asked = json.dumps([url, sorted((name.lower(), value) for name, value in headers.items())])
        return self._folder / f"{hmac.digest(key, asked.encode(), 'sha256').hex()}{SUFFIX}"

    def _make_key(self) -> None:
        """Make the folder, for its owner only, and the key. Of two processes the first one's key stays."""
        key = self._folder / "key"
        if key.exists():
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._folder / f".key.{secrets.token_hex(8)}"
        temporary.write_bytes(secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):  # another process was quicker
            os.link(temporary, key)
        temporary.unlink()


def _encode(entry: CachedAnswer) -> bytes:
    head = json.dumps({"etag": entry.etag, "next_url": entry.next_url}).encode()
    return zlib.compress(head + b"\n" + entry.body, 6)


def _decode(content: bytes) -> CachedAnswer:
    """Read what `_encode` wrote. The checksum of zlib covers head and body.

    Raises:
        ValueError, TypeError, KeyError, zlib.error: the file is damaged.
    """
    head, _, body = zlib.decompress(content).partition(b"\n")
    return CachedAnswer(body=body, **json.loads(head))
