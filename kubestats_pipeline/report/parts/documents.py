"""A published document as YAML, which is how people know it.

A document is JSON in the published file. It is written here with plain strings where YAML takes them for strings, and
as JSON else, which YAML reads too. So whoever reads the text as YAML gets the document. PyYAML's own writer would take
minutes for all documents.
"""

import functools
import re
from typing import Any

import orjson

LONGEST = 30_000
"""Characters of a document that are shown. The whole one is in the page's JSON."""

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+(][A-Za-z0-9_./@+(),-]*)*(?::[A-Za-z0-9_./@+-]+)*")
"""Texts without a sign that means something in YAML: names, paths, images, words."""

_MEANINGS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Words that some reader of YAML takes for a boolean or for nothing."""

_BLOCK = re.compile(r"\S[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]*[^\s]\n?")
"""Texts that a block of lines can hold: printable, with neither blanks nor empty lines at their ends."""


_UNREADABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON may hold as they are, and YAML may not."""

REMEMBERED = 50_000
"""Short texts whose spelling is remembered. Keys and values come again and again."""


def as_yaml(document: str) -> str:
    """The text of a document, cut where it is too long.

    Args:
        document: JSON.
    """
    lines: list[str] = []
    _append(lines, orjson.loads(document), "", "")
    text = "\n".join(lines) + "\n"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n# … {len(text) - LONGEST:,} characters more\n"


def _append(lines: list[str], value: Any, indent: str, head: str) -> None:
    """Append the lines of a value. The first one begins with `head`, which has the indentation, the others with theirs.

    It appends to one list, and makes no list or generator of each part, because this is most of the work of a site.
    """
    if value and type(value) is dict:
        for key, part in value.items():
            name = _plain_or_quoted(key)
            if part and type(part) in (dict, list):
                lines.append(f"{head or indent}{name}:")
                _append(lines, part, f"{indent}  ", "")
            else:
                lines.append(f"{head or indent}{name}: {_scalar(part, indent)}")
            head = ""
    elif value and type(value) is list:
        for part in value:
            _append(lines, part, f"{indent}  ", f"{head or indent}- ")
            head = ""
    else:
        lines.append(f"{head or indent}{_scalar(value, indent)}")


def _scalar(value: Any, indent: str) -> str:
    if type(value) is not str:
        return orjson.dumps(value).decode()
    if "\n" in value and _BLOCK.fullmatch(value):
        return _block(value, f"{indent}  ")
    return _plain_or_quoted(value)


def _block(text: str, indent: str) -> str:
    """A text of several lines, as it is."""
    mark = "|" if text.endswith("\n") else "|-"
    lines = text.removesuffix("\n").split("\n")
    return "\n".join([mark, *(f"{indent}{line}" if line else "" for line in lines)])


@functools.lru_cache(REMEMBERED)
def _plain_or_quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _MEANINGS:
        return text
    return _UNREADABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", orjson.dumps(text).decode())
