"""Known shapes in any text: found and withheld by the table of `secrets.py`, and nothing else."""

import functools

from kubestats_pipeline.redaction.patterns import compile_pattern, compile_set, escape, readable, replace_secret
from kubestats_pipeline.redaction.secrets import REDACTED, SHAPES

SHORTEST = 12
"""Characters of the shortest text that has a shape."""

_PATTERNS = tuple(compile_pattern(shape.pattern) for shape in SHAPES)
MARKS = tuple("|".join(map(escape, shape.marks)) for shape in SHAPES)
"""Literals for each shape, of which one stands in every such text: they make a smaller automaton than the shapes."""

find_marks = compile_set(MARKS)
"""The places in the table of the shapes whose marks stand in a text."""


def find_shapes(text: str) -> tuple[str, ...]:
    """The names of the shapes in a text, in the order of the table."""
    text = readable(text)
    return tuple(SHAPES[number].name for number in find_marks(text) if _PATTERNS[number].search(text))


@functools.lru_cache(maxsize=65536)
def withhold_shapes(text: str) -> str:
    """A name, version, image, path or message without what has a known shape in it."""
    return replace_shapes(text, find_marks(text)) if len(text) >= SHORTEST else text


def replace_shapes(text: str, numbers: list[int]) -> str:
    """A text without some shapes, which are given by their places in the table."""
    for number in numbers:
        text = replace_secret(_PATTERNS[number], REDACTED, text)
    return text
