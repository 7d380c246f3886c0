"""The look-ups of one node of a walk. Each is recorded, so that a change of what it found makes the node anew."""

from typing import Any

from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.directories import Directories
from kubestats_pipeline.scan.build.objects import Built
from kubestats_pipeline.scan.clusters.appliers import resource_sets
from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster, Read
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.object_index import ObjectIndex
from kubestats_pipeline.scan.facts.facts import Facts

BUILD, SOUND_BUILD = Builds.of.__qualname__, Builds.as_far_as_possible.__qualname__
DIRECTORY = Directories.of.__qualname__
QUERIES = frozenset({BUILD, SOUND_BUILD, DIRECTORY})
"""The names of the queries that nodes are made of."""


class NodeReads:
    """The look-ups of a node in its cluster.

    Attributes:
        reads: those that were made.
    """

    def __init__(
        self,
        objects: ObjectIndex,
        documents: DeclaredDocuments,
        builds: Builds,
        directories: Directories,
        cluster: Cluster,
    ) -> None:
        self.reads = set[Read]()
        self._objects = objects
        self._documents = documents
        self._builds = builds
        self._directories = directories
        self._cluster = cluster

    def sources(self, kind: str, name: str) -> list[Facts]:
        """The facts of the sources of a kind and name: of the cluster, or else of all, or else of documents."""
        self.reads |= {("object", self._cluster, kind, name), ("object", None, kind, name), ("document", kind, name)}
        found = self._objects.named(self._cluster, kind, name) or self._objects.everywhere(kind, name)
        facts = [each.facts for each in found.values()]
        facts = facts or [self._documents[each].facts for each in self._documents.named(kind, name)]
        return [each for each in facts if each.source is not None]

    def declared(self, kind: str, name: str) -> None:
        """Record that documents about a source were read."""
        self.reads.add(("document", kind, name))

    def build(self, folder: str, more: bytes) -> Built:
        """The build of a folder, without its faulty parts in a cluster that is not real."""
        if self._cluster.is_real:
            self.reads.add((BUILD, folder, more))
            return self._builds.of(folder, more)
        self.reads.add((SOUND_BUILD, folder, more))
        return self._builds.as_far_as_possible(folder, more)

    def directory(self, folder: str, *, is_recursive: bool) -> Built:
        """The documents of a folder as Argo CD takes them in."""
        self.reads.add((DIRECTORY, folder, is_recursive))
        return self._directories.of(folder, is_recursive)

    def providers(self, entry: dict[str, Any]) -> list[dict[str, Any]] | None:
        """The providers of inputs that an entry of a ResourceSet names, or None if the cluster has none."""
        name = entry.get("name")
        if not isinstance(name, str):
            return None
        index = (self._cluster, resource_sets.PROVIDER, name)
        self.reads.add(("object", *index))
        return [each.content for each in self._objects.named(*index).values()] or None
