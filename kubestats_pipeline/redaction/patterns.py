"""RE2 as this room uses it: search, and replacement of a pattern's group, in any text in time linear in its length.

A byte that is not UTF-8 stands as a surrogate in names of files. RE2 reads UTF-8 only and sees a question mark there.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import re2

LARGEST_AUTOMATON = 64 << 20
"""Bytes that RE2 may use for the states of one automaton. Beyond, it forgets older ones."""


class Shape(NamedTuple):
    """One kind of secret.

    Attributes:
        name: a noun phrase for messages.
        marks: texts of which at least one stands in every match.
        pattern: in RE2 syntax. Its group, if it has one, is the part that is withheld.
        reason: what somebody could do with it.
        source: where its issuer describes it.
    """

    name: str
    marks: tuple[str, ...]
    pattern: str
    reason: str
    source: str


def compile_pattern(pattern: str) -> Any:
    """A pattern in RE2 syntax, ready for use."""
    return re2.compile(pattern, _options())


def compile_set(patterns: tuple[str, ...]) -> Callable[[str], list[int]]:
    """A function that gives the numbers of all patterns found in a text, in one pass over it.

    It takes any text. Bytes go to RE2, because its wrapper would make them of the text by one more call.
    """
    automaton = re2.Set.SearchSet(_options())
    for pattern in patterns:
        automaton.Add(pattern)
    automaton.Compile()
    match = automaton.Match

    def find(text: str) -> list[int]:
        found = match(text.encode("utf-8", "replace"))
        return sorted(found) if found else []

    return find


def escape(literal: str) -> str:
    """A pattern for a text as it stands."""
    return str(re2.escape(literal))


def replace_secret(pattern: Any, replacement: str, text: str) -> str:
    """A text with the group of each match replaced, or all of it where the pattern has no group."""
    group = 1 if pattern.groups else 0
    matches = pattern.finditer(readable(text))
    return replace_spans(text, ((*match.span(group), replacement) for match in matches))


def replace_spans(text: str, spans: Iterator[tuple[int, int, str]]) -> str:
    """A text with some spans of it, in their order, replaced."""
    pieces, done = [], 0
    for start, end, replacement in spans:
        pieces += [text[done:start], replacement]
        done = end
    return "".join([*pieces, text[done:]])


def readable(text: str) -> str:
    """The text as RE2 can read it: of the same length, with a question mark for what UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _options() -> Any:
    options = re2.Options()
    options.max_mem = LARGEST_AUTOMATON
    options.log_errors = False
    return options
