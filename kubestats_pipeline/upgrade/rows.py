"""Rows that an earlier version has stored, redacted as this one redacts what it reads.

Documents, field changes and Helm values go through the rules of documents, all other texts lose known shapes. Where a
document has changed, so has its hash: the old one was that of a document with a secret in it, which a short secret can
be guessed from. Ids stay, and so do the names by which partitions are found: the next discovery gives those anew.
"""

from collections.abc import Callable
from typing import Any

import orjson
import polars as pl

from kubestats_pipeline.lake.contract import Column, Table, Type
from kubestats_pipeline.lake.tables import HELM_VALUES, REPOSITORIES, RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.redaction.redact import redact, redact_content, redact_values
from kubestats_pipeline.redaction.secrets import REDACTED
from kubestats_pipeline.redaction.texts import redact_text, withhold_shapes
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.manifests.manifests import digest
from kubestats_pipeline.upgrade.places import Place, put, read_place, take

DOCUMENTS = {RESOURCES.name: ("data", "content_hash"), RESOURCE_EVENTS.name: ("resource_data", "file_hash_after")}
"""The column with the document of each table, and the one with its hash."""

_NAMING = {"full_name", "previous_names"} | {"owner", "name", "clone_url"}
_CHANGES = "field_changes"
_CUT = "…"

Counted = tuple[pl.DataFrame, int]
"""Rows, and how many values were taken out of them."""


def redact_rows(table: Table, rows: pl.DataFrame) -> Counted:
    """The rows of a file without secrets. They may lack columns of the table, as those of an earlier version do."""
    count = 0
    for change in (_redact_changes, _redact_documents, _redact_settings):
        rows, found = change(table, rows)
        count += found
    for column in table.columns:
        if column.name in rows.columns and column.name not in _left(table):
            rows, found = _redact_column(column, rows)
            count += found
    return rows, count


def count_changes(before: Any, after: Any) -> int:
    """How many leaves of a JSON value are others."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        return sum(count_changes(item, after[key]) for key, item in before.items())
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return sum(map(count_changes, before, after))
    return int(before != after)


def _left(table: Table) -> set[str]:
    """The columns that stay: what names a partition, and what was redacted as a document."""
    left = {*DOCUMENTS.get(table.name, ()), _CHANGES, "full_name"}
    return left | (_NAMING if table is REPOSITORIES else set()) | ({"value"} if table is HELM_VALUES else set())


def _redact_documents(table: Table, rows: pl.DataFrame) -> Counted:
    """Redact the documents, and hash those anew that have changed."""
    data, content_hash = DOCUMENTS.get(table.name, ("", ""))
    if data not in rows.columns:
        return rows, 0
    count, texts, hashes = 0, rows[data].to_list(), rows[content_hash].to_list()
    for number, text in enumerate(texts):
        old = orjson.loads(text) if text else None
        new = redact(old) if isinstance(old, dict) else old
        if new != old:
            count += count_changes(old, new)
            written = canonical_json(new)
            texts[number] = written.decode()
            hashes[number] = digest(written) if hashes[number] is not None else None
    return (_with(rows, {data: texts, content_hash: hashes}) if count else rows), count


def _redact_changes(table: Table, rows: pl.DataFrame) -> Counted:
    """Redact field changes in the document that they led to, before it loses its own secrets.

    A change of nothing but a secret is removed from the fields. The event stays, with equal hashes.
    """
    if table is not RESOURCE_EVENTS or _CHANGES not in rows.columns:
        return rows, 0
    count, written = 0, rows[_CHANGES].to_list()
    columns = (written, rows["resource_data"], rows["resource_kind"])
    for number, (text, data, kind) in enumerate(zip(*columns, strict=True)):
        if text:
            old = orjson.loads(text)
            new = _changes_within(old, data or orjson.dumps({"kind": kind}))
            if new != old:
                count += count_changes(old, new)
                left = [change for change in new if change["before"] != change["after"]]
                written[number] = orjson.dumps(left).decode() if left else None
    return (_with(rows, {_CHANGES: written}) if count else rows), count


def _changes_within(changes: list[dict[str, Any]], document: str | bytes) -> list[dict[str, Any]]:
    places = [read_place(change["path"]) for change in changes]
    sides = {
        side: _values_within(document, places, [change[side] for change in changes], redact)
        for side in ("before", "after")
    }
    pairs = zip(changes, sides["before"], sides["after"], strict=True)
    return [{"path": withhold_shapes(change["path"]), "before": one, "after": other} for change, one, other in pairs]


def _values_within(
    document: str | bytes, places: list[Place], values: list[Any], rules: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[Any]:
    """Values after the redaction of a document that holds them at their places."""
    around = orjson.loads(document)
    for place, value in zip(places, values, strict=True):
        if value is not None and place and isinstance(place[0], str):
            put(around, place, value)
    redacted = rules(around)
    return [_value_at(redacted, place, value) for place, value in zip(places, values, strict=True)]


def _value_at(redacted: dict[str, Any], place: Place, value: Any) -> Any:
    if value is None:
        return None
    new = take(redacted, place) if place and isinstance(place[0], str) else redact_content(value)
    is_cut = isinstance(value, str) and value[:1] in ("{", "[") and value.endswith(_CUT)
    if is_cut and (new != value or "secret" in value.casefold()):  # a part of a document is not a document
        return REDACTED
    return new


def _redact_settings(table: Table, rows: pl.DataFrame) -> Counted:
    """Redact Helm values, for each application of a release in the document that all of its settings make together."""
    if table is not HELM_VALUES:
        return rows, 0
    values = rows["value"].to_list()
    numbers: dict[tuple[str, ...], list[int]] = {}
    owners = [name for name in ("resource_id", "applied_id") if name in rows.columns]
    for number, owner in enumerate(rows.select(owners).iter_rows()):
        numbers.setdefault(owner, []).append(number)
    places = [read_place(path) for path in rows["path"]]
    for own in numbers.values():
        own_places, own_values = [places[number] for number in own], [values[number] for number in own]
        new = _values_within("{}", own_places, own_values, redact_values)
        for number, value in zip(own, new, strict=True):
            values[number] = value if value is None or isinstance(value, str) else REDACTED
    count = count_changes(rows["value"].to_list(), values)
    return (_with(rows, {"value": values}) if count else rows), count


def _redact_column(column: Column, rows: pl.DataFrame) -> Counted:
    """Withhold known shapes in a column of any type that holds text. A commit's subject is read as a text."""
    if column.type not in (Type.TEXT, Type.TEXTS, Type.IMAGES, Type.COUNTS):
        return rows, 0
    rules = redact_text if column.name == "commit_subject" else withhold_shapes
    values = rows[column.name]
    if column.type is Type.TEXT:
        renamed = {text: rules(text) for text in values.unique().drop_nulls()}
        others = {text: new for text, new in renamed.items() if new != text}
        count = int(values.is_in(list(others)).sum()) if others else 0
        return (rows.with_columns(values.replace(others).alias(column.name)) if count else rows), count
    old = values.to_list()
    new = [_merged(_in_all(value, rules)) if column.type is Type.COUNTS else _in_all(value, rules) for value in old]
    count = count_changes(old, new)
    return (_with(rows, {column.name: new}) if count else rows), count


def _in_all(value: Any, rules: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return rules(value)
    if isinstance(value, list):
        return [_in_all(item, rules) for item in value]
    return {key: _in_all(item, rules) for key, item in value.items()} if isinstance(value, dict) else value


def _merged(counts: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """The entries of a map, of which several may have the same key now."""
    merged: dict[str, int] = {}
    for entry in counts or ():
        merged[entry["key"]] = merged.get(entry["key"], 0) + entry["value"]
    return [{"key": key, "value": value} for key, value in merged.items()] if counts is not None else None


def _with(rows: pl.DataFrame, columns: dict[str, list[Any]]) -> pl.DataFrame:
    return rows.with_columns(pl.Series(name, values, rows.schema[name]) for name, values in columns.items())
