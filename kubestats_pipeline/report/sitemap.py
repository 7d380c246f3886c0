"""The list of all pages for search engines (sitemaps.org), with addresses below a placeholder of the site's own.

A sitemap must name whole URLs, and a static site does not know where it will be published. So addresses are those
below the site's root, and the web server puts its name before them: see docs/pages.md.
"""

from collections.abc import Iterable
from xml.etree import ElementTree

from kubestats_pipeline.report.feeds import DECLARATION

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap_of(pages: Iterable[str]) -> bytes:
    """The sitemap of some addresses."""
    root = ElementTree.Element("urlset", xmlns=NAMESPACE)
    for address in pages:
        ElementTree.SubElement(ElementTree.SubElement(root, "url"), "loc").text = f"/{address}"
    return DECLARATION + bytes(ElementTree.tostring(root, encoding="utf-8"))
