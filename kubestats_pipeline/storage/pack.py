"""The small objects that each sweep replaces, as one object of the bucket: the pack.

A sweep writes their copies one by one and puts the pack at its end. Each of them has its own version, the digest of its
content in the last pack that this machine has seen. Where another machine has put a pack meanwhile, what it changed
wins over what waits here: it looked later, and no older state takes the place of a younger one.
"""

import hashlib
import io
import os
from collections.abc import Mapping

from kubestats_pipeline.storage.copies import Copies, place
from kubestats_pipeline.storage.folder import Stamp
from kubestats_pipeline.storage.index import Index, LocalCopy, open_index
from kubestats_pipeline.storage.names import KNOWN, PACK, is_packed
from kubestats_pipeline.storage.objects import StaleError

ATTEMPTS = 20
"""How often a pack is put again that other machines replace all the time."""

_NAME, _CONTENT = "name", "content"


def push_pack(copies: Copies) -> None:
    """Put the pack, where something waits for it.

    Raises:
        StaleError: other machines replace it all the time. All that waits goes with the next sweep.
    """
    for _ in range(ATTEMPTS):
        with open_index(copies.index) as index:
            known = {name: copy for name, copy in index.copies().items() if is_packed(name)}
            version = index.fact(PACK)
        if not any(copy.is_waiting for copy in known.values()):
            return
        contents = _read(copies, known)
        packed = pack({name: data for name, (data, _) in contents.items()})
        try:
            put = copies.bucket.put(KNOWN + PACK, packed, version)
        except (FileExistsError, StaleError):
            take_pack(copies)
            continue
        with open_index(copies.index) as index:
            index.note_fact(PACK, put)
            _settle(index, known, contents)
        return
    raise StaleError(f"{copies.bucket.url} has a new pack all the time. The next sweep goes on")


def take_pack(copies: Copies) -> None:
    """Fetch the pack, and bring the copies to what it has."""
    try:
        packed, version = copies.bucket.get(KNOWN + PACK)
    except FileNotFoundError:
        packed, version = pack({}), ""
    with open_index(copies.index) as index:
        known = {name: copy for name, copy in index.copies().items() if is_packed(name)}
        found = unpack(packed)
        for name, data in found.items():
            digest = _digest(data)
            if not _is_settled(copies, name, known.get(name), digest):
                index.note(name, LocalCopy(digest, place(copies.folder, name, data)))
        for name, copy in known.items():
            if name not in found and copy.version:  # one that was never packed waits on
                copies.folder.delete(name)
                index.forget(name)
        index.note_fact(PACK, version)


def _is_settled(copies: Copies, name: str, copy: LocalCopy | None, digest: str) -> bool:
    """True where the copy is that of the pack, or a younger one that waits and has its place in this very pack."""
    if copy is None or copy.version != digest:
        return False
    if copy.is_waiting:
        return True
    path = copies.folder.local_path(name)
    return copy.stamp is not None and path.exists() and Stamp.of(path.stat()) == copy.stamp


def _read(copies: Copies, known: Mapping[str, LocalCopy]) -> dict[str, tuple[bytes, Stamp]]:
    """The copies that are there, each with the stamp of the file that was read."""
    found = {}
    for name in known:
        try:
            with copies.folder.read(name) as file:
                found[name] = (file.read(), Stamp.of(os.fstat(file.fileno())))
        except FileNotFoundError:
            continue  # removed here: it is not in the next pack either
    return found


def _settle(index: Index, known: Mapping[str, LocalCopy], put: Mapping[str, tuple[bytes, Stamp]]) -> None:
    """Remember what the pack has. A copy that was written meanwhile waits for the next one."""
    for name in known:
        copy = index.copy(name)
        if name in put and copy is not None:
            data, stamp = put[name]
            index.note(name, LocalCopy(_digest(data), copy.stamp, is_waiting=copy.stamp != stamp))
        elif copy is not None and copy.stamp is None:
            index.forget(name)


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Contents by name as a Parquet file of two columns. The same contents give the same bytes."""
    import polars as pl

    names, packed = sorted(contents), io.BytesIO()
    columns = {_NAME: names, _CONTENT: [contents[name] for name in names]}
    frame = pl.DataFrame(columns, schema={_NAME: pl.String(), _CONTENT: pl.Binary()})
    frame.write_parquet(packed, compression="zstd")
    return packed.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """The contents that `pack` put together."""
    import polars as pl

    frame = pl.read_parquet(io.BytesIO(packed))
    return dict(zip(frame[_NAME].to_list(), frame[_CONTENT].to_list(), strict=True))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
