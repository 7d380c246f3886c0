"""The columns that every column comes from: declared for the lake's tables, traced through the SQL for the marts.

A table of the lake is filled by Python from git and from hosts, so only what it takes from other tables can be said,
and is said here. A mart is one SELECT, and sqlglot reads from it what each of its columns is computed of; a `count(*)`
comes from no column. That takes seconds and changes with the SQL only, so it is done when a mart is written: `make
generate` runs this module, which leaves `warehouse/lineage.json`. `asset_specs.py` makes metadata of both.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.marts import INFO, MARTS, Mart


class ColumnOrigin(NamedTuple):
    """One column of a table or a mart."""

    relation: str
    column: str

    def __str__(self) -> str:
        return f"{self.relation}.{self.column}"


Lineage = Mapping[str, tuple[ColumnOrigin, ...]]
"""The sources of each column of one table or mart. A column without any is left out."""


TRACED = Path(__file__).parent / "lineage.json"
"""The lineage of all marts, as `trace_marts` found it: columns as `relation.column`."""


class LineageError(ExplainedError):
    """The SQL of a mart could not be traced. The mart itself still works."""


def _declare(**columns: str) -> Lineage:
    """Origins as `column="table.column table.column"`."""
    return {
        name: tuple(ColumnOrigin(*origin.split(".")) for origin in origins.split()) for name, origins in columns.items()
    }


_FROM_SNAPSHOT = {"repository_id": "snapshots.repository_id", "full_name": "snapshots.full_name"}
_STARS = "repository_metrics.stars_count"

DECLARED: Mapping[str, Lineage] = {
    "repository_metrics": _declare(repository_id="repositories.repository_id", pushed_at="repositories.pushed_at"),
    "snapshots": _declare(repository_id="repositories.repository_id", full_name="repositories.full_name"),
    "resource_events": _declare(**_FROM_SNAPSHOT, commit_sha="snapshots.head_commit"),
    "scan_problems": _declare(**_FROM_SNAPSHOT, commit_sha="snapshots.head_commit"),
    "helm_values": _declare(
        **_FROM_SNAPSHOT, resource_id="resources.resource_id", applied_id="applied_resources.applied_id"
    ),
    "applied_events": _declare(
        **_FROM_SNAPSHOT, commit_sha="snapshots.head_commit", resource_id="resources.resource_id"
    ),
    "applied_resources": _declare(**_FROM_SNAPSHOT, resource_id="resources.resource_id"),
    "resources": _declare(
        **_FROM_SNAPSHOT,
        created_commit="snapshots.head_commit",
        updated_commit="snapshots.head_commit",
        is_applied="applied_resources.resource_id",
    ),
    "scans": _declare(
        **_FROM_SNAPSHOT,
        scanned_commit="snapshots.head_commit",
        resources_count="resources.resource_id resources.status",
        events_count="resource_events.event_id",
        problems_count="scan_problems.problem",
    ),
    "ecosystem_stats": _declare(
        date="resource_events.event_timestamp",
        total_repositories="repositories.repository_id repositories.retired_at",
        active_repositories="resource_events.repository_id repositories.retired_at",
        repositories_with_resources="resource_events.repository_id resource_events.event_type repositories.retired_at",
        total_resources="resource_events.resource_id",
        active_resources="resource_events.resource_id resource_events.event_type",
        total_resource_events="resource_events.event_id",
        daily_created_resources="resource_events.event_type",
        daily_modified_resources="resource_events.event_type",
        daily_deleted_resources="resource_events.event_type",
        resource_type_breakdown="resource_events.resource_kind resource_events.event_type",
        popular_helm_charts="resource_events.chart_name resource_events.repository_id repositories.retired_at",
        language_breakdown="repositories.language repositories.retired_at",
        popular_topics="repositories.topics repositories.retired_at",
        total_stars=_STARS,
        total_forks="repository_metrics.forks_count",
        total_watchers="repository_metrics.watchers_count",
        total_open_issues="repository_metrics.open_issues_count",
        repository_growth="repositories.repository_id repositories.created_at repositories.retired_at",
        resource_growth="resource_events.resource_id resource_events.event_type",
        star_growth=_STARS,
        total_joined_repositories="repositories.repository_id repositories.created_at",
        total_left_repositories="repositories.repository_id repositories.retired_at",
        joined_resources="resource_events.resource_id resource_events.event_timestamp",
        joined_resources_in_week="resource_events.resource_id resource_events.event_timestamp",
        joined_resources_in_month="resource_events.resource_id resource_events.event_timestamp",
    ),
}
"""Origins of the lake's columns that come from other tables."""


def read_traced() -> dict[str, Lineage]:
    """The lineage of each mart by name, as the package brings it."""
    traced: dict[str, dict[str, list[str]]] = json.loads(TRACED.read_text(encoding="utf-8"))
    return {
        name: _declare(**{column: " ".join(origins) for column, origins in columns.items()})
        for name, columns in traced.items()
    }


def trace_marts(marts: Iterable[Mart] = MARTS) -> Iterator[tuple[str, Lineage]]:
    """The lineage of each mart by name, in their order, through one step: a mart that reads another one stops there.

    Raises:
        LineageError: sqlglot does not understand a mart, or misses one of its columns.
    """
    from sqlglot.errors import SqlglotError  # a tool of development: the package runs without it

    from kubestats_pipeline.warehouse.whole import INFO_COLUMNS

    schema = {INFO: dict.fromkeys(INFO_COLUMNS, "UNKNOWN")} | {
        table.name: dict.fromkeys(table.column_names, "UNKNOWN") for table in TABLES.values()
    }
    for mart in marts:
        try:
            yield mart.name, _trace(mart, schema)
        except SqlglotError as error:
            raise LineageError(f"the columns of {mart.name} cannot be traced ({type(error).__name__})") from error
        schema[mart.name] = dict.fromkeys((name for name, _ in mart.columns), "UNKNOWN")


def _trace(mart: Mart, schema: dict[str, dict[str, str]]) -> Lineage:
    from sqlglot import exp
    from sqlglot.lineage import Node, lineage

    def source_of(leaf: Node) -> ColumnOrigin | None:
        """The column that a leaf refers to, or None for a constant, a `count(*)` and the build's own time."""
        table = leaf.source.name if isinstance(leaf.source, exp.Table) else None
        if table is None or table not in schema or table == INFO:
            return None
        return ColumnOrigin(table, leaf.name.rpartition(".")[2].strip('"'))

    nodes = lineage(None, mart.sql, schema, dialect="duckdb")
    traced = {}
    for name, node in nodes.items():
        found = (source_of(leaf) for leaf in node.walk() if not leaf.downstream)
        if sources := sorted({source for source in found if source}):
            traced[name] = tuple(sources)
    return traced


if __name__ == "__main__":
    found = {
        mart: {name: [str(source) for source in sources] for name, sources in lineage.items()}
        for mart, lineage in trace_marts()
    }
    TRACED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
