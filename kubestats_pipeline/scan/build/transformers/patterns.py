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


def matches_whole(pattern: str, text: str) -> bool:
    """True if a pattern matches the whole text.

    Raises:
        RefusedError: it is not a regular expression of RE2, or it is too long.
    """
    compiled = _compiled(f"^(?:{pattern})$")
    if compiled is None:
        raise RefusedError("a target has a text that is not a regular expression")
    return compiled.search(readable(text)) is not None


def matches_or_not(pattern: str, text: str) -> bool:
    """As `matches_whole`, with a pattern that is anchored already. One that cannot be read matches nothing."""
    compiled = _compiled(pattern)
    return compiled is not None and compiled.search(readable(text)) is not None
