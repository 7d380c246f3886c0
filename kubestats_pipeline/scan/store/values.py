"""The rows of `helm_values`: made for the releases whose inputs have changed, kept for all others.

The file of the table carries a mark of the scan that wrote it. The position (see `position.py`) names the mark that
belongs to it. Where the two differ, a run was killed in between, and all rows are made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import polars as pl

from kubestats_pipeline.lake.frames import parquet_schema
from kubestats_pipeline.lake.lake import to_frame
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import HELM_VALUES
from kubestats_pipeline.scan.replay.records import Resource
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.store.rows import original, printable, values_from_json, values_to_json
from kubestats_pipeline.scan.values.merge import Values, merge_values
from kubestats_pipeline.scan.values.rows import Setting, flatten


@dataclass(frozen=True)
class SavedValues:
    """The part of a position that is about Helm values.

    Attributes:
        mark: of the file that belongs to it.
        rows: the number of rows in the file, which is not stored.
        last_readable: of values files that cannot be read, the blobs that were read last.
        retained: by resource id, what other files gave to releases that cannot be read themselves.
    """

    mark: str | None
    last_readable: Mapping[str, str] = field(default_factory=dict)
    retained: Mapping[str, Values] = field(default_factory=dict)
    rows: int = 0

    @property
    def metadata(self) -> dict[str, str]:
        """The text beside the resources. `saved_values` is the inverse."""
        files = {printable(path): oid for path, oid in self.last_readable.items()}
        releases = {resource_id: values_to_json(values) for resource_id, values in self.retained.items()}
        kept = {"files": files, "releases": releases}
        return {"values_mark": self.mark or "", "values": orjson.dumps(kept).decode()}


NOTHING_SAVED = SavedValues(None)


def saved_values(metadata: Mapping[str, str]) -> SavedValues:
    """Read the part of a position that is about Helm values."""
    kept: dict[str, Any] = orjson.loads(metadata.get("values", '{"files": {}, "releases": {}}'))
    return SavedValues(
        metadata.get("values_mark") or None,
        {original(path): oid for path, oid in kept["files"].items()},
        {resource_id: values_from_json(layers) for resource_id, layers in kept["releases"].items()},
    )


def write_values(
    tables: RepositoryTables, repository: Repository, replay: Replay, commit: str, saved: SavedValues | None
) -> SavedValues:
    """Write the rows of a repository, unless all are the same as before. `saved` is None where all must be made.

    Sets `values_complete` of the replay's active resources.

    Raises:
        LakeError: the file is damaged or cannot be written.
    """
    partition = tables.values() if saved else None
    old = partition.rows if partition and saved and partition.metadata.get("mark") == saved.mark else None
    ids = {resource.resource_id for resource in replay.active.values()}
    fresh = ids if old is None else (replay.unsaved | replay.applied.regrouped) & ids
    made = _make_rows(repository, replay, fresh)
    kept = to_frame(HELM_VALUES, []) if old is None else old.filter(pl.col("resource_id").is_in(list(ids - fresh)))
    mark = saved.mark if saved else None
    if old is None or made.height or kept.height < old.height:
        mark = f"{commit} {replay.log.next_sequence}"
        tables.write_values(pl.concat([kept, made]), {"mark": mark})
    last_readable = replay.values_inputs.last_readable
    there = {path: file.oid for path in last_readable if (file := replay.files.get(path)) is not None}
    unreadable = {path: last_readable[path] for path, oid in there.items() if oid != last_readable[path]}
    return SavedValues(mark, unreadable, replay.retained_values(), kept.height + made.height)


def _make_rows(repository: Repository, replay: Replay, fresh: set[str]) -> pl.DataFrame:
    """The rows of some resources, built by columns: a repository has tens of thousands of them.

    A release has the rows of each of its applications, or those of its document with an empty `applied_id` where it
    has none.
    """
    owners: list[str] = []
    applications: list[str] = []
    settings: list[Setting] = []
    for identity, resource in replay.active.items():
        if resource.resource_id in fresh:
            found, is_complete = _settings(resource)
            replay.active[identity] = resource._replace(values_complete=is_complete)
            if not resource.is_released:
                continue
            for applied_id, rows in _by_application(replay, resource, found).items():
                owners += [resource.resource_id] * len(rows)
                applications += [applied_id] * len(rows)
                settings += rows
    columns = dict(zip(Setting._fields, zip(*settings, strict=True), strict=True)) if settings else {}
    values: dict[str, Any] = {name: list(columns.get(name, ())) for name in Setting._fields}
    values["origin"] = list(map(printable, values["origin"]))
    constants = {"repository_id": repository.repository_id, "full_name": repository.full_name}
    values |= {"resource_id": owners, "applied_id": applications} | {
        name: [value] * len(owners) for name, value in constants.items()
    }
    return pl.DataFrame(values, schema_overrides=parquet_schema(HELM_VALUES)).select(HELM_VALUES.column_names)


def _settings(resource: Resource) -> tuple[list[Setting], bool | None]:
    facts = resource.manifest.facts
    if not resource.is_released or (not facts.values and resource.values is None):
        return [], None
    tree, is_complete = merge_values(resource.manifest, resource.values)
    return flatten(tree), is_complete


def _by_application(replay: Replay, resource: Resource, declared: list[Setting]) -> dict[str, list[Setting]]:
    """The settings of each application of a release by its id, `declared` where it has those of its document.

    A release that has no application has those of its document under an empty id.
    """
    trees = replay.applied_values.read(resource) or {"": None}
    return {applied_id: declared if tree is None else flatten(tree) for applied_id, tree in trees.items()}
