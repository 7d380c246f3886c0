"""How a place inside a document is written: `spec.values.env[name=TZ].value`.

Items of a list of named objects go by name, so that the same setting has the same path in every repository and an
inserted item moves no other. Different places have different paths.
"""

from collections.abc import Iterator
from typing import Any

_NEEDS_QUOTES = frozenset("[]'\\\n")


def key_step(key: str) -> str:
    """The step into a mapping; a key of anything but letters, digits, `-` and `_` is quoted."""
    if key.replace("_", "").replace("-", "").isalnum():
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def list_steps(items: list[Any], *, by_name: bool) -> Iterator[tuple[str, Any]]:
    """The items of a list with the steps to them."""
    for index, item in enumerate(items):
        yield (f"[name={item['name']}]" if by_name else f"[{index}]"), item


def have_names(items: list[Any]) -> bool:
    """Whether the items of a list can go by name: all are objects, their names differ, and none needs quotes."""
    names = {item["name"] for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)}
    return len(names) == len(items) and not any(_NEEDS_QUOTES.intersection(name) for name in names)
