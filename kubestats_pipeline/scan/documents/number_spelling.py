"""Spelling of numbers: the text of a document's numbers as their author wrote them, because `tag: 1.10` is not 1.1.

`builder.py` keeps the text of version-like keys. Here it is found by the place of the number.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded, Place

Numbers = Mapping[Place, str]


def written_numbers(document: Decoded, value: Any) -> dict[Place, str]:
    """The text of the numbers below a value of the document, by their place below it."""
    return dict(_walk(document, value, ())) if document.written else {}


def _walk(document: Decoded, value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, dict):
        for key, text in document.written.get(id(value), {}).items():
            yield (*place, key), text
        for key, item in value.items():
            yield from _walk(document, item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(document, item, (*place, index))


def value_at(document: Any, place: Place) -> Any:
    """The value at a place, or None if the document has no such place."""
    for step in place:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document
