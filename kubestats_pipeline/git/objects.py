"""Git's objects as bytes: their ids, trees, commits, and packs of them.

An object's id is the hash of its bytes, so that content can be checked by its id. Nothing is run or written here:
`sync/api.py` hands the packs to git, `hosts/github/objects.py` checks blobs.
"""

import hashlib
import itertools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["commit", "tree", "blob"]

UNKNOWN_BYTES = 2
"""So many bytes of a directory's names are found by trying all values. Two are 16,384 hashes of one tree."""

_PACK_NUMBERS: dict[Kind, int] = {"commit": 1, "tree": 2, "blob": 3}
_REPLACEMENT = "\ufffd".encode()


class UnlikeItsIdError(Exception):
    """An object's bytes do not have the announced id, which its text names."""


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object, to be written."""

    kind: Kind
    content: bytes

    @property
    def oid(self) -> str:
        """Its id."""
        return object_id(self.kind, self.content)


@dataclass(frozen=True, slots=True)
class Child:
    """One entry of a directory.

    Attributes:
        mode: octal digits, with or without leading zeros.
        name: its name as text, with U+FFFD for a byte that is not UTF-8.
    """

    mode: str
    name: str
    oid: str


def object_id(kind: Kind, content: bytes) -> str:
    """The id of an object (Git book, "Git Internals": SHA-1 of kind, size, NUL and content)."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content, usedforsecurity=False).hexdigest()


def build_tree(oid: str, children: Sequence[Child]) -> GitObject:
    """The tree of a known id, from what JSON can say of it.

    JSON cannot hold a name that is not UTF-8. The bytes of such a name are found by the id, as long as few are unknown.

    Raises:
        UnlikeItsIdError: no spelling of the names gives this id, so something is missing or was changed.
    """
    entries = [(child.mode.lstrip("0").encode(), child.name.encode(), bytes.fromhex(child.oid)) for child in children]
    tree = GitObject("tree", _tree_content(entries))
    if tree.oid == oid:
        return tree
    unknown = sum(name.count(_REPLACEMENT) for _, name, _ in entries)
    if 0 < unknown <= UNKNOWN_BYTES:
        for guess in itertools.product(range(0x80, 0x100), repeat=unknown):
            guessed = GitObject("tree", _tree_content(_spell(entries, guess)))
            if guessed.oid == oid:
                return guessed
    raise UnlikeItsIdError(f"the {len(entries)} entries listed for tree {oid} do not give that id")


def build_pack(objects: Sequence[GitObject]) -> bytes:
    """A pack file, version 2 without deltas (git's documentation, "gitformat-pack")."""
    parts = [b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big")]
    for item in objects:
        parts += [_pack_header(_PACK_NUMBERS[item.kind], len(item.content)), zlib.compress(item.content)]
    body = b"".join(parts)
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


_Entry = tuple[bytes, bytes, bytes]
"""Mode, name and binary id, as a tree holds them."""


def _tree_content(entries: Sequence[_Entry]) -> bytes:
    ordered = sorted(entries, key=_tree_order)
    return b"".join(b"%s %s\0%s" % entry for entry in ordered)


def _tree_order(entry: _Entry) -> bytes:
    """Git sorts a directory as if its name ended with a slash."""
    mode, name, _ = entry
    return name + b"/" if mode == b"40000" else name


def _spell(entries: Sequence[_Entry], values: Sequence[int]) -> list[_Entry]:
    """The same entries with every unknown byte of their names replaced, in order."""
    following = iter(values)
    spelt = []
    for mode, name, oid in entries:
        first, *parts = name.split(_REPLACEMENT)
        spelt.append((mode, first + b"".join(bytes([next(following)]) + part for part in parts), oid))
    return spelt


def _pack_header(number: int, size: int) -> bytes:
    """Kind and size: four bits of the size in the first byte, seven in each further one, the lowest first."""
    header = bytearray()
    byte, size = (number << 4) | (size & 0x0F), size >> 4
    while size:
        header.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    header.append(byte)
    return bytes(header)
