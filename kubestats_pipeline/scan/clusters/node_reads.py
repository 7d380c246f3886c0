"""The look-ups of one node of the walk. Each is recorded, so that a change of it makes the node anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.directories import Directories
from kubestats_pipeline.scan.build.objects import Built
from kubestats_pipeline.scan.clusters.appliers import resource_sets
from kubestats_pipeline.scan.clusters.appliers.applications import Applications
from kubestats_pipeline.scan.clusters.appliers.fleet import Bundles
from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster
from kubestats_pipeline.scan.clusters.appliers.own_urls import OwnUrls, is_own
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.object_index import ObjectIndex, Read
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.kinds.application_sets import Expansion
from kubestats_pipeline.scan.kinds.argo import is_pinned
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest

BUILD, SOUND_BUILD = Builds.of.__qualname__, Builds.as_far_as_possible.__qualname__
DIRECTORY = Directories.of.__qualname__
EXPANSION, OVERRIDES = Applications.of.__qualname__, Applications.overrides.__qualname__
BUNDLE, BUNDLE_FILE = Bundles.objects.__qualname__, Bundles.of.__qualname__
QUERIES = frozenset({BUILD, SOUND_BUILD, DIRECTORY, EXPANSION, OVERRIDES, BUNDLE, BUNDLE_FILE})
"""The names of the queries that nodes are made of."""


@dataclass(frozen=True)
class Surveyed:
    """All that nodes read: the objects and documents, and the queries for builds."""

    index: ObjectIndex
    documents: DeclaredDocuments
    urls: OwnUrls
    builds: Builds
    directories: Directories
    applications: Applications
    bundles: Bundles

    def facts_of_sources(self, cluster: Cluster | None, kind: str, name: str) -> list[Facts]:
        """The facts of the sources of a kind and name: of a cluster, or else of all, or else of documents."""
        found = (cluster is not None and self.index.named(cluster, kind, name)) or self.index.everywhere(kind, name)
        declared = self.documents
        facts = [each.facts for each in found.values()] or [declared[each].facts for each in declared.named(kind, name)]
        return [each for each in facts if each.source is not None]


class NodeReads:
    """The look-ups of one node."""

    def __init__(self, surveyed: Surveyed, cluster: Cluster, reads: set[Read]) -> None:
        self._from = surveyed
        self._cluster = cluster
        self._reads = reads

    def sources(self, kind: str, name: str) -> list[Facts]:
        """The facts of the sources of a kind and name: of the cluster of the node, or else of the repository."""
        self._reads |= {("object", self._cluster, kind, name), ("object", None, kind, name), ("document", kind, name)}
        return self._from.facts_of_sources(self._cluster, kind, name)

    def declared(self, kind: str, name: str) -> None:
        """Record that documents about a source were read."""
        self._reads.add(("document", kind, name))

    def build(self, folder: str, more: bytes) -> Built:
        """The build of a folder. In a cluster that is not real, its sound parts are enough."""
        if self._cluster.is_real:
            self._reads.add((BUILD, folder, more))
            return self._from.builds.of(folder, more)
        self._reads.add((SOUND_BUILD, folder, more))
        return self._from.builds.as_far_as_possible(folder, more)

    def directory(self, folder: str, *, is_recursive: bool) -> Built:
        """The documents of a folder as Argo CD takes them in."""
        self._reads.add((DIRECTORY, folder, is_recursive))
        return self._from.directories.of(folder, is_recursive)

    def bundle(self, folder: str) -> Built:
        """The objects of a bundle of Fleet."""
        self._reads.add((BUNDLE, folder))
        return self._from.bundles.objects(folder)

    def providers(self, entry: dict[str, Any]) -> list[dict[str, Any]] | None:
        """The providers that an entry of `inputsFrom` names, or None if they are not in the cluster."""
        name = entry.get("name")
        if not isinstance(name, str):
            return None
        index = (self._cluster, resource_sets.PROVIDER, name)
        self._reads.add(("object", *index))
        return [each.content for each in self._from.index.named(*index).values()] or None

    def applications(self, data: bytes) -> Expansion:
        """The Applications that an ApplicationSet makes."""
        own_urls = self._from.urls.known
        self._reads.add((EXPANSION, data, own_urls))
        return self._from.applications.of(data, own_urls)

    def overrides(self, source: dict[str, Any], path: str) -> dict[str, Any] | None:
        """The fields that a file of overrides of Argo CD sets in a source: none if it is in another repository.

        None if they are not known, because the file cannot be read or is that of another commit.
        """
        if not is_own(source["repoURL"], self._from.urls.known):
            return {}
        if is_pinned(source.get("targetRevision")):
            return None
        self._reads.add((OVERRIDES, path))
        return self._from.applications.overrides(path)

    def declared_in(self, path: str) -> Mapping[Identity, Manifest]:
        """The documents of a file."""
        return self._from.documents.in_file(path)
