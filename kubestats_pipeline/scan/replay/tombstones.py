"""Deleted resources by identity, so that one that comes back is found and keeps its id."""

from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.replay.records import Resource


class Tombstones:
    """An index of deleted resources. Several can have been deleted at one identity.

    Args:
        by_id: all of them by id. It is kept up to date.
    """

    def __init__(self, by_id: dict[str, Resource]) -> None:
        self._by_id = by_id
        self._ids: dict[Identity, set[str]] = {}
        for resource in by_id.values():
            self._ids.setdefault(resource.identity, set()).add(resource.resource_id)

    def add(self, resource: Resource) -> None:
        """Take up a resource that was deleted."""
        self._by_id[resource.resource_id] = resource
        self._ids.setdefault(resource.identity, set()).add(resource.resource_id)

    def take(self, identity: Identity) -> Resource | None:
        """Take out the resource that comes back. Of several, it is the one with the latest commit time."""
        ids = self._ids.get(identity)
        if not ids:
            return None
        tombstones = (self._by_id[resource_id] for resource_id in ids)
        former = max(tombstones, key=lambda tombstone: (tombstone.updated_at, tombstone.resource_id))
        ids.discard(former.resource_id)
        return self._by_id.pop(former.resource_id)
