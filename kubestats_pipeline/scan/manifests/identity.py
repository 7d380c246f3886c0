"""Which resource of a repository one is, apart from what it says.

A resource keeps its id while its identity changes (it moves, it is renamed); that is decided in `replay.py`.
"""

from typing import NamedTuple

from kubestats_pipeline.scan.manifests.manifests import ResourceKey


class Identity(NamedTuple):
    """Which resource of a repository: its key, its file, and its order among equal keys of that file."""

    key: ResourceKey
    path: str
    ordinal: int


def identity_text(repository_id: str, identity: Identity, *more: str) -> bytes:
    """What ids of resources and events are digests of: repository and identity, and what else makes one."""
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
    """The order of the events of one commit."""
    key = identity.key
    return (key.kind, key.namespace or "", key.name, identity.path, key.group, identity.ordinal)
