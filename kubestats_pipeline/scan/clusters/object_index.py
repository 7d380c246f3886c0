"""The objects of all clusters by name and by the document that they began as."""

from collections import Counter, defaultdict
from collections.abc import Set
from typing import Any

from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster, ClusterObject, NodeKey
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import ResourceKey

ObjectAt = tuple[NodeKey, ResourceKey]
"""The place of an object: its applier, and its key there."""

Read = tuple[object, ...]
"""A look-up of a node: a build, or objects or documents of a kind and name."""


class ObjectIndex:
    """Look-ups of the objects of all clusters.

    Attributes:
        unapplied: the documents that no cluster applies.
        turned: the documents that a cluster began or ceased to apply, until somebody clears it.
    """

    def __init__(self) -> None:
        self._named: defaultdict[tuple[Cluster, str, str], dict[ObjectAt, ClusterObject]] = defaultdict(dict)
        self._everywhere: defaultdict[tuple[str, str], dict[ObjectAt, ClusterObject]] = defaultdict(dict)
        self._applications: defaultdict[Identity, set[ObjectAt]] = defaultdict(set)
        self._applied: Counter[Identity] = Counter()
        self.unapplied: set[Identity] = set()
        self.turned: set[Identity] = set()

    def named(self, cluster: Cluster, kind: str, name: str) -> dict[ObjectAt, ClusterObject]:
        """The objects of a kind and name in a cluster."""
        return self._named.get((cluster, kind, name), {})

    def everywhere(self, kind: str, name: str) -> dict[ObjectAt, ClusterObject]:
        """The objects of a kind and name in all clusters."""
        return self._everywhere.get((kind, name), {})

    def applications(self, identity: Identity) -> set[ObjectAt]:
        """Where the object of a document is applied."""
        return self._applications.get(identity, set())

    def is_applied(self, identity: Identity) -> bool:
        """True if a cluster applies a document."""
        return identity in self._applied

    def unapplied_files(self, but: Set[Cluster]) -> set[str]:
        """The files of documents that no cluster applies, and that also none of some that are not real does."""
        if not but:
            return {identity.path for identity in self.unapplied}
        files = set[str]()
        for identity in self.unapplied:
            for node, _ in self._applications.get(identity, ()):
                if node.cluster in but:
                    break
            else:
                files.add(identity.path)
        return files

    def declare(self, identity: Identity, *, is_gone: bool) -> None:
        """Record that a document comes or goes."""
        if is_gone:
            self.unapplied.discard(identity)
        elif not self.is_applied(identity):
            self.unapplied.add(identity)

    def replace(self, at: ObjectAt, old: ClusterObject | None, new: ClusterObject | None) -> set[str]:
        """Replace an object, with None for none. Returns the names by which it is found before or after."""
        key, cluster = at[1], at[0].cluster
        names = {each.built.base_name or key.name for each in (old, new) if each is not None} | {key.name}
        for name in names:
            if new is None:
                _drop(self._named, (cluster, key.kind, name), at)
                _drop(self._everywhere, (key.kind, name), at)
            else:
                self._named[cluster, key.kind, name][at] = self._everywhere[key.kind, name][at] = new
        before, after = (each.origin if each is not None else None for each in (old, new))
        if before != after:
            self._move_application(at, before, after)
        return names

    def _move_application(self, at: ObjectAt, before: Identity | None, after: Identity | None) -> None:
        for identity in (before, after):
            if identity is None:
                continue
            was_applied = self.is_applied(identity)
            found = self._applications[identity]
            count = len(found)
            (found.add if identity == after else found.discard)(at)
            if at[0].cluster.is_real:
                self._applied[identity] += len(found) - count
                if not self._applied[identity]:
                    del self._applied[identity]
            if not found:
                del self._applications[identity]
            if was_applied != self.is_applied(identity):
                self.turned.add(identity)
                (self.unapplied.add if was_applied else self.unapplied.discard)(identity)


def _drop(index: dict[Any, dict[ObjectAt, ClusterObject]], key: object, at: ObjectAt) -> None:
    index[key].pop(at, None)
    if not index[key]:
        del index[key]
