"""The Applications that an ApplicationSet makes of its own document and of the files of the repository.

The generators are in `scan/kinds/application_sets.py`. Here they see the files of the commit at hand. An expansion is a
query, so that a file or folder that a generator looks at brings its Applications up to date, and no other one does.
"""

from typing import Any

import orjson

from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.scan.build.incremental import QueryStore, query
from kubestats_pipeline.scan.build.sources import Sources
from kubestats_pipeline.scan.clusters.appliers.own_urls import is_own
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.kinds.application_sets import Expansion, expand

OVERRIDDEN = ("directory", "helm", "kustomize", "plugin")
"""The fields of a source that a file of overrides may set."""


class Applications:
    """Queries for the Applications of ApplicationSets."""

    def __init__(self, sources: Sources, queries: QueryStore) -> None:
        self._sources = sources
        self.queries = queries

    @query
    def of(self, application_set: bytes, own_urls: frozenset[str]) -> Expansion:
        """The Applications of an ApplicationSet.

        Args:
            application_set: the object as canonical JSON.
            own_urls: the URLs of this repository as `place_of` gives them, or empty if they are not known.
        """
        return self.expand(orjson.loads(application_set), own_urls)

    def expand(self, application_set: dict[str, Any], own_urls: frozenset[str]) -> Expansion:
        """The same without a memo, for an object that is asked for once."""
        view = _View(self, self._sources, own_urls)
        return expand(Decoded(application_set, 0), application_set, view)

    @query
    def overrides(self, path: str) -> dict[str, Any] | None:
        """The fields of a source that a file of overrides sets, redacted. None if the file cannot be read."""
        if not self._sources.has_file(path):
            return {}
        try:
            blob = self._sources.read(path)
            document = next(decode_stream(blob, Bounds()), None) if blob is not None else None
        except DecodeError:
            return None
        if document is None or not isinstance(document.content, dict):
            return None
        content = document.content
        found: dict[str, Any] = redact({key: content[key] for key in OVERRIDDEN if key in content})
        return found

    @query
    def below(self, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All folders and all files below a folder."""
        folders, files = list[str](), list[str]()
        for name, is_folder in self._sources.entries(folder) or ():
            path = f"{folder}/{name}" if folder else name
            (folders if is_folder else files).append(path)
            if is_folder:
                inner = self.below(path)
                folders += inner[0]
                files += inner[1]
        return tuple(folders), tuple(files)


class _View:
    """The repository as generators see it."""

    def __init__(self, applications: Applications, sources: Sources, own_urls: frozenset[str]) -> None:
        self._applications = applications
        self._sources = sources
        self._own_urls = own_urls

    def is_own(self, url: str) -> bool:
        return is_own(url, self._own_urls)

    def folders(self) -> list[str]:
        return sorted(self._applications.below("")[0])

    def files(self) -> list[str]:
        return sorted(self._applications.below("")[1])

    def read(self, path: str) -> bytes | None:
        return self._sources.read(path)
