"""Keeps values that could reveal their owner out of the published file: in settings, documents and changes alike.

The lake holds every value. `build.py` withholds before anything is computed from the tables. How a value looks decides
(`values/looks.py`). Where it has words that only its writer may know, `unshared_values.sql` decides by who shares it.
All of `helm_values` must therefore be loaded from the lake in every build.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import duckdb
import orjson

from kubestats_pipeline.warehouse.values.documents import withhold_changes, withhold_settings
from kubestats_pipeline.warehouse.values.looks import Look, Verdict, look_at, look_strictly, words_of

PublishRule = Literal["looks", "strict"]
"""By their looks, or only values that are shared or stand below a safe key."""

LOOKS: Mapping[str, Callable[[str, str], Look]] = {"looks": look_at, "strict": look_strictly}

WITHHELD = {"helm_values": ("value",), "resources": ("data",), "resource_events": ("resource_data", "field_changes")}
"""The columns of each table in which the published file may say less than the lake."""

ROWS_AT_ONCE = 2_000

SETTINGS, UNSHARED = (
    (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
    for name in ("chart_settings", "unshared_values")
)

_SHARED = """
CREATE OR REPLACE TEMP TABLE shared_values AS
SELECT chart_name, general_path, value FROM chart_settings WHERE in_scope
GROUP BY ALL HAVING count(DISTINCT repository_id) >= 3
"""
_SHARED_AND_FREE = """
SELECT shared.chart_name, shared.general_path, shared.value
FROM shared_values AS shared
SEMI JOIN value_looks ON value_looks.path = shared.general_path AND value_looks.value = shared.value
"""
_LOOK_COLUMNS = {"path": "VARCHAR", "value": "VARCHAR", "is_hidden": "BOOLEAN", "words": "VARCHAR[]"}
_RELEASE = ("name", "namespace")
_EVENT = ("resource_name", "resource_namespace")
_DOCUMENTS = (
    ("resources", "data", _RELEASE, withhold_settings),
    ("resource_events", "resource_data", _EVENT, withhold_settings),
    ("resource_events", "field_changes", _EVENT, withhold_changes),
)


def withhold_values(connection: duckdb.DuckDBPyConnection, rule: PublishRule) -> None:
    """Set values of `helm_values` to null that must not be published, and replace them in documents and changes."""
    shown = _decide(connection, rule)
    connection.execute(
        f"UPDATE helm_values SET value = NULL FROM ({UNSHARED}) AS unshared "  # noqa: S608 - our own file
        "WHERE helm_values.resource_id = unshared.resource_id AND helm_values.applied_id = unshared.applied_id "
        "AND helm_values.path = unshared.path"
    )
    for table, column, names, withhold in _DOCUMENTS:
        replaced = shown.replace(connection, table, column, names, withhold)
        _fill(connection, "replaced", {"row": "BIGINT", "document": "VARCHAR"}, replaced)
        connection.execute(
            f"UPDATE {table} SET {column} = replaced.document::JSON FROM replaced "  # noqa: S608 - names of the contract
            f"WHERE {table}.rowid = replaced.row"
        )


def find_unshared(connection: duckdb.DuckDBPyConnection, rule: PublishRule) -> tuple[int, str | None]:
    """The number of values in `helm_values` that must not be published, and one of their repositories."""
    _decide(connection, rule)
    query = f"SELECT count(*), min(full_name) FROM ({UNSHARED})"  # noqa: S608 - our own file
    row = connection.execute(query).fetchone()
    return (row[0], row[1]) if row else (0, None)


def read_rule(connection: duckdb.DuckDBPyConnection) -> PublishRule | None:
    """The rule by which a file was published, or None for one of an earlier version."""
    columns = {name for name, *_ in connection.execute("DESCRIBE warehouse_info").fetchall()}
    if "publish_values" not in columns:
        return None
    row = connection.execute("SELECT publish_values FROM warehouse_info").fetchone()
    return row[0] if row else None


@dataclass(frozen=True)
class _Shown:
    """The decision about a value in a document: by its look, the words of its release, and who shares it."""

    look: Callable[[str, str], Look]
    shared: frozenset[tuple[str | None, str, str]]

    def replace(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        column: str,
        names: tuple[str, str],
        withhold: Callable[..., Any],
    ) -> Iterator[tuple[int, str]]:
        """The rows of a table whose documents hold a value that is withheld, each with what is published."""
        query = (
            f"SELECT rowid, {column}::VARCHAR, chart_name, {_words_around(names)} FROM {table} "  # noqa: S608 - the contract's
            f"WHERE regexp_matches({column}::VARCHAR, 'values|parameters')"
        )
        for row, written, chart, text in _fetch(connection.cursor().execute(query)):
            document = orjson.loads(written)
            published = withhold(document, partial(self.shows, chart, frozenset(words_of(text))))
            if published != document:
                yield row, orjson.dumps(published).decode()

    def shows(self, chart: str | None, words: frozenset[str], path: str, value: str) -> bool:
        """True if a value may be published in a document of a chart's release that says these words elsewhere."""
        look = self.look(path, value)
        if look.verdict is Verdict.FREE:
            return words.issuperset(look.words) or (chart, path, value) in self.shared
        return look.verdict is Verdict.SHOWN


def _decide(connection: duckdb.DuckDBPyConnection, rule: PublishRule) -> _Shown:
    """Fill the temporary tables that `unshared_values.sql` reads. Give the same for documents.

    A cursor does not see temporary tables, so each answer is read to its end before the next question.
    """
    look = LOOKS[rule]
    connection.execute(f"CREATE OR REPLACE TEMP VIEW chart_settings AS {SETTINGS}")
    connection.execute(_SHARED)
    looks = [
        (path, value, seen.verdict is Verdict.HIDDEN, list(seen.words))
        for path, value in _fetch(connection.execute("SELECT DISTINCT general_path, value FROM chart_settings"))
        if (seen := look(path, value)).verdict is not Verdict.SHOWN
    ]
    _fill(connection, "value_looks", _LOOK_COLUMNS, looks)
    releases = connection.execute(
        f"SELECT resource_id, {_words_around(_RELEASE)} FROM resources SEMI JOIN helm_values USING (resource_id)"  # noqa: S608 - the contract's
    )
    words = [(resource_id, sorted(set(words_of(text)))) for resource_id, text in _fetch(releases)]
    _fill(connection, "own_words", {"resource_id": "VARCHAR", "words": "VARCHAR[]"}, words)
    return _Shown(look, frozenset(_fetch(connection.execute(_SHARED_AND_FREE))))


def _words_around(names: tuple[str, str]) -> str:
    """An SQL expression of all that a row says elsewhere: its name, namespace, chart and images."""
    images = "array_to_string([each.image FOR each IN images], ' ')"
    return f"concat_ws(' ', {', '.join(names)}, chart_name, {images})"


def _fetch(result: duckdb.DuckDBPyConnection) -> Iterator[Any]:
    while rows := result.fetchmany(ROWS_AT_ONCE):
        yield from rows


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
