"""Text for HTML. Names, paths and versions come on many pages, so what became of them is remembered.

Documents and addresses on the web, which come once, go to `html.escape` itself.
"""

import html

REMEMBERED = 100_000
"""Texts that are remembered."""

LONGEST_REMEMBERED = 200
"""Characters of a text that is remembered."""


class _Escaped(dict[str, str]):
    """Texts as HTML shows them. A dictionary, because calling a cache takes as long as its work."""

    def __missing__(self, text: str) -> str:
        escaped = html.escape(text)
        if len(text) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED:
                self.clear()
            self[text] = escaped
        return escaped


escape = _Escaped().__getitem__
"""A text of a stranger as HTML shows it, in an attribute too."""
