"""Brings the stored marts of a file up to date after the rows of a few repositories have changed.

A mart that is made of each repository's rows alone is computed for those repositories. One that is made of all rows of
a name, such as a chart, is computed for the names of which some row has changed. Both are the mart's own SQL on fewer
rows: a relation is looked for in a small database first, and in the file where that has none. Any other mart is
computed as a whole, and so is one that nobody has named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import duckdb

from kubestats_pipeline.warehouse.connect import quote
from kubestats_pipeline.warehouse.marts import MARTS, Mart

BY_REPOSITORY = (
    "repository_digests",
    "repository_logs",
    "resource_spans",
    "secrets_practice",
    "migrations",
    "use_spans",
    "tenures",
)
"""Marts each of whose rows depends on the rows of its own repository. They have the column `repository_id`."""

Inputs = Literal["spans", "settings", "families", "examples"]

BY_NAME: Mapping[str, tuple[str, Inputs]] = {
    "version_sightings": ("chart_name", "spans"),
    "chart_families": ("chart_name", "spans"),
    "family_versions": ("chart_name", "spans"),
    "version_steps": ("chart_name", "spans"),
    "version_spells": ("name", "spans"),
    "setting_values": ("chart_name", "settings"),
    "family_values": ("chart_name", "families"),
    "value_popularity": ("chart_name", "examples"),
}
"""Marts each of whose rows depends on the rows of its name, with the column of the name, and their input: spans of
uses, settings, settings by family, or settings with links to the documents, which each scan changes."""

PART, NARROW, WHOLE = "memory.main", "memory.narrow", "whole.main"
"""The database of the repositories that have changed, the inputs of the names that have, and the file."""

_UNLIKE = "(FROM {0} EXCEPT ALL FROM {1}) UNION ALL (FROM {1} EXCEPT ALL FROM {0})"
_TOUCHED = "EXISTS (FROM touched_{inputs} AS touched WHERE touched.name IS NOT DISTINCT FROM {column})"

_SETTING_NAMES = f"""
WITH old AS (SELECT * EXCLUDE (source_url) FROM old_settings), new AS (SELECT * EXCLUDE (source_url) FROM new_settings)
SELECT DISTINCT chart_name AS name FROM ({_UNLIKE.format("old", "new")})
"""  # noqa: S608 - our own SQL, as everywhere here

_NAMES: Mapping[Inputs, str] = {
    "spans": f"""
        WITH unlike AS ({_UNLIKE.format("old_spans", "new_spans")})
        SELECT chart_name AS name FROM unlike WHERE chart_name IS NOT NULL
        UNION SELECT unnest(images).image FROM unlike""",  # noqa: S608
    "settings": _SETTING_NAMES,
    "families": f"({_SETTING_NAMES}) UNION FROM moved_families",
    "examples": f"""
        SELECT chart_name AS name FROM ({_UNLIKE.format("old_settings", "new_settings")})
        UNION SELECT chart_name FROM {WHOLE}.setting_uses WHERE repository_id IN (FROM starred)""",  # noqa: S608
}
"""The names of which some row of the input has changed."""

# All spans of each use that ever had a name: what a span follows counts in some marts.
_SPANS = f"""
FROM {WHOLE}.use_spans
SEMI JOIN (
    SELECT use_id
    FROM (
        SELECT use_id, chart_name AS name FROM {WHOLE}.use_spans
        UNION SELECT use_id, unnest(images).image FROM {WHOLE}.use_spans
    ) AS named
    WHERE {_TOUCHED.format(inputs="spans", column="named.name")}
) USING (use_id)
"""  # noqa: S608
_SETTINGS = f"FROM {WHOLE}.setting_uses AS uses WHERE {_TOUCHED.format(inputs='{inputs}', column='uses.chart_name')}"


def sources_of(mart: Mart) -> set[str]:
    """The tables and stored marts that a mart reads, also through views."""
    views = {each.name: each for each in MARTS if not each.is_stored}
    return {source for name in mart.depends_on for source in (sources_of(views[name]) if name in views else {name})}


@dataclass
class KeptMarts:
    """The stored marts of the file, before and after the rows of some repositories are replaced.

    Attributes:
        connection: its database `memory` has the new rows of the repositories, `whole` is the file.
        repositories: an SQL list of the ids of these.
        moved: the tables of which some row has changed, and then the marts.
        elsewhere: those of them of which rows of other repositories may have.
    """

    connection: duckdb.DuckDBPyConnection
    repositories: str
    moved: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    _narrowed: list[Inputs] = field(default_factory=list)

    def remember(self) -> None:
        """Keep what the marts are made of, before the tables of the file change."""
        self.connection.execute(f"CREATE SCHEMA {NARROW}; CREATE TEMP TABLE moved_families (name VARCHAR)")
        self._keep("old")

    def bring_up_to_date(self) -> None:
        """Compute what has changed after the tables have, each mart after those that it reads."""
        for mart in MARTS:
            reads = sources_of(mart)
            if not mart.is_stored or not reads & self.moved:
                continue
            if mart.name in BY_REPOSITORY and not reads & self.elsewhere:
                self._by_repository(mart)
            elif mart.name in BY_NAME:
                self._by_name(mart, *BY_NAME[mart.name])
            else:
                self._as_a_whole(mart)

    def _by_repository(self, mart: Mart) -> None:
        self._look_in(PART)
        self.connection.execute(f"CREATE TABLE {PART}.{mart.name} AS {mart.sql}")
        self._replace(mart, f"repository_id IN ({self.repositories})", f"{PART}.{mart.name}")

    def _by_name(self, mart: Mart, column: str, inputs: Inputs) -> None:
        if not self._narrow(inputs):
            return
        self._look_in(NARROW)
        touched = _TOUCHED.format(inputs=inputs, column=f"each.{column}")
        rows = f"SELECT * FROM ({mart.sql}) AS each WHERE {touched}"  # noqa: S608 - our own SQL
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {rows}")
        if mart.name == "chart_families":
            self._note_moved_families(touched)
        self._replace(mart, touched, "fresh")

    def _as_a_whole(self, mart: Mart) -> None:
        self._look_in(WHOLE)
        self._replace(mart, "TRUE", f"({mart.sql})")
        self.elsewhere.add(mart.name)

    def _replace(self, mart: Mart, old: str, new: str) -> None:
        """Replace some rows of a mart in the file."""
        self.connection.execute(f"DELETE FROM {WHOLE}.{mart.name} AS each WHERE {old}")  # noqa: S608 - our own SQL
        self.connection.execute(f"INSERT INTO {WHOLE}.{mart.name} FROM {new}")
        self.moved.add(mart.name)

    def _note_moved_families(self, touched: str) -> None:
        """A chart that joins or leaves a family moves all of its repositories' rows there."""
        old = f"(FROM {WHOLE}.chart_families AS each WHERE {touched})"
        unlike = _UNLIKE.format(old, "fresh")
        self.connection.execute(f"INSERT INTO moved_families SELECT DISTINCT chart_name FROM ({unlike})")  # noqa: S608
        if self.connection.execute("FROM moved_families LIMIT 1").fetchall():
            self.elsewhere.add("chart_families")

    def _narrow(self, inputs: Inputs) -> bool:
        """Make the input of marts with the rows of touched names alone. False where no name is touched."""
        if inputs not in self._narrowed:
            self._keep("new")
            self.connection.execute(f"CREATE TEMP TABLE touched_{inputs} AS {_NAMES[inputs]}")
        if self._narrowed[-1:] != [inputs]:
            self.connection.execute(f"DROP SCHEMA {NARROW} CASCADE; CREATE SCHEMA {NARROW}")
            name, rows = (
                ("use_spans", _SPANS) if inputs == "spans" else ("setting_uses", _SETTINGS.format(inputs=inputs))
            )
            self.connection.execute(f"CREATE TABLE {NARROW}.{name} AS {rows}")
            self._narrowed.append(inputs)
        return bool(self.connection.execute(f"FROM touched_{inputs} LIMIT 1").fetchall())

    def _keep(self, age: Literal["old", "new"]) -> None:
        """Keep the inputs' rows of the repositories as they are now, in the file."""
        self._look_in(PART)
        for name, relation in (("spans", "use_spans"), ("settings", "setting_uses")):
            rows = f"FROM {WHOLE}.{relation} WHERE repository_id IN ({self.repositories})"
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {age}_{name} AS {rows}")

    def _look_in(self, place: str) -> None:
        """Set where names of relations are looked for: there first, then in the file."""
        self.connection.execute(f"SET search_path = {quote(place if place == WHOLE else f'{place},{WHOLE}')}")
