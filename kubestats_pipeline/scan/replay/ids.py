"""Ids of resources and of their events. They are functions of content, so that a second replay gives the same ones."""

from collections.abc import Callable

from kubestats_pipeline.scan.manifests.identity import Identity, identity_text
from kubestats_pipeline.scan.manifests.manifests import digest

IsTaken = Callable[[str], bool]
"""True for an id that another resource or event has already."""


def new_resource_id(repository_id: str, identity: Identity, sha: str, sequence: int, is_taken: IsTaken) -> str:
    """An id that is a function of the first identity.

    If a resource that moved away still has that id, the commit is part of it too. If a rewritten history brings
    the same commit a second time, the position in the log is part of it as well.
    """
    for more in ((), (sha,)):
        resource_id = digest(identity_text(repository_id, identity, *more))
        if not is_taken(resource_id):
            return resource_id
    return digest(identity_text(repository_id, identity, sha, str(sequence)))


def new_event_id(repository_id: str, identity: Identity, sha: str, sequence: int, is_taken: IsTaken) -> str:
    """An id that is a function of repository, commit and identity.

    If a rewritten history brings a commit back a second time, the position in the log is part of it as well.
    """
    event_id = digest(identity_text(repository_id, identity, sha))
    return digest(identity_text(repository_id, identity, sha, str(sequence))) if is_taken(event_id) else event_id
