"""Identity of a resource in a repository: key, file path, ordinal. Its content is not part of it.

A resource keeps its id if its identity changes because it is moved or renamed. `replay.py` decides that.
"""

from typing import NamedTuple

from kubestats_pipeline.scan.manifests.manifests import ResourceKey


class Identity(NamedTuple):
    """The key of a resource, the path of its file, and its number among equal keys of that file, from 0."""

    key: ResourceKey
    path: str
    ordinal: int


def identity_text(repository_id: str, identity: Identity, *more: str) -> bytes:
    """The text whose digest is the id of a resource or event: repository, identity, and what else makes it unique."""
    key = identity.key
    parts = (
        repository_id,
        key.group,
        key.kind,
        key.namespace or "",
        key.name,
        identity.path,
        str(identity.ordinal),
        *more,
    )
    return "\0".join(parts).encode("utf-8", "surrogateescape")


def order_of(identity: Identity) -> tuple[str, str, str, str, str, int]:
    """Sort key of the events of one commit."""
    key = identity.key
    return (key.kind, key.namespace or "", key.name, identity.path, key.group, identity.ordinal)
