"""The names that other packages may import: kind scanners and sources are written against these.

A scanner needs `scanner`, `Facts`, `Image` and `parse_image` (docs/scanners.md). A source needs `Found`,
`FoundRepository`, `SourceFailure` and `url_identity` (docs/discovery.md). All other modules may change at any time.
"""

from kubestats_pipeline.discover.addresses import url_identity
from kubestats_pipeline.discover.records import LIST_TAG, Found, FoundRepository, SourceFailure
from kubestats_pipeline.discover.sources import Source
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts, Image
from kubestats_pipeline.scan.facts.images import parse_image
from kubestats_pipeline.scan.kinds.registry import Scanner, scanner

__all__ = (
    "LIST_TAG",
    "Decoded",
    "Facts",
    "Found",
    "FoundRepository",
    "Image",
    "Scanner",
    "Source",
    "SourceFailure",
    "parse_image",
    "scanner",
    "url_identity",
)
