"""The words of documents, and the pages of resources that have them: a search in texts looks at no other page.

A word has letters and digits, and also the dots of host names and versions. The pages of a word are numbers in the
order of `search/pages.txt`, written as gaps and runs in base 36. Words are kept in files by how they begin, none much
larger than `MOST_BYTES`, so that a search fetches few and small files. A word after `@` is part of a resource's name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson

SHORTEST, LONGEST = 3, 24
"""Characters of a word. Shorter ones are left out, and longer ones are cut."""

MOST_BYTES = 200_000
"""Bytes of a file of words, unless all of them begin alike. The goal for what one search fetches at once is 300 kB."""

FIRST_CHARACTERS = 2
"""Characters by which words are put into files. A file that is too large is split by one more."""

NAMED = "@"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS = frozenset(_DIGITS.encode())
_SPLIT = bytes(place if place in _LETTERS else 32 for place in range(256))
_SPLIT_BUT_DOTS = bytes(place if place in _LETTERS or place == ord(".") else 32 for place in range(256))

Postings = Mapping[str, Sequence[int]]
"""The pages of each word, in rising order."""


def words_of(text: str) -> set[str]:
    """The words of a text."""
    plain = text.lower().encode()
    whole = {word.strip(b".") for word in plain.translate(_SPLIT_BUT_DOTS).split()}
    found = whole.union(plain.translate(_SPLIT).split())
    return {word[:LONGEST].decode() for word in found if len(word) >= SHORTEST}


def words_of_page(page: bytes) -> set[str]:
    """The words of all documents of a page, and those of their names, by the page's JSON."""
    resources = orjson.loads(page)["sections"][0]
    columns = resources["columns"]
    name, kind, file, document = map(columns.index, ("name", "kind", "file_path", "data"))
    words = set[str]()
    names = set[str]()
    for row in resources["rows"]:
        names |= words_of(str(row[name]))
        words |= words_of(f"{row[kind]} {row[file]} {_text(row[document])}")
    return words | names | {f"{NAMED}{word}" for word in names}


def _text(document: Any) -> str:
    return document if isinstance(document, str) else orjson.dumps(document).decode()


def in_files(postings: Postings) -> Iterator[tuple[str, Mapping[str, Sequence[int]]]]:
    """The words of each file, with the characters by which they begin."""
    yield from _split(sorted((word.removeprefix(NAMED), word) for word in postings), postings, FIRST_CHARACTERS)


def _split(words: list[tuple[str, str]], postings: Postings, length: int) -> Iterator[tuple[str, Postings]]:
    for start, some in groupby(words, key=lambda pair: pair[0][:length]):
        group = list(some)
        content = {word: postings[word] for _, word in group}
        if len(written(content)) > MOST_BYTES and any(len(plain) > length for plain, _ in group):
            yield from _split(group, postings, length + 1)
        else:
            yield start, content


def written(postings: Postings) -> bytes:
    """A file of words: a line each, with its pages."""
    return "".join(f"{word} {_numbers(pages)}\n" for word, pages in sorted(postings.items())).encode()


def read_back(content: bytes) -> dict[str, list[int]]:
    """The words of a file, with their pages."""
    lines = (line.partition(" ") for line in content.decode().splitlines())
    return {word: list(_read_numbers(numbers)) for word, _, numbers in lines}


def _numbers(pages: Iterable[int]) -> str:
    """Rising numbers as gaps in base 36, each with how many more follow it at once: 3, 4, 5 and 9 are `3+2 4`."""
    texts, last = [], 0
    for _, run in groupby(enumerate(pages), key=lambda pair: pair[1] - pair[0]):
        numbers = list(map(itemgetter(1), run))
        more = numbers[-1] - numbers[0]
        texts.append(_base36(numbers[0] - last) + (f"+{_base36(more)}" if more else ""))
        last = numbers[-1]
    return " ".join(texts)


def _read_numbers(text: str) -> Iterator[int]:
    last = 0
    for part in text.split():
        gap, _, more = part.partition("+")
        first = last + int(gap, 36)
        last = first + int(more or "0", 36)
        yield from range(first, last + 1)


def _base36(number: int) -> str:
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if not number:
            return text
