"""Text form of a place inside a document: `spec.values.env[name=TZ].value`.

Items of a list of named objects are written by name. So the same setting has the same path in every repository, and an
inserted item does not change the paths of the others. Different places have different paths.
"""

from collections.abc import Iterator
from typing import Any

_NEEDS_QUOTES = frozenset("[]'\\\n")


def key_step(key: str) -> str:
    """The step into a mapping. A key with other characters than letters, digits, `-` and `_` is quoted."""
    if key.replace("_", "").replace("-", "").isalnum():
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def list_steps(items: list[Any], *, by_name: bool) -> Iterator[tuple[str, Any]]:
    """The items of a list with the steps to them."""
    for index, item in enumerate(items):
        yield (f"[name={item['name']}]" if by_name else f"[{index}]"), item


def have_names(items: list[Any]) -> bool:
    """True if the items of a list can be written by name: all are objects, with different names without quotes."""
    names = {item["name"] for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)}
    return len(names) == len(items) and not any(_NEEDS_QUOTES.intersection(name) for name in names)
