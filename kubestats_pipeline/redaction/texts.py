"""Texts fit to be stored: shapes, what is YAML or JSON inside, and lines, in this order.

Documents hold texts and texts hold documents: `redact.py` walks what is found inside a text, and asks here about texts.
"""

import functools

from kubestats_pipeline.redaction.embedded import Embedded, read_embedded, write_embedded
from kubestats_pipeline.redaction.lines import HINT, redact_lines
from kubestats_pipeline.redaction.patterns import compile_set
from kubestats_pipeline.redaction.secrets import ENCRYPTED, REDACTED
from kubestats_pipeline.redaction.shapes import MARKS, find_marks, find_shapes, replace_shapes, withhold_shapes

__all__ = ["find_shapes", "redact_patch", "redact_text", "withhold_shapes"]

SHORT, LONG = 200, 20_000
"""Characters of a text up to which its result is kept: the same short ones stand in most files and commits, and a few
long ones, such as scripts and dashboards, in all commits of a file.
"""
SHORTEST = 4
"""Characters of the shortest text that can hold a name and a secret: `pw=p`."""

DEEPEST = 4
"""Texts within texts that are read."""

_CIPHERTEXT = "ENC["
_find = compile_set(("|".join(MARKS), HINT))
"""All marks as one pattern: most texts have none, and the automaton that tells them apart has many more states."""
_MARKED, _HINTED = 0, 1


def redact_text(text: str, depth: int = 0) -> str:
    """A text without the secrets in it. `depth` counts the texts around it."""
    size = len(text)
    if size < SHORTEST:
        return text
    if size > LONG:
        return _redact(text, depth)
    if depth:
        return _redact_within(text, depth)
    return _redact_short(text) if size <= SHORT else _redact_long(text)


def redact_patch(text: str) -> str:
    """A patch of a Secret: all values that it sets are withheld, and all of it where it cannot be read."""
    text = withhold_shapes(text)
    embedded = read_embedded(text)
    return _redact_inside(text, embedded, 0, of_secret=True) if embedded else REDACTED


def _redact(text: str, depth: int = 0) -> str:
    if text.startswith(_CIPHERTEXT):
        return ENCRYPTED
    found = _find(text)
    if not found:
        return text
    if _MARKED in found:
        text = replace_shapes(text, find_marks(text))
    if _HINTED not in found:
        return text
    embedded = read_embedded(text) if depth < DEEPEST and _is_structured(text) else None
    return _redact_inside(text, embedded, depth, of_secret=False) if embedded else redact_lines(text)


_redact_short = functools.lru_cache(maxsize=65536)(_redact)
_redact_long = functools.lru_cache(maxsize=512)(_redact)
_redact_within = functools.lru_cache(maxsize=512)(_redact)


def _is_structured(text: str) -> bool:
    return ":" in text and ("\n" in text or "{" in text or "[" in text)


def _redact_inside(text: str, embedded: Embedded, depth: int, *, of_secret: bool) -> str:
    # Here and not above, because documents and texts hold each other.
    from kubestats_pipeline.redaction.redact import redact_content

    redacted = [redact_content(each, depth + 1, of_secret=of_secret) for each in embedded.content]
    return write_embedded(text, embedded, redacted, redact_lines)
