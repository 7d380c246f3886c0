"""Atom feeds (RFC 4287): the ecosystem's, one for each chart family and one for each repository.

They are made with the standard library's XML, which escapes everything. Ids are `tag:` URIs of an event, so that they
stay wherever the site is published, and times are those of commits, so that the same data give the same feed.
"""

import hashlib
import re
from xml.etree import ElementTree

from kubestats_pipeline.report.parts.page import Page
from kubestats_pipeline.report.parts.published import Rows

ATOM = "http://www.w3.org/2005/Atom"
DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
BEGINNING = "1970-01-01T00:00:00Z"
"""The time of a feed without entries."""

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def feed_of(page: Page, events: Rows, base: str) -> bytes:
    """The feed of a page, from its events, the newest first: `event_id`, `happened_at`, `title` and `summary`."""
    feed = ElementTree.Element("feed", xmlns=ATOM)
    _add(feed, "id", _identity(page.address))
    _add(feed, "title", f"{page.title} – Kubestats")
    _add(feed, "updated", str(events.rows[0][1]) if events.rows else BEGINNING)
    author = ElementTree.SubElement(feed, "author")
    _add(author, "name", "Kubestats")
    target = f"{base}{page.address}" if base else page.address.rpartition("/")[2]
    for event_id, at, title, summary in events.rows:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", _identity(f"{page.address} {event_id}"))
        _add(entry, "title", title)
        _add(entry, "updated", at)
        _add(entry, "summary", summary)
        ElementTree.SubElement(entry, "link", href=target)
    return DECLARATION + bytes(ElementTree.tostring(feed, encoding="utf-8"))


def _identity(text: str) -> str:
    return f"tag:kubestats,2026:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _NOT_XML.sub("\ufffd", text)
