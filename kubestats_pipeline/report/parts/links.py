"""The pages that exist, by what they are about, and the links to them from one page.

Not everything that is named has a page: a chart that could not be resolved has none. So a page with a link must be
made again when the page that it leads to comes or goes. `asked` has everything that a page asked for.
"""

import functools
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.escaping import escape

Subject = tuple[str, tuple[Any, ...]]
"""A sort of page, such as `chart`, and the key of one."""


REMEMBERED = 100_000
"""Subjects whose hash is remembered. Most are asked for by many pages."""


class Links:
    """Links of one page to others.

    Attributes:
        page: the address of the page that is made.
    """

    def __init__(self, pages: Mapping[Subject, str], page: str = "index.html") -> None:
        self._pages = pages
        self._root = addresses.root_of(page)
        self._asked = set[Subject]()
        self.page = page

    @property
    def asked(self) -> set[str]:
        """Everything that the page asked for, as short hashes."""
        return set(map(short, self._asked))

    def to(self, sort: str, key: tuple[Any, ...]) -> str | None:
        """The link to a page, or None if it does not exist."""
        subject = (sort, key)
        self._asked.add(subject)
        target = self._pages.get(subject)
        return None if target is None else self._root + target

    def anchor(self, sort: str, key: tuple[Any, ...], shown: str) -> str:
        """A text, which is escaped already, as a link if its page exists."""
        target = self.to(sort, key)
        return shown if target is None else f'<a href="{escape(target)}">{shown}</a>'


@functools.lru_cache(REMEMBERED)
def short(subject: Subject) -> str:
    """A short hash of a subject, which stands for it from build to build."""
    return blake2b(repr(subject).encode(), digest_size=6).hexdigest()
