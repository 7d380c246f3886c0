"""The scanner's records as rows of its tables, and a resource's row back as a record."""

import functools
import re
from collections.abc import Mapping
from typing import Any

import orjson

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.redaction.records import withhold_in
from kubestats_pipeline.redaction.texts import withhold_shapes
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.facts import Facts, Image
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest, ResourceKey
from kubestats_pipeline.scan.replay.authors import author_kind
from kubestats_pipeline.scan.replay.problems import OpenProblem
from kubestats_pipeline.scan.replay.records import Event, Resource
from kubestats_pipeline.scan.values.merge import Layer, Values

Row = dict[str, Any]

IMAGE_FIELDS = ("image", "tag", "digest", "role", "raw")
"""The fields of an item of images from which an `Image` is made. The others follow from them."""

_UNDECODABLE = re.compile("[\udc80-\udcff]")
_ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2}))")


def resource_row(resource: Resource, repository: Repository, line: int | None = None) -> Row:
    """A row of `resources`. `line` is where its document begins now, which is no part of its state."""
    key, manifest, resolved = resource.identity.key, resource.manifest, resource.resolved
    version = resource.version
    return {
        "resource_id": resource.resource_id,
        "repository_id": repository.repository_id,
        "full_name": repository.full_name,
        "api_group": key.group,
        "api_version": manifest.api_version,
        "kind": key.kind,
        "name": key.name,
        "namespace": _shown(resolved.namespace),
        "declared_namespace": key.namespace,
        "file_path": printable(resource.identity.path),
        "ordinal": resource.identity.ordinal,
        "line": line,
        "content_hash": manifest.content_hash,
        "version": _shown(resolved.version),
        "chart_name": _shown(resolved.chart_name),
        "chart_url": _shown(resolved.chart_url),
        "chart_url_raw": _shown(resolved.chart_url_raw),
        "chart_kind": resolved.chart_kind,
        "app_name": _shown(version.app_name),
        "images": [image_row(image) for image in version.images],
        "context": resource.context,
        "resolution": resolved.resolution,
        "resolution_reason": _shown(resolved.reason),
        "values_complete": resource.values_complete,
        "is_applied": resource.is_applied,
        "status": "ACTIVE" if resource.deleted_at is None else "DELETED",
        "created_at": resource.created_at,
        "updated_at": resource.updated_at,
        "deleted_at": resource.deleted_at,
        "created_commit": resource.created_commit,
        "updated_commit": resource.updated_commit,
        "data": manifest.data.decode(),
    }


def resource_from_row(row: Mapping[str, Any]) -> Resource:
    """The resource of a row of `resources`, the inverse of `resource_row`.

    It has only those of its facts that are in the row. `manifests.restore_manifest` gives the others.
    """
    key = ResourceKey(row["api_group"], row["kind"], row["declared_namespace"], row["name"])
    resolved = Resolved(
        row["namespace"],
        row["version"],
        row["chart_name"],
        row["chart_url"],
        row["chart_kind"],
        row["resolution"],
        row["resolution_reason"],
        row["chart_url_raw"],
    )
    images = tuple(Image(*(image[name] for name in IMAGE_FIELDS)) for image in row["images"])
    path = original(row["file_path"])
    context = row["context"] if row["context"] != context_of(path) else None
    facts = Facts(app_name=row["app_name"], images=images, context=context)
    manifest = Manifest(key, row["api_version"], row["content_hash"], row["data"].encode(), facts)
    return Resource(
        resource_id=row["resource_id"],
        identity=Identity(key, path, row["ordinal"]),
        manifest=manifest,
        resolved=resolved,
        created_at=row["created_at"],
        created_commit=row["created_commit"],
        updated_at=row["updated_at"],
        updated_commit=row["updated_commit"],
        deleted_at=row["deleted_at"],
        values_complete=row["values_complete"],
        is_applied=row["is_applied"],
    )


def event_row(event: Event, repository: Repository, run_id: str | None) -> Row:
    """A row of `resource_events`."""
    before, after = event.before, event.after
    existed, exists = event.event_type in ("MODIFIED", "DELETED"), event.event_type != "DELETED"
    moved = before is not None and before.identity.path != after.identity.path
    version = after.version
    changes = [{"path": path, "before": one, "after": other} for path, one, other in event.fields]
    return {
        "event_id": event.event_id,
        "resource_id": after.resource_id,
        "repository_id": repository.repository_id,
        "full_name": repository.full_name,
        "sequence": event.sequence,
        "event_type": event.event_type,
        "event_timestamp": event.commit.committed_at,
        "commit_sha": event.commit.sha,
        "commit_subject": event.commit.subject,
        "author_kind": author_kind(event.commit.author, event.commit.subject),
        "resource_kind": after.identity.key.kind,
        "resource_api_version": _api_version(after),
        "resource_name": after.identity.key.name,
        "resource_namespace": _shown(after.resolved.namespace),
        "file_path": printable(after.identity.path),
        "previous_file_path": printable(before.identity.path) if before and moved else None,
        "file_hash_before": before.manifest.content_hash if before and existed else None,
        "file_hash_after": after.manifest.content_hash if exists else None,
        "version_before": _shown(before.resolved.version) if before else None,
        "version_after": _shown(after.resolved.version) if exists else None,
        "chart_name": _shown(after.resolved.chart_name),
        "chart_url": _shown(after.resolved.chart_url),
        "chart_kind": after.resolved.chart_kind,
        "app_name": _shown(version.app_name),
        "images": [image_row(image) for image in version.images],
        "context": after.context,
        "resolution": after.resolved.resolution,
        "changes_detected": list(event.parts),
        "field_changes": orjson.dumps(changes).decode() if changes else None,
        "resource_data": after.manifest.data.decode() if exists else None,
        "sync_run_id": run_id,
    }


def problem_row(problem: OpenProblem, repository: Repository) -> Row:
    """A row of `scan_problems`."""
    return {
        "repository_id": repository.repository_id,
        "full_name": repository.full_name,
        "file_path": printable(problem.path),
        "problem": problem.problem,
        "document_index": problem.document_index,
        "message": withhold_shapes(problem.message),
        "commit_sha": problem.commit_sha,
        "first_seen_at": problem.first_seen_at,
    }


def problem_from_row(row: Mapping[str, Any]) -> OpenProblem:
    """The problem of a row of `scan_problems`, the inverse of `problem_row`."""
    columns = ("problem", "message", "document_index", "commit_sha", "first_seen_at")
    return OpenProblem(path=original(row["file_path"]), **{name: row[name] for name in columns})


def values_to_json(values: Values) -> Any:
    """The values that other files give to a release, where they must outlive those files. `values_from_json` is the
    inverse.
    """
    return [layer and _layer_to_json(layer) for layer in values.layers]


def values_from_json(layers: list[Any]) -> Values:
    """The inverse of `values_to_json`."""
    return Values(tuple(layer and _layer_from_json(**layer) for layer in layers))


def _layer_to_json(layer: Layer) -> Row:
    return {
        "origin": printable(layer.origin),
        "content": layer.content.decode(),
        "settings": layer.settings,
        "numbers": list(layer.numbers.items()),
        "is_complete": layer.is_complete,
    }


def _layer_from_json(origin: str, content: str, settings: list[Any], numbers: list[Any], is_complete: bool) -> Layer:
    return Layer(
        original(origin),
        content.encode(),
        tuple((tuple(place), value) for place, value in settings),
        {tuple(place): text for place, text in numbers},
        is_complete,
    )


def image_row(image: Image) -> Row:
    """An item of a column of images. Rows share it, so that nobody may change it."""
    return _image_row(image.image, image.tag, image.digest, image.role, image.raw)


@functools.lru_cache(maxsize=16384)
def _image_row(*fields: Any) -> Row:
    image = withhold_in(Image(*fields))
    return {
        "image": image.image,
        "tag": image.tag,
        "digest": image.digest,
        "role": image.role,
        "raw": image.raw,
        "registry": image.registry,
        "repository": image.repository,
    }


@functools.lru_cache(maxsize=16384)
def printable(path: str) -> str:
    r"""A path as text: a byte that is not UTF-8 becomes `\xNN`, a backslash becomes two."""
    return _UNDECODABLE.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", path.replace("\\", "\\\\"))


def original(path: str) -> str:
    """The path that `printable` made readable."""
    return _ESCAPED.sub(lambda match: chr(0xDC00 + int(match[1], 16)) if match[1] else "\\", path)


def _shown(text: str | None) -> str | None:
    """A text that may be put together of several documents, without what has a known shape only now."""
    return withhold_shapes(text) if text is not None else None


def _api_version(resource: Resource) -> str:
    group, version = resource.identity.key.group, resource.manifest.api_version
    return f"{group}/{version}" if group else version
