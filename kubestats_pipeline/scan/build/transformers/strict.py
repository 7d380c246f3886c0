"""Equality of contents in which 1, 1.0 and true differ, as they do in YAML and not in Python."""

from typing import Any

from kubestats_pipeline.scan.documents.canonical_json import canonical_json


def is_equal(one: tuple[Any, ...], other: object, content: int = 0) -> bool:
    """True if two records are equal, and the contents in one of their fields as JSON too."""
    if one is other:
        return True
    if not isinstance(other, tuple) or tuple.__eq__(one, other) is not True:
        return False
    mine, its = one[content], other[content]
    return mine is its or canonical_json(mine) == canonical_json(its)
