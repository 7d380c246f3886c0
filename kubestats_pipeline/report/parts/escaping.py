"""Text for HTML. Names, paths and versions come on many pages, so what became of them is remembered.

Documents, which come once, go to `html.escape` itself.
"""

import functools
import html

REMEMBERED = 100_000
"""Texts that are remembered."""


@functools.lru_cache(REMEMBERED)
def escape(text: str) -> str:
    """A text of a stranger as HTML shows it, in an attribute too."""
    return html.escape(text)
