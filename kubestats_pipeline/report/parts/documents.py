"""A published document as YAML, which is how people know it.

A document is JSON in the published file. It is written here with plain strings where YAML takes them for strings, and
as JSON else, which YAML reads too. So whoever reads the text as YAML gets the document. PyYAML's own writer would take
minutes for all documents.
"""

import re
from typing import Any

import orjson

LONGEST = 30_000
"""Characters of a document that are shown. The whole one is in the page's JSON."""

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+(][A-Za-z0-9_./@+(),-]*)*(?::[A-Za-z0-9_./@+-]+)*")
"""Texts without a sign that means something in YAML: names, paths, images, words."""

_MEANINGS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Words that some reader of YAML takes for a boolean or for nothing."""

_BLOCK = re.compile(r"(?!\s)[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]+(?<!\s)\n?")
"""Texts that a block of lines can hold: printable, with neither blanks nor empty lines at their ends."""


_UNREADABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON may hold as they are, and YAML may not."""

REMEMBERED = 50_000
"""Texts whose spelling is remembered. Keys and values come again and again."""

LONGEST_REMEMBERED = 200
"""Characters of a text whose spelling is remembered."""


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

    It appends to one list, makes no list or generator of each part, and asks for types by identity, because this is
    most of the work of a site.
    """
    below = f"{indent}  "
    if value and type(value) is dict:
        for key, part in value.items():
            sort = type(part)
            if sort is str:
                lines.append(f"{head}{_KEYS[key]} {_SPELLED[part] or _block(part, below)}")
            elif part and (sort is dict or sort is list):
                lines.append(head + _KEYS[key])
                _append(lines, part, below, below)
            else:
                lines.append(f"{head}{_KEYS[key]} {_scalar(part)}")
            head = indent
    elif value and type(value) is list:
        for part in value:
            _append(lines, part, below, f"{head}- ")
            head = indent
    elif type(value) is str:
        lines.append(head + (_SPELLED[value] or _block(value, below)))
    else:
        lines.append(head + _scalar(value))


def _scalar(value: Any) -> str:
    """A number, a boolean, nothing, or an empty map or list."""
    return str(value) if type(value) is int else orjson.dumps(value).decode()


def _block(text: str, indent: str) -> str:
    """A text of several lines as it is, where a block can hold it."""
    mark = "|" if text.endswith("\n") else "|-"
    lines = text.removesuffix("\n").split("\n")
    return "\n".join([mark, *[f"{indent}{line}" if line else "" for line in lines]])


class _Spelled(dict[str, str]):
    """Texts as YAML spells them. A dictionary, because calling a cache takes as long as its work."""

    def __missing__(self, text: str) -> str:
        spelled = self.spell(text)
        if len(text) <= LONGEST_REMEMBERED and len(self) < REMEMBERED:
            self[text] = spelled
        return spelled

    def spell(self, text: str) -> str:
        """A value: plain, quoted, or nothing where it is a block of lines."""
        return "" if "\n" in text and _BLOCK.fullmatch(text) else _plain_or_quoted(text)


class _SpelledKeys(_Spelled):
    """Keys of maps, which are in one line."""

    def spell(self, text: str) -> str:
        """A key with its colon."""
        return f"{_plain_or_quoted(text)}:"


def _plain_or_quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _MEANINGS:
        return text
    return _UNREADABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", orjson.dumps(text).decode())


_SPELLED, _KEYS = _Spelled(), _SpelledKeys()
