"""Brings the copies of a machine up to date with the bucket: one listing, compared with what the index remembers.

Objects that have changed are fetched, copies of those that are gone are removed. A copy that somebody has edited,
damaged or deleted is fetched again, apart from the files of the administrator's, whose edits go to the bucket.

The first time, an empty bucket takes over what lies here: so a lake on one machine moves to a bucket, and a backup that
was restored does. Two lakes are never mixed: a bucket that has one refuses a data directory with files that it does not
have.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from kubestats_pipeline.storage.bucket import StoreError, tag_of
from kubestats_pipeline.storage.copies import Copies, place
from kubestats_pipeline.storage.folder import Stamp
from kubestats_pipeline.storage.index import LocalCopy, open_index
from kubestats_pipeline.storage.names import (
    EDITED_BY_HAND,
    KNOWN,
    KNOWN_FILES,
    KNOWN_FOLDERS,
    PACK,
    is_known,
    is_packed,
)
from kubestats_pipeline.storage.objects import StaleError
from kubestats_pipeline.storage.pack import push_pack, take_pack

FETCHES = 16
"""Requests at once. They mostly wait."""

_URL, _TAKING_OVER = "url", "taking over"


def pull_all(copies: Copies) -> None:
    """Bring all copies up to date.

    Raises:
        StoreError: the bucket does not work, or has another lake than the data directory.
    """
    with open_index(copies.index) as index:
        if index.fact(_URL) != copies.bucket.url:
            index.forget_all()
        known, packed = index.copies(), index.fact(PACK)
        is_taking_over = index.fact(_TAKING_OVER) == "yes"
    listed = {key.removeprefix(KNOWN): version for key, version in copies.bucket.list(KNOWN).items()}
    here = _look(copies)
    if is_taking_over or not known:
        _join(copies, listed, here)
        if is_taking_over or not listed:
            return
        with open_index(copies.index) as index:
            known = index.copies()
    if any(copy.version for copy in known.values()) and not listed:
        lost = f"{copies.bucket.url} is empty, and {copies.folder.root} has what was in it"
        raise StoreError(f"{lost}. Put that back by deleting {copies.index.name} there, or correct lake_url")
    if not _is_same(packed, listed.get(PACK)) or _misses_packed(known, here):
        take_pack(copies)
    listed.pop(PACK, None)
    own = {name: copy for name, copy in known.items() if not is_packed(name)}
    edited = _edited(own, here)
    for name in edited:
        _put_edited(copies, name, own.get(name))
    stale = [name for name, version in listed.items() if not _is_current(own.get(name), version, here.get(name))]
    with ThreadPoolExecutor(FETCHES, thread_name_prefix="pull") as pool:
        list(pool.map(lambda name: take(copies, name, own.get(name)), set(stale) - edited))
    _drop(copies, {name: copy for name, copy in own.items() if name not in listed and name not in edited})
    _refuse_strays(copies, here.keys() - listed.keys() - edited)


def take(copies: Copies, name: str, seen: LocalCopy | None) -> None:
    """Fetch an object, and remove the copy of one that is gone. A copy that was written here since `seen` stays."""
    try:
        data, version = copies.bucket.get(KNOWN + name)
    except FileNotFoundError:
        if seen is not None:
            _drop(copies, {name: seen})
        return
    with open_index(copies.index) as index:
        if index.copy(name) == seen:
            index.note(name, LocalCopy(version, place(copies.folder, name, data)))


def _look(copies: Copies) -> dict[str, Stamp]:
    """The files that lie here, of all that is known, with their stamps."""
    found: dict[str, Stamp] = {}
    for prefix in (*KNOWN_FOLDERS, *KNOWN_FILES):
        found |= copies.folder.stamps(prefix)
    return {name: stamp for name, stamp in found.items() if is_known(name)}


def _is_same(known: str | None, listed: str | None) -> bool:
    return tag_of(known or "") == tag_of(listed or "")


def _misses_packed(known: Mapping[str, LocalCopy], here: Mapping[str, Stamp]) -> bool:
    """True where a copy of the pack is not the one that was written here."""
    return any(copy.stamp != here.get(name) for name, copy in known.items() if is_packed(name))


def _is_current(copy: LocalCopy | None, listed: str, stamp: Stamp | None) -> bool:
    return copy is not None and _is_same(copy.version, listed) and copy.stamp == stamp


def _edited(known: Mapping[str, LocalCopy], here: Mapping[str, Stamp]) -> set[str]:
    """The administrator's files that somebody has edited here."""
    return {name for name in EDITED_BY_HAND if name in here and (name not in known or known[name].stamp != here[name])}


def _put_edited(copies: Copies, name: str, known: LocalCopy | None) -> None:
    """Put a file that was edited here, unless another machine has changed it too."""
    data = copies.folder.local_path(name).read_bytes()
    try:
        version = copies.bucket.put(KNOWN + name, data, known.version if known else None)
    except (FileExistsError, StaleError):
        theirs, version = copies.bucket.get(KNOWN + name)
        if theirs != data:
            edited = f"{copies.folder.local_path(name)} was edited here, and on another machine too"
            raise StoreError(f"{edited}. Move yours away, run again, and edit what is there") from None
    with open_index(copies.index) as index:
        index.note(name, LocalCopy(version, Stamp.of(copies.folder.local_path(name).stat())))


def _drop(copies: Copies, gone: Mapping[str, LocalCopy]) -> None:
    """Remove the copies of objects that are gone, but for those that were written here since."""
    if gone:
        with open_index(copies.index) as index:
            for name, copy in gone.items():
                if index.copy(name) == copy:
                    copies.folder.delete(name)
                    index.forget(name)


def _refuse_strays(copies: Copies, names: Iterable[str]) -> None:
    """Refuse files that nobody has put: they would be read as rows. One that was written meanwhile is known by now.

    A process that was killed between a small file and its note has left one: it is packed with the next.
    """
    suspects = sorted(names)
    if suspects:
        with open_index(copies.index) as index:
            found = [name for name in suspects if index.copy(name) is None and copies.folder.exists(name)]
            for name in filter(is_packed, found):
                index.note(name, LocalCopy("", Stamp.of(copies.folder.local_path(name).stat()), is_waiting=True))
        if strays := [name for name in found if not is_packed(name)]:
            path = copies.folder.local_path(strays[0])
            raise StoreError(f"{path} is not in {copies.bucket.url}. Move it away, it would be read as rows")


def _join(copies: Copies, listed: Mapping[str, str], here: Iterable[str]) -> None:
    """Belong to a bucket from now on. An empty one takes over what lies here, and copies of a full one are known again.

    Raises:
        StoreError: the bucket has another lake.
    """
    with open_index(copies.index) as index:
        is_taking_over = index.fact(_TAKING_OVER) == "yes" or not listed
        own = sorted({*here} - index.copies().keys())  # another process of this machine may just have put some
    if not is_taking_over:
        _recognise(copies, [name for name in own if not is_packed(name)], listed)
    with open_index(copies.index) as index:
        index.note_fact(_URL, copies.bucket.url)
        index.note_fact(_TAKING_OVER, "yes" if is_taking_over else "no")
    if is_taking_over:
        with ThreadPoolExecutor(FETCHES, thread_name_prefix="take-over") as pool:
            list(pool.map(lambda name: _hand_over(copies, name), own))
        push_pack(copies)
        with open_index(copies.index) as index:
            index.note_fact(_TAKING_OVER, "no")


def _recognise(copies: Copies, own: Sequence[str], listed: Container[str]) -> None:
    """Note files of which nobody knows any more that they are copies. One that is none belongs to another lake."""

    def recognised(name: str) -> LocalCopy | None:
        path = copies.folder.local_path(name)
        if name not in listed:
            return None
        data, version = copies.bucket.get(KNOWN + name)
        return LocalCopy(version, Stamp.of(path.stat())) if path.read_bytes() == data else None

    with ThreadPoolExecutor(FETCHES, thread_name_prefix="recognise") as pool:
        found = dict(zip(own, pool.map(recognised, own), strict=True))
    if not all(found.values()):
        refused = f"{copies.bucket.url} has a lake, and {copies.folder.root} has another one"
        raise StoreError(f"{refused}. Choose an empty data_dir, or an empty place for lake_url")
    with open_index(copies.index) as index:
        for name, copy in found.items():
            if copy is not None and index.copy(name) is None:
                index.note(name, copy)


def _hand_over(copies: Copies, name: str) -> None:
    """Put one file of the lake that lies here. One that is there already was put before this was interrupted."""
    path = copies.folder.local_path(name)
    data, stamp = path.read_bytes(), Stamp.of(path.stat())
    if is_packed(name):
        copy = LocalCopy("", stamp, is_waiting=True)
    else:
        try:
            copy = LocalCopy(copies.bucket.put(KNOWN + name, data, None), stamp)
        except FileExistsError:
            copy = LocalCopy(copies.bucket.version(KNOWN + name) or "", stamp)
    with open_index(copies.index) as index:
        index.note(name, copy)
