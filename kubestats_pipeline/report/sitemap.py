"""The list of all pages for search engines (sitemaps.org).

A sitemap names whole URLs, so it is of use where the setting `report.url` says where the site is published. Without it
addresses begin at the root of whatever host.
"""

from collections.abc import Iterable
from xml.etree import ElementTree

from kubestats_pipeline.report.feeds import DECLARATION

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap_of(pages: Iterable[str], base: str) -> bytes:
    """The sitemap of some addresses below `base`, which ends with a slash, or below the root."""
    root = ElementTree.Element("urlset", xmlns=NAMESPACE)
    for address in pages:
        ElementTree.SubElement(ElementTree.SubElement(root, "url"), "loc").text = f"{base or '/'}{address}"
    return DECLARATION + bytes(ElementTree.tostring(root, encoding="utf-8"))
