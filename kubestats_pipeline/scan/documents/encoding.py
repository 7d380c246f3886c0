"""Decoding of a file's bytes to UTF-8 text, as kubectl does it: bytes that are not a character become U+FFFD.

kubectl reads a file through Go's `unicode.BOMOverride`, which replaces each maximal part of an ill-formed sequence, as
the Unicode standard recommends (section 3.9). Python does the same. Control characters are left to YAML's own rules.
"""

from typing import NamedTuple

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Text(NamedTuple):
    """A file's bytes as UTF-8.

    Attributes:
        replaced_line: the first line, from 1, on which bytes have been replaced, or None if all were text.
    """

    content: bytes
    replaced_line: int | None = None


def to_text(blob: bytes) -> Text:
    """Decode bytes as UTF-16 if they begin with its byte-order mark, else as UTF-8."""
    encoding = "utf-16" if blob.startswith(_UTF16) else "utf-8"
    if encoding == "utf-8" and blob.isascii():
        return Text(blob)
    try:
        decoded = blob.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + blob[: error.start].decode(encoding, "replace").count("\n")
        return Text(blob.decode(encoding, "replace").encode(), line)
    return Text(blob if encoding == "utf-8" else decoded.encode())


def is_utf16(blob: bytes) -> bool:
    """True if bytes begin with a byte-order mark of UTF-16."""
    return blob.startswith(_UTF16)
