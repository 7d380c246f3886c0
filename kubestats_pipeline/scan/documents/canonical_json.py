"""Canonical JSON: one text for one value, so that equal documents have equal bytes and equal hashes."""

from typing import Any

import orjson


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and without blanks. Text that UTF-8 cannot hold is replaced.

    The bytes are a copy: what orjson 3.13.0 gives occupies 4 KB, however short it is, and documents are kept by the
    hundred thousand.
    """
    try:
        return bytes(memoryview(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)))
    except TypeError:  # lone surrogates from `!!binary`
        return bytes(memoryview(orjson.dumps(_printable(value), option=orjson.OPT_SORT_KEYS)))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value
