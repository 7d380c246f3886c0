"""Shell patterns such as `*/v?[0-9]`: the beginnings or ends of a text that fit, found in one pass over the text.

The pattern is split into pieces: characters, `?`, `*` and sets in brackets. Bit n of a number is set if the text up to
here can fit the first n pieces. So the time is at most the product of both lengths, divided by the 64 pieces that a
processor handles at once. `fnmatch` decides about sets in brackets.
"""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

PIECES_A_STEP = 64
"""Pieces that a processor handles at once."""

_PIECE = re.compile(r"\[!?+\]?+[^\]]*+\]|.", re.DOTALL)
_TAIL = re.compile(".", re.DOTALL)


def steps_of(pattern: str, text: str) -> int:
    """The steps of one search: characters of the text, multiplied by the pieces that are compared with each."""
    return (len(text) + 1) * (1 + len(pattern) // PIECES_A_STEP) + len(set(text)) * pattern.count("[") + len(pattern)


def beginnings(pattern: str, text: str) -> Iterator[int]:
    """The lengths, from 1 on, of the beginnings of a text that fit a pattern."""
    return _lengths(_pieces(pattern), text)


def ends(pattern: str, text: str) -> Iterator[int]:
    """The same for ends."""
    return _lengths(_pieces(pattern)[::-1], text[::-1])


def _pieces(pattern: str) -> list[str]:
    """The pieces of a pattern. After the last closing bracket, every character is a piece."""
    last = pattern.rfind("]") + 1
    return _PIECE.findall(pattern[:last]) + _TAIL.findall(pattern[last:])


class _Fitting:
    """The pieces that fit a character, as bits of a number."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self._any = 0
        self._literal: defaultdict[str, int] = defaultdict(int)
        self._sets: list[tuple[int, re.Pattern[str]]] = []
        for at, piece in enumerate(pieces):
            if piece == "?":
                self._any |= 1 << at
            elif len(piece) == 1:
                self._literal[piece] |= 1 << at
            else:
                self._sets.append((1 << at, re.compile(fnmatch.translate(piece))))

    def pieces(self, character: str) -> int:
        fitting = self._any | self._literal.get(character, 0)
        for bit, pattern in self._sets:
            if pattern.match(character):
                fitting |= bit
        return fitting


def _lengths(pieces: Sequence[str], text: str) -> Iterator[int]:
    stars = at = 0
    for piece in pieces:
        if piece == "*":
            stars |= 1 << at
        else:
            at += 1
    fitting = _Fitting([piece for piece in pieces if piece != "*"])
    known = {character: fitting.pieces(character) for character in set(text)}
    states = 1
    for length, character in enumerate(text, 1):
        # A piece that fits takes the character and goes on to the next bit, and a star takes it and stays.
        states = ((states & known[character]) << 1) | (states & stars)
        if states >> at & 1:
            yield length
        if not states:
            return
