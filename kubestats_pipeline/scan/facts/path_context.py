"""Context of a path: active, archived, template or test, from the names of its folders."""

import functools
import re

from kubestats_pipeline.lake.vocabulary import Context

_FOLDERS: dict[Context, re.Pattern[str]] = {
    "archived": re.compile(
        r"[._-]*(?:archived?|old|disabled|deprecated|unused|retired|graveyard|attic)[._-]*", re.IGNORECASE
    ),
    "template": re.compile(r"[._-]*(?:templates?|examples?|skeleton|boilerplate)[._-]*", re.IGNORECASE),
    "test": re.compile(r"[._-]*(?:tests?|testdata|e2e|fixtures)[._-]*", re.IGNORECASE),
}


def context_of(path: str) -> Context:
    """`archived`, `template`, `test` or `active`, from the names of the folders of a path."""
    return _context_of(path.rpartition("/")[0])


@functools.lru_cache(maxsize=16384)
def _context_of(folder: str) -> Context:
    folders = folder.split("/")
    for context, name in _FOLDERS.items():
        if any(name.fullmatch(part) for part in folders):
            return context
    return "active"
