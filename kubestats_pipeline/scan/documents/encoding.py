"""Bytes of a file to UTF-8 text, as kubectl takes them: what is no character becomes U+FFFD, one byte or several.

kubectl reads a file through Go's `unicode.BOMOverride`, which replaces each maximal part of an ill-formed sequence, as
the Unicode standard recommends (section 3.9) and Python does too. Control characters are left for YAML's own rules.
"""

from typing import NamedTuple

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Text(NamedTuple):
    """A file's bytes as UTF-8.

    Attributes:
        replaced_line: the first line, from 1, on which bytes have been replaced; None where all were text.
    """

    content: bytes
    replaced_line: int | None = None


def to_text(blob: bytes) -> Text:
    """Read bytes as UTF-16 where they begin with its byte-order mark, else as UTF-8."""
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
    """Whether bytes begin with a byte-order mark of UTF-16."""
    return blob.startswith(_UTF16)
