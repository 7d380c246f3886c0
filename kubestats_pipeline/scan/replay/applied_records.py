"""Records of the objects that clusters run, as the tables tell of them, and of their events.

They hold only what may be public, so that nothing is compared before it was redacted. `applied_rows.py` makes rows.
"""

import datetime
from typing import NamedTuple

from kubestats_pipeline.git.history import Commit
from kubestats_pipeline.lake.vocabulary import AppliedEventType, ChartKind, Context, Resolution
from kubestats_pipeline.redaction.records import withhold_in
from kubestats_pipeline.redaction.texts import withhold_shapes
from kubestats_pipeline.scan.clusters.applied import AppliedKey, AppliedObject
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kinds.flux import SOURCE
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import digest


class AppliedState(NamedTuple):
    """The content of a row of `applied_resources` beside the object's identity and times, named as its columns."""

    resource_id: str | None
    applied_path: str
    api_version: str
    version: str | None
    version_tag: str | None
    chart_name: str | None
    chart_url: str | None
    chart_kind: ChartKind | None
    app_name: str | None
    images: tuple[Image, ...]
    content_hash: str
    resolution: Resolution
    resolution_reason: str | None
    is_complete: bool
    context: Context


class AppliedRecord(NamedTuple):
    """One object that a cluster runs.

    Attributes:
        origin: the document that it began as, or None for what a generator makes.
        created_at: commit time since which it is there without a break.
        updated_at: commit time of the last change of its state.
    """

    applied_id: str
    key: AppliedKey
    origin: Identity | None
    state: AppliedState
    created_at: datetime.datetime
    updated_at: datetime.datetime

    @property
    def is_logged(self) -> bool:
        """True for what has events: a release, a Flux source, and whatever has a chart, a version or images."""
        state = self.state
        has_content = state.version is not None or bool(state.chart_name or state.chart_url or state.images)
        return has_content or state.resolution != "not_applicable" or self.key.key.group == SOURCE


class AppliedEvent(NamedTuple):
    """One change of one object in one commit.

    Attributes:
        before: the object before, or None for CREATED.
        after: the object afterwards. DELETED has the last one here.
        changed: the columns that a MODIFIED changed.
    """

    event_id: str
    sequence: int
    event_type: AppliedEventType
    commit: Commit
    before: AppliedRecord | None
    after: AppliedRecord
    changed: tuple[str, ...] = ()


def state_of(key: AppliedKey, applied: AppliedObject, resource_id: str | None) -> AppliedState:
    """The public state of an object. `resource_id` is that of its origin."""
    resolved = applied.resolved
    texts = (
        resolved.version,
        applied.version_tag,
        resolved.chart_name,
        resolved.chart_url,
        resolved.app_name,
        resolved.reason,
    )
    version, version_tag, chart_name, chart_url, app_name, reason = (text and withhold_shapes(text) for text in texts)
    return AppliedState(
        resource_id=resource_id,
        applied_path=applied.applied_path,
        api_version=applied.api_version,
        version=version,
        version_tag=version_tag,
        chart_name=chart_name,
        chart_url=chart_url,
        chart_kind=resolved.chart_kind,
        app_name=app_name,
        images=withhold_in(resolved.images) if resolved.images else (),
        content_hash=applied.content_hash,
        resolution=resolved.resolution,
        resolution_reason=reason,
        is_complete=applied.is_complete,
        context=_context(key, applied),
    )


def applied_id(repository_id: str, key: AppliedKey, *more: str) -> str:
    """The id of an object, or with `more` that of one of its events."""
    group, kind, namespace, name = key.key
    parts = (repository_id, key.cluster, key.applied_by, group, kind, namespace or "", name, *more)
    return digest("\0".join(parts).encode("utf-8", "surrogateescape"))


def order_of_applied(key: AppliedKey) -> tuple[str, ...]:
    """Sort key of the events of one commit."""
    group, kind, namespace, name = key.key
    return (key.cluster, key.applied_by, kind, namespace or "", name, group)


def _context(key: AppliedKey, applied: AppliedObject) -> Context:
    """The context of what applies it, not of its document: a template that somebody applies runs like any other."""
    # `context_of` takes the last part for a file's name.
    context = context_of(f"{applied.applied_path}/")
    return context if context != "active" else context_of(key.cluster)
