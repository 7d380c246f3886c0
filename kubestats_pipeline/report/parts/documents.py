"""A published document as YAML, which is how people know it.

A document is JSON in the published file. It is written here with plain strings where YAML takes them for strings, and
as JSON else, which YAML reads too. So whoever reads the text as YAML gets the document. PyYAML's own writer would take
minutes for all documents.
"""

import re
from collections.abc import Iterator
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


def as_yaml(document: str) -> str:
    """The text of a document, cut where it is too long.

    Args:
        document: JSON.
    """
    value = orjson.loads(document)
    if isinstance(value, dict) and value:
        text = "\n".join(_map(value, ""))
    else:
        text = "\n".join(_lines(value, "", "")) or _scalar(value, "")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n# … {len(text) - LONGEST:,} characters more"


def _map(value: dict[str, Any], indent: str) -> Iterator[str]:
    for key, part in value.items():
        name = key if _is_plain(key) else _quoted(key)
        yield from _entry(f"{indent}{name}:", part, indent)


def _entry(head: str, part: Any, indent: str) -> Iterator[str]:
    if isinstance(part, dict) and part:
        yield head
        yield from _map(part, f"{indent}  ")
    elif isinstance(part, list) and part:
        yield head
        yield from _list(part, f"{indent}  ")
    else:
        yield f"{head} {_scalar(part, indent)}"


def _list(value: list[Any], indent: str) -> Iterator[str]:
    for part in value:
        yield from _lines(part, indent, "- ")


def _lines(part: Any, indent: str, mark: str) -> Iterator[str]:
    """An item of a list. The first line of a map or a list in it stands beside its mark."""
    inner = f"{indent}  " if mark else indent
    if isinstance(part, dict) and part:
        nested = _map(part, inner)
    elif isinstance(part, list) and part:
        nested = _list(part, inner)
    else:
        yield f"{indent}{mark}{_scalar(part, indent)}"
        return
    yield f"{indent}{mark}{next(nested)[len(inner) :]}"
    yield from nested


def _scalar(value: Any, indent: str) -> str:
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    if _is_plain(value):
        return value
    return _block(value, f"{indent}  ") if "\n" in value and _BLOCK.fullmatch(value) else _quoted(value)


def _block(text: str, indent: str) -> str:
    """A text of several lines, as it is."""
    mark = "|" if text.endswith("\n") else "|-"
    lines = text.removesuffix("\n").split("\n")
    return "\n".join([mark, *(f"{indent}{line}" if line else "" for line in lines)])


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _MEANINGS


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
