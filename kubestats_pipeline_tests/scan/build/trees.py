"""Builds of small trees of files, without git."""

import hashlib
from collections.abc import Mapping
from typing import Any

from kubestats_pipeline.git.history import Change
from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.incremental import QueryStore
from kubestats_pipeline.scan.build.objects import Built
from kubestats_pipeline.scan.build.sources import RepositorySources
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.files import ContentCache, Files


class Repository:
    """The files of a repository at one commit, whose builds follow its changes.

    Attributes:
        read: the blobs that were read, in their order.
    """

    def __init__(self, tree: Mapping[str, str | bytes]) -> None:
        self._blobs: dict[str, bytes] = {}
        self.read: list[str] = []
        self.files = Files(ContentCache(self._read, Bounds()))
        self.queries = QueryStore()
        self._sources = RepositorySources(self.files, ContentCache(self._read, Bounds()), self.queries)
        self.builds = Builds(self._sources, self.queries)
        self.change(tree)

    def _read(self, oid: str) -> bytes | None:
        self.read.append(oid)
        return self._blobs.get(oid)

    def change(self, tree: Mapping[str, str | bytes | None]) -> None:
        """Write some files, and remove those that are None."""
        changes = []
        for path, text in tree.items():
            blob = text.encode() if isinstance(text, str) else text
            oid = hashlib.sha256(blob).hexdigest() if blob is not None else None
            if oid is not None and blob is not None:
                self._blobs[oid] = blob
            changes.append(Change(path, oid))
        self.files.apply(changes)
        self._sources.replace(self.files.take_changed())

    def build(self, folder: str, **more: Any) -> Built:
        """The build of a folder, with fields of a kustomization merged over its own."""
        return self.builds.of(folder, canonical_json(more))


def build(tree: Mapping[str, str | bytes], folder: str = "", **more: Any) -> Built:
    """The build of a folder of a tree."""
    return Repository(tree).build(folder, **more)


def contents(built: Built) -> list[dict[str, Any]]:
    """The objects of a build that kustomize does not refuse."""
    assert built.failure is None
    return [each.content for each in built.objects]
