"""The rows of `applied_resources` and `applied_events`, and how the first of them move with the position.

The file of the objects carries a mark, and the position (see `position.py`) names the mark that belongs to it. The file
also carries what undoes the scan that wrote it: where a run was killed before it moved the position, the objects of the
position come from there.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import orjson

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.scan.clusters.applied import AppliedKey
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import ResourceKey
from kubestats_pipeline.scan.replay.applied_history import AppliedHistory
from kubestats_pipeline.scan.replay.applied_records import AppliedEvent, AppliedRecord, AppliedState
from kubestats_pipeline.scan.replay.authors import author_kind
from kubestats_pipeline.scan.store.rows import IMAGE_FIELDS, Row, image_row, original, printable

_TIMES = ("created_at", "updated_at")


def applied_row(applied: AppliedRecord, repository: Repository) -> Row:
    """A row of `applied_resources`."""
    return {
        "applied_id": applied.applied_id,
        "version": applied.state.version,
        "created_at": applied.created_at,
        "updated_at": applied.updated_at,
        **_shared_columns(applied, repository),
    }


def applied_from_row(row: Mapping[str, Any], identities: Mapping[str, Identity]) -> AppliedRecord:
    """The object of a row of `applied_resources`, the inverse of `applied_row`.

    `identities` has the present identities of the active resources by id.
    """
    key = ResourceKey(row["api_group"], row["kind"], row["namespace"], row["name"])
    images = tuple(Image(*(image[name] for name in IMAGE_FIELDS)) for image in row["images"])
    columns = {name: row[name] for name in AppliedState._fields}
    return AppliedRecord(
        applied_id=row["applied_id"],
        key=AppliedKey(original(row["cluster"]), original(row["applied_by"]), key),
        origin=identities.get(row["resource_id"]),
        state=AppliedState(**{**columns, "applied_path": original(row["applied_path"]), "images": images}),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def applied_event_row(event: AppliedEvent, repository: Repository, run_id: str | None) -> Row:
    """A row of `applied_events`."""
    exists = event.event_type != "DELETED"
    return {
        "event_id": event.event_id,
        "applied_id": event.after.applied_id,
        "sequence": event.sequence,
        "event_type": event.event_type,
        "event_timestamp": event.commit.committed_at,
        "commit_sha": event.commit.sha,
        "author_kind": author_kind(event.commit.author, event.commit.subject),
        "version_before": event.before.state.version if event.before else None,
        "version_after": event.after.state.version if exists else None,
        "changes_detected": list(event.changed),
        "sync_run_id": run_id,
        **_shared_columns(event.after, repository),
    }


def is_saved(tables: RepositoryTables, mark: str) -> bool:
    """True where the file of the objects is there and has those that belong to a mark, or can be brought back to them.

    Raises:
        LakeError: the file is damaged.
    """
    metadata = tables.applied_metadata()
    return metadata is not None and mark in (metadata.get("mark"), metadata.get("before_mark"))


def read_applied(tables: RepositoryTables, mark: str, identities: Mapping[str, Identity]) -> list[AppliedRecord]:
    """The objects that belong to a mark, none where the file has others and cannot be brought back.

    Raises:
        LakeError: the file is damaged.
    """
    partition = tables.applied()
    if partition is None:
        return []
    rows = partition.rows.iter_rows(named=True)
    if partition.metadata.get("mark") == mark:
        return [applied_from_row(row, identities) for row in rows]
    if partition.metadata.get("before_mark") != mark:
        return []
    undo = orjson.loads(partition.metadata["before"])
    former = {row["applied_id"]: row | {name: _time(row[name]) for name in _TIMES} for row in undo["rows"]}
    new = set(undo["new"])
    kept = [row for row in rows if row["applied_id"] not in new and row["applied_id"] not in former]
    return [applied_from_row(row, identities) for row in (*kept, *former.values())]


def write_applied(
    tables: RepositoryTables, repository: Repository, history: AppliedHistory, commit: str, known_mark: str
) -> str:
    """Write the objects, unless all are the same as before. Returns the mark that belongs to them.

    `known_mark` is empty where the replay did not go on from objects in the lake.

    Raises:
        LakeError: the file cannot be written.
    """
    before, new = history.changes_since_restored()
    if known_mark and not before and not new and (tables.applied_metadata() or {}).get("mark") == known_mark:
        return known_mark
    undo = {"rows": [_plain(applied_row(applied, repository)) for applied in before], "new": new}
    mark = f"{commit} {history.next_sequence}"
    metadata = {"mark": mark}
    if known_mark:
        metadata |= {"before_mark": known_mark, "before": orjson.dumps(undo).decode()}
    tables.write_applied([applied_row(applied, repository) for applied in history.active.values()], metadata)
    return mark


def _shared_columns(applied: AppliedRecord, repository: Repository) -> Row:
    """The columns that a row of an object and one of its events have in common."""
    group, kind, namespace, name = applied.key.key
    return {
        **{name: value for name, value in zip(AppliedState._fields, applied.state, strict=True) if name != "version"},
        "repository_id": repository.repository_id,
        "full_name": repository.full_name,
        "cluster": printable(applied.key.cluster),
        "applied_by": printable(applied.key.applied_by),
        "applied_path": printable(applied.state.applied_path),
        "api_group": group,
        "kind": kind,
        "name": name,
        "namespace": namespace,
        "images": [image_row(image) for image in applied.state.images],
    }


def _plain(row: Row) -> Row:
    return row | {name: row[name].isoformat() for name in _TIMES}


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
