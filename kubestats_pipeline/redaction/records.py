"""Known shapes in records: what is told of a document beside the document itself, such as versions and images."""

import dataclasses
import functools
from typing import Any, TypeVar, cast

from kubestats_pipeline.redaction.shapes import withhold_shapes

T = TypeVar("T")


def withhold_in(record: T) -> T:
    """The record, made of named tuples, data classes, tuples and texts, without what has a known shape.

    Where nothing has one, it is the record itself.
    """
    return cast(T, _withheld(record))


@functools.cache
def _fields_of(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.init)


def _withheld(value: Any) -> Any:
    if isinstance(value, str):
        return withhold_shapes(value)
    if isinstance(value, tuple):
        items = [_withheld(item) for item in value]
        if all(item is other for item, other in zip(value, items, strict=True)):
            return value
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((name, getattr(value, name)) for name in _fields_of(type(value)))
        changed = {name: new for name, item in fields if (new := _withheld(item)) is not item}
        return dataclasses.replace(value, **changed) if changed else value
    return value
