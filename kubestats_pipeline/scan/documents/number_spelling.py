"""Numbers of a document as their author wrote them, by the place where they stand: `tag: 1.10` is not 1.1.

`builder.py` keeps them for version-like keys while it reads; here they are found below one value.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded, Place

Numbers = Mapping[Place, str]


def written_numbers(document: Decoded, value: Any) -> dict[Place, str]:
    """The numbers below a value of the document that were kept as written, by their place below it."""
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
    """What stands at a place; None where nothing does."""
    for step in place:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document
