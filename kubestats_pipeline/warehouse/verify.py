"""Checks a built warehouse with SQL: keys, required columns, row counts, and that events agree with resources.

`build.py` refuses to publish what fails here. Dagster's asset checks run the same functions on the published file.
Nothing here changes a database.
"""

from dataclasses import dataclass
from typing import Any

import duckdb

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.sources import WarehouseError
from kubestats_pipeline.warehouse.values.withhold import find_unshared, read_rule

CHECKS = (
    "key_is_unique",
    "required_is_present",
    "rows_equal_lake",
    "sequence_is_unique",
    "fold_gives_resources",
    "fold_gives_status",
    "fold_gives_content",
    "fold_gives_applied",
    "applied_have_a_document",
    "values_have_a_release",
    "values_have_an_application",
    "values_are_shared",
)
"""The names of all checks, as `Violation.check` uses them."""

_SEQUENCE = """
SELECT count(*), min(example)
FROM (
    SELECT any_value(full_name) || ', ' || {key} AS example
    FROM {log} GROUP BY repository_id, {key}, sequence HAVING count(*) > 1
)
"""

# A struct, because arg_max passes over nulls and a deletion has no hash.
_FOLD = """
WITH folded AS (
    SELECT repository_id, resource_id, any_value(full_name) AS event_repository,
        arg_max({'type': event_type, 'hash': file_hash_after}, sequence) AS last
    FROM resource_events GROUP BY repository_id, resource_id
),
compared AS (
    SELECT resource_id, coalesce(full_name, event_repository) AS repository,
        status IS NULL OR last IS NULL AS is_missing,
        (last.type = 'DELETED') <> (status = 'DELETED') AS is_other_status,
        status = 'ACTIVE' AND last.type <> 'DELETED' AND last.hash IS DISTINCT FROM content_hash AS is_other_content
    FROM folded FULL JOIN resources USING (repository_id, resource_id)
),
failed AS (
    SELECT repository || ', resource ' || resource_id AS example,
        CASE
            WHEN is_missing THEN 'fold_gives_resources'
            WHEN is_other_status THEN 'fold_gives_status'
            WHEN is_other_content THEN 'fold_gives_content'
        END AS failed_check
    FROM compared
)
SELECT failed_check, count(*), min(example) FROM failed WHERE failed_check IS NOT NULL GROUP BY ALL ORDER BY ALL
"""

_FOLD_MEANING = {
    "fold_gives_resources": "resources without an event, or events without their resource",
    "fold_gives_status": "resources whose last event and status disagree about deletion",
    "fold_gives_content": "resources whose content_hash is not that of their last event",
}


_COMPARED = (
    "resource_id",
    "cluster",
    "applied_by",
    "applied_path",
    "api_group",
    "api_version",
    "kind",
    "name",
    "namespace",
    "version_tag",
    "chart_name",
    "chart_url",
    "chart_kind",
    "app_name",
    "images",
    "content_hash",
    "resolution",
    "resolution_reason",
    "is_complete",
    "context",
)
"""The columns that `applied_resources` and `applied_events` have in common, beside the ids of both."""

_FOLD_APPLIED = """
WITH ended AS (
    SELECT repository_id, applied_id, max(sequence) AS sequence FROM applied_events GROUP BY repository_id, applied_id
),
folded AS (
    SELECT repository_id, applied_id, ({columns}, version_after, event_timestamp) AS state
    FROM applied_events JOIN ended USING (repository_id, applied_id, sequence)
    WHERE event_type <> 'DELETED'
),
logged AS (
    SELECT repository_id, applied_id, full_name, ({columns}, version, updated_at) AS state
    FROM applied_resources
    WHERE version IS NOT NULL OR chart_name <> '' OR chart_url <> '' OR len(images) > 0
        OR resolution <> 'not_applicable' OR api_group = 'source.toolkit.fluxcd.io'
)
SELECT count(*), min(coalesce(full_name, repository_id) || ', object ' || applied_id)
FROM logged FULL JOIN folded USING (repository_id, applied_id)
WHERE logged.state IS DISTINCT FROM folded.state
"""

_DOCUMENTS = """
WITH origins AS (
    SELECT DISTINCT repository_id, resource_id, TRUE AS is_there FROM applied_resources WHERE resource_id IS NOT NULL
), unbuilt AS (
    SELECT DISTINCT repository_id, TRUE AS is_unbuilt FROM scan_problems WHERE problem = 'not_built'
)
SELECT count(*), min(coalesce(resources.full_name, repository_id) || ', resource ' || resource_id)
FROM (SELECT * FROM resources WHERE status = 'ACTIVE') AS resources
FULL JOIN origins USING (repository_id, resource_id)
LEFT JOIN unbuilt USING (repository_id)
WHERE CASE
    WHEN is_unbuilt THEN resources.is_applied <> coalesce(is_there, FALSE)
    ELSE coalesce(resources.is_applied, FALSE) <> coalesce(is_there, FALSE) OR resources.status IS NULL
END
"""
"""An object that cannot be built goes on to run, although its document changes or goes: then nobody can tell."""

_APPLICATIONS = """
SELECT count(*), min(example)
FROM (
    SELECT any_value(full_name) || ', object ' || applied_id AS example
    FROM helm_values ANTI JOIN applied_resources USING (repository_id, resource_id, applied_id)
    WHERE applied_id <> ''
    GROUP BY repository_id, applied_id
)
"""

_VALUES = """
SELECT count(*), min(example)
FROM (
    SELECT any_value(full_name) || ', resource ' || resource_id AS example
    FROM helm_values ANTI JOIN (SELECT * FROM resources WHERE status = 'ACTIVE') USING (repository_id, resource_id)
    GROUP BY repository_id, resource_id
)
"""


PLACES = {
    "chart_mirrors": ("address", "home", "address"),
    "image_renames": ("old_place", "new_place", "old_place || '*'"),
}
"""Each table with the column of a place, that of its home, and the pattern of all that lies at the place."""

_CONTRADICTIONS = """
WITH places AS (SELECT {place} AS place, {home} AS home, {pattern} AS pattern FROM {table})
SELECT one.place || ' has two homes, ' || min(other.home) || ' and ' || max(other.home) AS problem
FROM places AS one JOIN places AS other ON other.place GLOB one.pattern
GROUP BY one.place HAVING count(DISTINCT other.home) > 1
UNION ALL
SELECT one.place || ' has the home ' || one.home || ', which has the home ' || other.home
FROM places AS one JOIN places AS other ON one.home GLOB other.pattern
ORDER BY problem LIMIT 1
"""


@dataclass(frozen=True)
class Violation:
    """One broken rule.

    Attributes:
        check: one of `CHECKS`.
        table: the table that breaks it.
        count: how many keys, rows or resources break it.
        detail: what is wrong, with one example and never a document's content.
    """

    check: str
    table: str
    count: int
    detail: str


def verify(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Check a built or published warehouse. An empty list means that it may be trusted."""
    found = []
    for table in TABLES.values():
        found += [*find_duplicate_keys(connection, table), *find_missing_values(connection, table)]
    return [
        *found,
        *find_lost_rows(connection),
        *find_repeated_sequences(connection),
        *find_fold_differences(connection),
        *find_applied_differences(connection),
        *find_other_documents(connection),
        *find_stray_values(connection),
        *find_stray_applications(connection),
        *find_unshared_values(connection),
    ]


def refuse_violations(connection: duckdb.DuckDBPyConnection) -> None:
    """Check a built warehouse.

    Raises:
        WarehouseError: it breaks a rule. The published file is untouched.
    """
    violations = verify(connection)
    if violations:
        lines = [f"{found.table}: {found.count} {found.detail} [{found.check}]" for found in violations]
        remedy = "Scan the repositories named again, or restore their partitions. The published warehouse is unchanged"
        raise WarehouseError(f"{'; '.join(lines)}. {remedy}")


def refuse_contradictions(connection: duckdb.DuckDBPyConnection) -> None:
    """Look for a place with two homes, and for a home that has a home itself, as in a circle.

    Raises:
        WarehouseError: there is one. The line names the table and the place. The published file is untouched.
    """
    for table, (place, home, pattern) in PLACES.items():
        query = _CONTRADICTIONS.format(table=table, place=place, home=home, pattern=pattern)
        if found := connection.execute(query).fetchone():
            raise WarehouseError(f"{table}: {found[0]}. Correct warehouse/tables/{table}.sql")


def find_duplicate_keys(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Violation]:
    """Keys of a table that more than one row has."""
    key = ", ".join(table.key)
    query = (
        f"SELECT count(*), min(example) FROM (SELECT concat_ws(', ', {key}) AS example "  # noqa: S608 - the contract's names
        f"FROM {table.name} GROUP BY {key} HAVING count(*) > 1)"
    )
    count, example = _one(connection, query)
    detail = f"keys ({key}) that several rows have, such as {example}"
    return [Violation("key_is_unique", table.name, count, detail)] if count else []


def find_missing_values(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Violation]:
    """Required columns of a table that are null somewhere."""
    names = [column.name for column in table.columns if not column.nullable]
    counts = ", ".join(f'count(*) - count("{name}")' for name in names)
    found = zip(names, _one(connection, f"SELECT {counts} FROM {table.name}"), strict=True)  # noqa: S608 - the contract's
    return [
        Violation("required_is_present", table.name, count, f"rows in which {name} is null")
        for name, count in found
        if count
    ]


def find_lost_rows(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Tables that have more or fewer rows than the lake's files had when the warehouse was built."""
    (source_rows,) = _one(connection, "SELECT source_rows FROM warehouse_info")
    found = []
    for name, expected in source_rows.items():
        (rows,) = _one(connection, f"SELECT count(*) FROM {name}")  # noqa: S608 - the contract's names
        if rows != expected:
            found.append(Violation("rows_equal_lake", name, abs(rows - expected), f"rows differ: {rows} of {expected}"))
    return found


def find_repeated_sequences(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Resources or objects with two events at one position of their log, whose order would be undefined."""
    found = []
    for log, key in (("resource_events", "resource_id"), ("applied_events", "applied_id")):
        count, example = _one(connection, _SEQUENCE.format(log=log, key=key))
        if count:
            detail = f"positions that two events of one {key} share, such as {example}"
            found.append(Violation("sequence_is_unique", log, count, detail))
    return found


def find_fold_differences(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Where folding the events, the last by `sequence` of each resource, does not give the resources table."""
    rows = connection.execute(_FOLD).fetchall()
    return [
        Violation(check, "resources", count, f"{_FOLD_MEANING[check]}, such as {example}")
        for check, count, example in rows
    ]


def find_applied_differences(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Where folding `applied_events` does not give the objects that have events, in all columns."""
    count, example = _one(connection, _FOLD_APPLIED.format(columns=", ".join(_COMPARED)))
    detail = f"objects that are not what their last event says, such as {example}"
    return [Violation("fold_gives_applied", "applied_resources", count, detail)] if count else []


def find_other_documents(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Documents of applied objects that are not active, and active ones whose `is_applied` says something else."""
    count, example = _one(connection, _DOCUMENTS)
    detail = f"documents whose is_applied is not what applied_resources says, such as {example}"
    return [Violation("applied_have_a_document", "applied_resources", count, detail)] if count else []


def find_stray_applications(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Helm values of an application that does not have the release."""
    count, example = _one(connection, _APPLICATIONS)
    detail = f"applications of Helm values that applied_resources does not have, such as {example}"
    return [Violation("values_have_an_application", "helm_values", count, detail)] if count else []


def find_stray_values(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Helm values whose owner is not an active resource."""
    count, example = _one(connection, _VALUES)
    detail = f"owners of Helm values that are not active resources, such as {example}"
    return [Violation("values_have_a_release", "helm_values", count, detail)] if count else []


def find_unshared_values(connection: duckdb.DuckDBPyConnection) -> list[Violation]:
    """Values of settings that are in the file although its rule withholds them."""
    if (rule := read_rule(connection)) is None:
        return []
    count, example = find_unshared(connection, rule)
    detail = f"values that the rule {rule} withholds, such as one of {example}"
    return [Violation("values_are_shared", "helm_values", count, detail)] if count else []


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    if row is None:
        raise LookupError("an aggregate always gives one row")
    return tuple(row)
