"""The words of documents, and the pages of resources that have them: a search in texts looks at no other page.

A word has letters and digits, and also the dots of host names and versions. The pages of a word are numbers in the
order of `search/pages.txt`, written as gaps and runs in base 36. Words are kept in files by how they begin, none much
larger than `MOST_BYTES`, so that a search fetches few and small files. A word after `@` is part of a resource's name.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any

import orjson

from kubestats_pipeline.report.parts.published import Rows

SHORTEST, LONGEST = 3, 24
"""Characters of a word. Shorter ones are left out, and longer ones are cut."""

MOST_BYTES = 200_000
"""Bytes of a file of words, unless all of them begin alike. The goal for what one search fetches at once is 300 kB."""

FIRST_CHARACTERS = 2
"""Characters by which words are put into files. A file that is too large is split by one more."""

NAMED = "@"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS = frozenset(f"{_DIGITS}.".encode())
_SPLIT = bytes(place if place in _LETTERS else 32 for place in range(256))

_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)")
"""A sign that JSON escapes, such as the end of a line. Its letter is part of no word."""

REMEMBERED = 20_000
"""Numbers whose text is remembered: there are as many as pages, and each comes again and again."""

Postings = Mapping[str, Sequence[int]]
"""The pages of each word, in rising order."""


def words_of(text: str) -> set[str]:
    """The words of a text."""
    found = set(text.lower().encode().translate(_SPLIT).decode().split())
    dotted = {word for word in found if "." in word}
    found -= dotted
    for word in dotted:
        found.add(word.strip("."))
        found.update(word.split("."))
    return {word[:LONGEST] for word in found if len(word) >= SHORTEST}


def words_of_resources(resources: Rows) -> set[str]:
    """The words of the names, kinds, files and documents of some resources. Their documents are JSON."""
    name, kind, file, document = map(resources.columns.index, ("name", "kind", "file_path", "data"))
    names = words_of(" ".join([str(row[name]) for row in resources.rows]))
    documents = _ESCAPE.sub(" ", ",".join([row[document] or "" for row in resources.rows]))
    places = {f"{row[kind]} {row[file]}" for row in resources.rows}
    parts = places.union(documents.split(","))  # resources of one kind have many parts in common
    return words_of(" ".join(parts)) | names | {f"{NAMED}{word}" for word in names}


def words_of_page(page: bytes) -> set[str]:
    """The words of all resources of a page, by the page's JSON."""
    resources = orjson.loads(page)["sections"][0]
    document = resources["columns"].index("data")
    rows = [(*row[:document], _json(row[document]), *row[document + 1 :]) for row in resources["rows"]]
    return words_of_resources(Rows(tuple(resources["columns"]), (), rows))


def _json(document: Any) -> str:
    """A document as the published file has it, which writes JSON in the same way."""
    return "" if document is None else orjson.dumps(document).decode()


def in_files(postings: Postings) -> Iterator[tuple[str, bytes]]:
    """The files of words, each with the characters by which its words begin."""
    lines = {word: _line(word, pages) for word, pages in postings.items()}
    yield from _split(sorted((word.removeprefix(NAMED), word) for word in postings), lines, FIRST_CHARACTERS)


def _split(words: list[tuple[str, str]], lines: Mapping[str, str], length: int) -> Iterator[tuple[str, bytes]]:
    for start, some in groupby(words, key=lambda pair: pair[0][:length]):
        group = list(some)
        size = sum(len(lines[word]) for _, word in group)
        if size > MOST_BYTES and any(len(plain) > length for plain, _ in group):
            yield from _split(group, lines, length + 1)
        else:
            yield start, "".join([lines[word] for word in sorted(word for _, word in group)]).encode()


def written(postings: Postings) -> bytes:
    """A file of words: a line each, with its pages."""
    return "".join([_line(word, pages) for word, pages in sorted(postings.items())]).encode()


def _line(word: str, pages: Sequence[int]) -> str:
    return f"{word} {_numbers(pages)}\n"


def read_back(content: bytes) -> dict[str, list[int]]:
    """The words of a file, with their pages."""
    lines = (line.partition(" ") for line in content.decode().splitlines())
    return {word: list(_read_numbers(numbers)) for word, _, numbers in lines}


def _numbers(pages: Sequence[int]) -> str:
    """Rising numbers as gaps in base 36, each with how many more follow it at once: 3, 4, 5 and 9 are `3+2 4`."""
    texts, last, first = [], 0, -1
    for number, following in zip_longest(pages, pages[1:]):
        if first < 0:
            first = number
        if following != number + 1:
            texts.append(_base36(first - last) + (f"+{_base36(number - first)}" if number > first else ""))
            last, first = number, -1
    return " ".join(texts)


def _read_numbers(text: str) -> Iterator[int]:
    last = 0
    for part in text.split():
        gap, _, more = part.partition("+")
        first = last + int(gap, 36)
        last = first + int(more or "0", 36)
        yield from range(first, last + 1)


@functools.lru_cache(REMEMBERED)
def _base36(number: int) -> str:
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if not number:
            return text
