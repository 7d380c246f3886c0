"""Keeps values that could reveal their owner out of the published file: in settings, documents and changes alike.

The lake holds every value. `build.py` withholds before anything is computed from the tables. How a value looks decides
(`looks.py`). Where it has words that only its writer may know, `unshared_values.sql` decides by who shares it.
That asks `setting_shares`, who says what, of all repositories: the temporary table of those that are loaded from the
lake, and what a build kept of others.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import duckdb
import orjson
from duckdb.func import FunctionNullHandling
from duckdb.sqltypes import VARCHAR

from kubestats_pipeline.warehouse.values.documents import (
    KnownBlocks,
    ReleaseSettings,
    replace_block,
    withhold_changes,
)
from kubestats_pipeline.warehouse.values.looks import Look, Verdict, look_at, look_strictly, words_of

PublishRule = Literal["looks", "strict"]
"""By their looks, or only values that are shared or stand below a safe key."""

LOOKS: Mapping[str, Callable[[str, str], Look]] = {"looks": look_at, "strict": look_strictly}

ROWS_AT_ONCE = 2_000

SETTINGS, UNSHARED = (
    (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
    for name in ("chart_settings", "unshared_values")
)

_TOLD = r"""
SELECT path, CASE WHEN contains(path, '[') THEN regexp_replace(path, '\[\d+\]', '[]', 'g') ELSE path END, value
FROM (SELECT DISTINCT path, value FROM helm_values
      WHERE value IS NOT NULL AND value_type IN ('string', 'integer', 'float'))
"""
_SHARES = """
CREATE OR REPLACE TEMP TABLE setting_shares AS
SELECT DISTINCT repository_id, chart_name, setting FROM chart_settings WHERE in_scope AND NOT is_hidden
"""
SHARED = """
SELECT chart_name, setting
FROM {shares}
GROUP BY ALL HAVING count(*) >= 3
"""
"""What three repositories share of all that some relation like `setting_shares` says."""
_DECIDED = "SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = 'own_words'"
_LOOK_COLUMNS = {
    "path": "VARCHAR",
    "value": "VARCHAR",
    "setting": "UBIGINT",
    "is_hidden": "BOOLEAN",
    "words": "VARCHAR[]",
}
_NAMES = {"resources": ("name", "namespace"), "resource_events": ("resource_name", "resource_namespace")}
DECIDING = ("resource_id", "full_name", "chart_name", "context", "is_applied", "images", *_NAMES["resources"])
"""The columns of `resources` that decide what may be published."""

_HOLDS = " OR ".join(f"""contains({{0}}, '{text}')""" for text in ('"values', '"parameters":', '"set":', "values.y"))
"""What is true of every document with settings. A search for texts takes half the time of one for a pattern."""

_DOCUMENT = (
    f"CASE WHEN {_HOLDS.format('{column}::VARCHAR')} THEN coalesce(published_document("
    "chart_name, {words}, {column}::VARCHAR), {column}) ELSE {column} END"
)
_CHANGES = (
    "CASE WHEN contains({column}::VARCHAR, 'values') OR contains({column}::VARCHAR, 'parameters') "
    r"OR contains({column}::VARCHAR, 'set') AND regexp_matches({column}::VARCHAR, '\bset\b') "
    "THEN coalesce(published_changes(chart_name, {words}, {column}::VARCHAR), {column}) ELSE {column} END"
)
WITH_DOCUMENTS = {
    "resources": {"data": _DOCUMENT},
    "resource_events": {"resource_data": _DOCUMENT, "field_changes": _CHANGES},
}
"""The columns of each table that hold settings in documents, with SQL for what is published in their place."""

WITHHELD = {"helm_values": ("value",), **{table: tuple(columns) for table, columns in WITH_DOCUMENTS.items()}}
"""The columns of each table in which the published file may say less than the lake."""

RELEASES_AT_ONCE, BLOCKS_AT_ONCE = 4_096, 16_384
"""Releases whose decisions are remembered, and versions of their settings. Documents come by repository."""
CHANGES_AT_ONCE = 16_384
"""Changes of releases that are remembered: one bot makes the same ones in many repositories."""


def setting_id(path: str, value: str) -> int:
    """The number that stands for a value at a path, in place of the value: 64 bits of a digest."""
    return int.from_bytes(hashlib.blake2b(f"{path}\0{value}".encode(), digest_size=8).digest())


def withhold_values(
    connection: duckdb.DuckDBPyConnection, rule: PublishRule, shares: str = "setting_shares"
) -> "Shown":
    """Set values of `helm_values` to null that must not be published.

    `shares` is a query's source with all that decides who shares a value: the temporary table `setting_shares`, where
    all repositories are loaded, or that and what is known of others. Returns the decision, by which documents and
    changes are replaced when they are loaded.
    """
    shown = _decide(connection, rule, shares)
    connection.execute(
        f"UPDATE helm_values SET value = NULL FROM ({UNSHARED}) AS unshared WHERE helm_values.rowid = unshared.row"  # noqa: S608 - our own file
    )
    return shown


def find_unshared(connection: duckdb.DuckDBPyConnection, rule: PublishRule) -> tuple[int, str | None]:
    """The number of values in `helm_values` that must not be published, and one of their repositories.

    A connection that has withheld them knows the decision. A published file is decided about anew.
    """
    is_decided = bool(connection.execute(_DECIDED).fetchall())
    if not is_decided:
        _decide(connection, rule)
    query = f"SELECT count(*), min(full_name) FROM ({UNSHARED})"  # noqa: S608 - our own file
    row = connection.execute(query).fetchone()
    if not is_decided:
        connection.execute("DROP TABLE own_words")
    return (row[0], row[1]) if row else (0, None)


def read_rule(connection: duckdb.DuckDBPyConnection) -> PublishRule | None:
    """The rule by which a file was published, or None for one of an earlier version."""
    columns = {name for name, *_ in connection.execute("DESCRIBE warehouse_info").fetchall()}
    if "publish_values" not in columns:
        return None
    row = connection.execute("SELECT publish_values FROM warehouse_info").fetchone()
    return row[0] if row else None


class Shown:
    """The decision about a value in a document: by its look, the words of its release, and who shares it."""

    def __init__(self, look: Callable[[str, str], Look], shared: frozenset[tuple[str | None, int]]) -> None:
        self._look, self._shared = look, shared
        self._replace, self._blocks = lru_cache(BLOCKS_AT_ONCE)(replace_block), KnownBlocks(BLOCKS_AT_ONCE)
        self._settings = lru_cache(RELEASES_AT_ONCE)(self._settings_of)
        self._changes = lru_cache(CHANGES_AT_ONCE)(self.changes)

    def teach(self, connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
        """SQL expressions of what is published of the documents and changes of a table, in the place of each column.

        The connection is taught their functions. Each document is then read, decided about and written in one pass.
        """
        _teach(connection, "published_document", self.document, 3, "JSON")
        _teach(connection, "published_changes", self._changes, 3, "JSON")
        words = _words_around(_NAMES[table])
        return {column: sql.format(column=column, words=words) for column, sql in WITH_DOCUMENTS[table].items()}

    def document(self, chart: str | None, text: str, written: str) -> str | None:
        """The published form of a document of a chart's release that says `text` elsewhere. None if it is the same."""
        return self._settings(chart, text).withhold_in(written)

    def changes(self, chart: str | None, text: str, written: str) -> str | None:
        """The same of the field changes of an event."""
        changes = orjson.loads(written)
        published = withhold_changes(changes, self._settings(chart, text))
        return None if published is changes else orjson.dumps(published).decode()

    def _settings_of(self, chart: str | None, text: str) -> ReleaseSettings:
        return ReleaseSettings(partial(self._shows, chart, frozenset(words_of(text))), self._replace, self._blocks)

    def _shows(self, chart: str | None, words: frozenset[str], path: str, value: str) -> bool:
        """True if a value may be published in a document of a chart's release that says these words elsewhere."""
        look = self._look(path, value)
        if look.verdict is Verdict.FREE:
            return words.issuperset(look.words) or (chart, setting_id(path, value)) in self._shared
        return look.verdict is Verdict.SHOWN


def _decide(connection: duckdb.DuckDBPyConnection, rule: PublishRule, shares: str = "setting_shares") -> Shown:
    """Fill the temporary tables that `unshared_values.sql` reads. Give the same for documents."""
    look = LOOKS[rule]
    looks = [
        (path, value, setting_id(general, value), seen.verdict is Verdict.HIDDEN, seen.words)
        for path, general, value in connection.execute(_TOLD).fetchall()
        if (seen := look(general, value)).verdict is not Verdict.SHOWN
    ]
    _fill(connection, "value_looks", _LOOK_COLUMNS, looks)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW chart_settings AS {SETTINGS}")
    connection.execute(_SHARES)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE shared_values AS {SHARED.format(shares=shares)}")
    _teach(connection, "words_said", lru_cache(RELEASES_AT_ONCE)(_words_said), 1, "VARCHAR[]")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE own_words AS "  # noqa: S608 - the contract's
        f"SELECT resource_id, words_said({_words_around(_NAMES['resources'])}) AS words "
        "FROM resources SEMI JOIN helm_values USING (resource_id)"
    )
    return Shown(look, frozenset(connection.execute("SELECT chart_name, setting FROM shared_values").fetchall()))


def _words_said(text: str) -> list[str]:
    return sorted(set(words_of(text)))


def _teach(
    connection: duckdb.DuckDBPyConnection, name: str, function: Callable[..., Any], texts: int, gives: str
) -> None:
    """Let SQL call a function of some texts, any of which may be null."""
    with contextlib.suppress(duckdb.InvalidInputException):
        connection.remove_function(name)
    connection.create_function(name, function, [VARCHAR] * texts, gives, null_handling=FunctionNullHandling.SPECIAL)


def _words_around(names: tuple[str, str]) -> str:
    """An SQL expression of all that a row says elsewhere: its name, namespace, chart and images."""
    images = "array_to_string([each.image FOR each IN images], ' ')"
    return f"concat_ws(' ', {', '.join(names)}, chart_name, {images})"


def _fill(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Make a temporary table of some rows, of which few are in memory at one time."""
    declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({declared})")
    values = ", ".join(f"unnest(${name}::{kind}[])" for name, kind in columns.items())
    remaining = iter(rows)
    while batch := list(islice(remaining, ROWS_AT_ONCE)):
        parameters = dict(zip(columns, map(list, zip(*batch, strict=True)), strict=True))
        connection.execute(f"INSERT INTO {table} SELECT {values}", parameters)
