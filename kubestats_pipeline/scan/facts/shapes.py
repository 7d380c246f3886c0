"""Access to parts of a decoded document of any shape. A part that does not exist is empty."""

from collections.abc import Iterator
from typing import Any

EACH = "[]"


def mapping(value: object, *keys: str) -> dict[str, Any]:
    """The mapping at `keys` below a value, or an empty one."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The mappings of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def holders(value: object, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The mappings that hold the last key of a dotted path, with that key. `steps[].image` goes into every item."""
    step, _, rest = path.partition(".")
    if not isinstance(value, dict):
        return
    if not rest:
        if step in value:
            yield value, step
        return
    below = value.get(step.removesuffix(EACH))
    for item in below if isinstance(below, list) and step.endswith(EACH) else (below,):
        yield from holders(item, rest)


def as_resource(
    api_version: str, kind: str, name: str, namespace: str | None, spec: dict[str, Any], **others: Any
) -> dict[str, Any]:
    """A part of a document in the form of a resource, with the part as its `spec`."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec, **others}
