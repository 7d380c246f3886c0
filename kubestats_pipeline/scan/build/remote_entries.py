"""Entries of a kustomization that are in another repository, or behind a URL."""

import functools
import re

from kubestats_pipeline.redaction.texts import redact_text

_REMOTE = re.compile(r"://|^git@|^git::|^gh:|^(?:www\.)?github\.com[/:]|\?ref=|\?version=|^[\w.-]+@[\w.-]+:")
_CREDENTIALS = re.compile(r"(://|^)[^/@\s]*@")


@functools.lru_cache(maxsize=4096)
def is_remote(entry: str) -> bool:
    """True if an entry names a repository or file elsewhere."""
    return _REMOTE.search(entry) is not None


@functools.lru_cache(maxsize=4096)
def without_credentials(entry: str) -> str:
    """A remote entry fit to be shown."""
    return redact_text(_CREDENTIALS.sub(r"\1", entry))
