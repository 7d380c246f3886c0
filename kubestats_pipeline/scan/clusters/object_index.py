"""Index of the objects that the nodes of a walk apply, by kind and name, in each cluster and in all of them."""

from collections import defaultdict
from typing import Any

from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster, ClusterObject, NodeKey
from kubestats_pipeline.scan.manifests.manifests import ResourceKey

ObjectAt = tuple[NodeKey, ResourceKey]
"""The place of an object: the node that applies it, and its key there."""


class ObjectIndex:
    """The objects of all nodes at one commit."""

    def __init__(self) -> None:
        self._named: defaultdict[tuple[Cluster, str, str], dict[ObjectAt, ClusterObject]] = defaultdict(dict)
        self._everywhere: defaultdict[tuple[str, str], dict[ObjectAt, ClusterObject]] = defaultdict(dict)

    def named(self, cluster: Cluster, kind: str, name: str) -> dict[ObjectAt, ClusterObject]:
        """The objects of a kind and name in a cluster."""
        return self._named.get((cluster, kind, name), {})

    def everywhere(self, kind: str, name: str) -> dict[ObjectAt, ClusterObject]:
        """The objects of a kind and name in all clusters."""
        return self._everywhere.get((kind, name), {})

    def replace(self, index: tuple[Cluster, str, str], at: ObjectAt, new: ClusterObject | None) -> None:
        """Put an object in by cluster, kind and name, or take it out."""
        if new is None:
            _drop(self._named, index, at)
            _drop(self._everywhere, index[1:], at)
        else:
            self._named[index][at] = self._everywhere[index[1:]][at] = new


def _drop(index: dict[Any, dict[ObjectAt, ClusterObject]], key: object, at: ObjectAt) -> None:
    index[key].pop(at, None)
    if not index[key]:
        del index[key]
