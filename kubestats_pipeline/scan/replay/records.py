"""Records of a replay: a resource and an event. `rows.py` makes rows of them."""

import datetime
from typing import NamedTuple

from kubestats_pipeline.git.history import Commit
from kubestats_pipeline.lake.vocabulary import Context, EventType
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline.scan.replay.field_changes import FieldChange, Version
from kubestats_pipeline.scan.values.merge import Values


class Resource(NamedTuple):
    """One resource that the repository declares or has declared.

    Attributes:
        identity: now, or when it was deleted.
        deleted_at: commit time of its deletion, or None while it is active.
        values: its Helm values from other files, or None if there are none, or if it is deleted.
        values_complete: true if all inputs of its Helm values were known when its rows of `helm_values` were made.
        is_applied: true if a cluster runs it, or ran it until it was deleted, None where the repository does not tell.
            That of an active one is brought up to date when rows are made.
    """

    resource_id: str
    identity: Identity
    manifest: Manifest
    resolved: Resolved
    created_at: datetime.datetime
    created_commit: str
    updated_at: datetime.datetime
    updated_commit: str
    deleted_at: datetime.datetime | None = None
    values: Values | None = None
    values_complete: bool | None = None
    is_applied: bool | None = None

    @property
    def context(self) -> Context:
        """The context that other resources give it, or else the one of its file."""
        return self.version.context or context_of(self.identity.path)

    @property
    def is_released(self) -> bool:
        """False for a chart of the repository, and for a dependency that is switched off: their values are defaults."""
        facts = self.manifest.facts
        is_chart = facts.chart is not None and not facts.is_release
        return not is_chart and not (any(facts.switches) and self.resolved.resolution == "not_applicable")

    @property
    def version(self) -> Version:
        """The version of the resource, which is compared with the next one."""
        return Version(self.manifest, self.resolved, self.identity.path, self.values)


class Event(NamedTuple):
    """One change of one resource in one commit.

    Attributes:
        before: the resource before. RESURRECTED has the tombstone here, CREATED has None.
        after: the resource afterwards. DELETED has the tombstone here.
    """

    event_id: str
    sequence: int
    event_type: EventType
    commit: Commit
    before: Resource | None
    after: Resource
    parts: tuple[str, ...] = ()
    fields: tuple[FieldChange, ...] = ()
