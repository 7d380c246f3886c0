"""Regular expressions of strangers, as kustomize reads them: RE2's, in linear time."""

import functools
from typing import Any

import re2

from kubestats_pipeline.redaction.patterns import readable
from kubestats_pipeline.scan.build.transformers.resource import RefusedError

LONGEST_PATTERN = 1_024
"""Characters of a pattern that is read. Those of real targets have up to 100."""

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


@functools.lru_cache(maxsize=2_000)
def _compiled(pattern: str) -> Any:
    if len(pattern) > LONGEST_PATTERN:
        return None
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error:
        return None


def find(pattern: str, text: str) -> bool:
    """True if a pattern, which may be anchored, matches.

    Raises:
        RefusedError: it is not a regular expression of RE2, or it is too long.
    """
    compiled = _compiled(pattern)
    if compiled is None:
        raise RefusedError("a name is not a regular expression")
    return compiled.search(readable(text)) is not None


@functools.lru_cache(maxsize=16_384)
def matches_whole(pattern: str, text: str) -> bool:
    """True if a pattern matches the whole text.

    Raises:
        RefusedError: as `find`.
    """
    return find(f"^(?:{pattern})$", text)
