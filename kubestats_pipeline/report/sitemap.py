"""The list of all pages for search engines (sitemaps.org).

A sitemap names whole URLs, so it is of use where the setting `report.url` says where the site is published. Without it
addresses begin at the root of whatever host.
"""

from collections.abc import Iterable

from kubestats_pipeline.report.feeds import DECLARATION, element

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap_of(pages: Iterable[str], base: str) -> bytes:
    """The sitemap of some addresses below `base`, which ends with a slash, or below the root."""
    root = base or "/"
    places = "".join([f"<url>{element('loc', f'{root}{address}')}</url>" for address in pages])
    return DECLARATION + f'<urlset xmlns="{NAMESPACE}">{places}</urlset>'.encode()
