"""Keeps values that could reveal their owner out of the published file: in settings, documents and changes alike.

The lake holds every value. `build.py` withholds before anything is computed from the tables. How a value looks decides
(`values/looks.py`). Where it has words that only its writer may know, `unshared_values.sql` decides by who shares it.
All of `helm_values` must therefore be loaded from the lake in every build.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import duckdb
import orjson
import polars as pl

from kubestats_pipeline.warehouse.load import count_rows
from kubestats_pipeline.warehouse.values.documents import ReleaseSettings, withhold_changes, withhold_settings
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
_DECIDED = "SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = 'own_words'"
_LOOK_COLUMNS = {"path": "VARCHAR", "value": "VARCHAR", "is_hidden": "BOOLEAN", "words": "VARCHAR[]"}
_RELEASE = ("name", "namespace")
_EVENT = ("resource_name", "resource_namespace")
_HOLDS = " OR ".join(f"""contains({{0}}, '{text}')""" for text in ('"values', '"parameters":', "values.y"))
"""What is true of every document with settings. A search for texts takes half the time of one for a pattern."""

_BLOCK = "json_extract({}, '$.spec.values')::VARCHAR"

RELEASES_AT_ONCE = 1_024
"""Releases whose decisions are remembered. Documents come by repository."""


def withhold_values(connection: duckdb.DuckDBPyConnection, rule: PublishRule) -> "Shown":
    """Set values of `helm_values` to null that must not be published, and replace them in documents of `resources`.

    Returns the decision, by which the documents and changes of events are replaced when they are loaded.
    """
    shown = _decide(connection, rule)
    connection.execute(
        f"UPDATE helm_values SET value = NULL FROM ({UNSHARED}) AS unshared "  # noqa: S608 - our own file
        "WHERE helm_values.resource_id = unshared.resource_id AND helm_values.applied_id = unshared.applied_id "
        "AND helm_values.path = unshared.path"
    )
    query = (
        f"SELECT rowid, chart_name, {_words_around(_RELEASE)}, data::VARCHAR, {_BLOCK.format('data')} FROM resources "  # noqa: S608 - constants
        f"WHERE {_HOLDS.format('data::VARCHAR')}"
    )
    rows = _fetch(connection.cursor().execute(query))
    replaced = ((row, new) for row, *known in rows if (new := shown.document(*known)) is not None)
    _fill(connection, "replaced", {"row": "BIGINT", "document": "VARCHAR"}, replaced)
    connection.execute("UPDATE resources SET data = document::JSON FROM replaced WHERE resources.rowid = replaced.row")
    return shown


def find_unshared(connection: duckdb.DuckDBPyConnection, rule: PublishRule) -> tuple[int, str | None]:
    """The number of values in `helm_values` that must not be published, and one of their repositories.

    A connection that has withheld them knows the decision. A published file is decided about anew.
    """
    if not connection.execute(_DECIDED).fetchall():
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


class Shown:
    """The decision about a value in a document: by its look, the words of its release, and who shares it."""

    def __init__(self, look: Callable[[str, str], Look], shared: frozenset[tuple[str | None, str, str]]) -> None:
        self._look, self._shared = look, shared
        self._settings = lru_cache(RELEASES_AT_ONCE)(self._settings_of)

    def document(self, chart: str | None, text: str, written: str, block: str | None) -> str | None:
        """The published form of a document of a chart's release that says `text` elsewhere. None if it is the same.

        `block` is the mapping of its settings, where Flux has it.
        """
        settings = self._settings(chart, text)
        known = settings.replace_known(written, block) if block else None
        if known is not None:
            return None if known == written else known
        document = orjson.loads(written)
        published = withhold_settings(document, settings)
        return None if published is document else orjson.dumps(published).decode()

    def changes(self, chart: str | None, text: str, written: str) -> str | None:
        """The same of the field changes of an event."""
        changes = orjson.loads(written)
        published = withhold_changes(changes, self._settings(chart, text))
        return None if published is changes else orjson.dumps(published).decode()

    def replace_events(self, connection: duckdb.DuckDBPyConnection, rows: str, files: Sequence[str], to: Path) -> None:
        """Write what is published in place of the documents and changes of events: a row for each event, mostly null.

        `rows` is the SELECT of the events from `$files`, in the order of which the rows of the Parquet file `to` are.
        """
        query = (
            f"SELECT row, chart_name, {_words_around(_EVENT)}, CASE WHEN holds THEN resource_data::VARCHAR END, "  # noqa: S608 - constants
            f"CASE WHEN holds THEN {_BLOCK.format('resource_data')} END, "
            "CASE WHEN changes THEN field_changes::VARCHAR END "
            "FROM (SELECT *, row_number() OVER () - 1 AS row, "
            f"coalesce({_HOLDS.format('resource_data::VARCHAR')}, FALSE) AS holds, "
            "coalesce(regexp_matches(field_changes::VARCHAR, 'values|parameters'), FALSE) AS changes "
            f"FROM ({rows}) AS events) WHERE holds OR changes"
        )
        found = connection.cursor().execute(query, {"files": list(files)})
        height = count_rows(connection, files)
        documents: list[str | None] = [None] * height
        changes: list[str | None] = [None] * height
        for row, chart, text, document, block, changed in _fetch(found):
            documents[row] = self.document(chart, text, document, block) if document else None
            changes[row] = self.changes(chart, text, changed) if changed else None
        columns = {"resource_data": documents, "field_changes": changes}
        pl.DataFrame(columns, dict.fromkeys(columns, pl.String)).write_parquet(to, compression="lz4")

    def _settings_of(self, chart: str | None, text: str) -> ReleaseSettings:
        return ReleaseSettings(partial(self._shows, chart, frozenset(words_of(text))))

    def _shows(self, chart: str | None, words: frozenset[str], path: str, value: str) -> bool:
        """True if a value may be published in a document of a chart's release that says these words elsewhere."""
        look = self._look(path, value)
        if look.verdict is Verdict.FREE:
            return words.issuperset(look.words) or (chart, path, value) in self._shared
        return look.verdict is Verdict.SHOWN


def _decide(connection: duckdb.DuckDBPyConnection, rule: PublishRule) -> Shown:
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
    return Shown(look, frozenset(_fetch(connection.execute(_SHARED_AND_FREE))))


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
