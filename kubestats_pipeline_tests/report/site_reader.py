"""A built site as a reader sees it: the parts of its pages, read with the standard library's parser."""

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


@dataclass
class Tag:
    name: str
    attributes: dict[str, str | None]


class ReadPage(HTMLParser):
    """One page: its tags, its ids, its links, and the text of its queries, tables and facts by section."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self.queries: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.facts: dict[str, list[str]] = {}
        self.text: list[str] = []
        self._section = ""
        self._open: list[str] = []
        self._classes: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append(Tag(tag, attributes))
        if tag not in ("meta", "link", "input", "br"):
            self._open.append(tag)
            self._classes.append(attributes.get("class") or "")
        if tag == "section":
            self._section = attributes.get("id") or ""
        if tag == "tr" and "tbody" in self._open:
            self.tables.setdefault(self._section, []).append([])
        if tag == "td":
            self.tables[self._section][-1].append("")
        if tag == "dd":
            self.facts.setdefault(self._section, []).append("")
        if tag == "code" and "query" in self._classes:
            self.queries.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag
        self._classes.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if "td" in self._open:
            self.tables[self._section][-1][-1] += data
        elif "dd" in self._open:
            self.facts[self._section][-1] += data
        elif "query" in self._classes and self._open[-1] == "code":
            self.queries[-1] += data

    def attributes(self, name: str) -> Iterator[tuple[str, str]]:
        """The tags that have an attribute, with its value."""
        return ((tag.name, tag.attributes[name] or "") for tag in self.tags if name in tag.attributes)


@dataclass
class ReadSite:
    """All pages of a site by address."""

    folder: Path
    _pages: dict[str, ReadPage] = field(default_factory=dict)

    @cached_property
    def addresses(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.html"))

    def page(self, address: str) -> ReadPage:
        if address not in self._pages:
            self._pages[address] = ReadPage((self.folder / address).read_text(encoding="utf-8"))
        return self._pages[address]

    def data(self, address: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / address).with_suffix(".json").read_bytes())
        return found

    def links(self, address: str) -> Iterator[str]:
        """The links of a page that stay in the site, as addresses with their anchors."""
        for _, target in (*self.page(address).attributes("href"), *self.page(address).attributes("src")):
            if "://" not in target:
                path, mark, anchor = target.partition("#")
                yield (
                    posixpath.normpath(posixpath.join(posixpath.dirname(address), path) if path else address)
                    + mark
                    + anchor
                )


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
