"""The last look before a file is published: texts of its tables that hold a known shape of a secret.

The stages withhold secrets before they store anything. Anything they missed is found here with the same table of shapes
(`redaction/secrets.py`) in every column that holds text, and replaced in the file that is being built. The lake keeps
it, and a check says so, until the stage that missed it has been mended.

DuckDB looks for the marks of all shapes in one pass over gigabytes of documents, and hands on the few texts that have
one. The functions that every stage uses then find the shapes in them. Of a column whose values repeat, such as images
and field changes, it looks at each value once.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb
import orjson

from kubestats_pipeline.lake.contract import Column, Table, Type
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.redaction.secrets import SHAPES
from kubestats_pipeline.redaction.shapes import SHORTEST, find_shapes, withhold_shapes

ROWS_AT_ONCE = 2_000
"""Documents that are in memory at one time."""

_STRUCTURED = (Type.TEXTS, Type.JSON, Type.IMAGES, Type.COUNTS)
SEARCHED = (Type.TEXT, *_STRUCTURED)

SELECTIVE = 3
"""Least characters of a mark that is searched for. A shape with shorter marks is looked for itself."""


def _prefilter() -> str:
    """One pattern that matches wherever a shape does: its marks, or where these are in every other text, itself."""
    parts: list[str] = []
    for shape in SHAPES:
        is_selective = all(len(mark) >= SELECTIVE and mark != "://" for mark in shape.marks)
        parts += map(re.escape, shape.marks) if is_selective else [f"(?:{shape.pattern})"]
    return "|".join(dict.fromkeys(parts))


PREFILTER = _prefilter()

_ONLY_DIGEST = "[0-9a-f]{1,40}"
"""Commits and our own digests: millions of rows, and every mark of a shape has another character."""

_LINE_ENDS = (("\\n", "  "), ("\\t", "  "), ("\\r", "  "))
"""Their JSON forms end in a letter, which would seem to belong to the word that follows."""


_IS_CANDIDATE = "regexp_matches(replace(text, '\\n', '  '), $prefilter)"

DOCUMENTS = ("data", "resource_data")
"""The columns of structured values of which nearly every one is different."""


class SecretFinding(NamedTuple):
    """Rows of one column with one kind of secret. The value is never kept."""

    table: str
    column: str
    kind: str
    rows: int


def find_secrets(connection: duckdb.DuckDBPyConnection, table: Table) -> list[SecretFinding]:
    """The content of a table that has a known shape, by column and kind."""
    return [finding for column in _searched(table) for finding in _ColumnSearch(connection, table, column).find()]


def withhold_secrets(connection: duckdb.DuckDBPyConnection) -> list[SecretFinding]:
    """Replace what has a known shape in all tables of a file that is being built, and name it.

    Texts that distinguish rows go on to do so: equal ones stay equal in all tables, different ones are numbered.
    """
    found: list[SecretFinding] = []
    names: dict[str, _Names] = {}
    for table in TABLES.values():
        for column in _searched(table):
            search = _ColumnSearch(connection, table, column)
            found += search.find()
            search.withhold(names.setdefault(column.name, _Names()))
    return found


def withhold_json(value: Any) -> Any:
    """A JSON value without what has a known shape, in keys as in values. Different keys stay different."""
    if isinstance(value, str):
        return withhold_shapes(value)
    if isinstance(value, list):
        return [withhold_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = _Names(set(value))
    return {names.name_of(key): withhold_json(item) for key, item in value.items()}


@dataclass
class _Names:
    """The names under which texts are published. `taken` are those that need no other."""

    taken: set[str] = field(default_factory=set)
    published: dict[str, str] = field(default_factory=dict)

    def name_of(self, text: str) -> str:
        """The text without its secret. Where another one has become the same, with a number."""
        withheld = withhold_shapes(text)
        if withheld == text:
            return text
        if text not in self.published:
            candidates = (withheld if number == 1 else f"{withheld}-{number}" for number in range(1, 1 << 30))
            name = next(candidate for candidate in candidates if candidate not in self.taken)
            self.taken.add(name)
            self.published[text] = name
        return self.published[text]


def _searched(table: Table) -> list[Column]:
    return [column for column in table.columns if column.type in SEARCHED]


class _ColumnSearch:
    """The hits in one column: texts with the number of their rows, or rows with their structured values."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: Table, column: Column) -> None:
        self._connection, self._table, self._column = connection, table, column
        self._texts: dict[str, int] = {}
        self._rows: dict[int, Any] = {}
        if column.type is Type.TEXT:
            self._texts = {text: rows for text, rows in self._read_texts() if find_shapes(text)}
        else:
            self._rows = {row: value for row, value in self._read_rows() if _kinds_in(value)}

    def find(self) -> list[SecretFinding]:
        """The hits by kind."""
        counted: Counter[str] = Counter()
        for text, rows in self._texts.items():
            counted.update(dict.fromkeys(find_shapes(text), rows))
        for value in self._rows.values():
            counted.update(_kinds_in(value))
        return [SecretFinding(self._table.name, self._column.name, kind, rows) for kind, rows in counted.items()]

    def withhold(self, names: _Names) -> None:
        """Replace the hits."""
        place = f'UPDATE {self._table.name} SET "{self._column.name}" ='  # noqa: S608 - the contract's
        if self._texts and self._tells_apart():
            names.taken |= {text for text, _ in self._read_texts()}
        for text in sorted(self._texts):
            new = names.name_of(text) if self._tells_apart() else withhold_shapes(text)
            self._connection.execute(f'{place} $new WHERE "{self._column.name}" = $old', {"new": new, "old": text})
        for row, value in self._rows.items():
            new = orjson.dumps(withhold_json(value)).decode()
            query = f"{place} CAST($new::JSON AS {self._column.type.value}) WHERE rowid = $row"
            self._connection.execute(query, {"new": new, "row": row})

    def _tells_apart(self) -> bool:
        name = self._column.name
        return name in self._table.key or name.endswith("_id") or name == "full_name"

    def _read_texts(self) -> Iterator[tuple[str, int]]:
        """The distinct texts that are long enough, each with the number of its rows."""
        text = f'"{self._column.name}"'
        long_enough = f"length({text}) >= {SHORTEST} AND NOT regexp_full_match({text}, '{_ONLY_DIGEST}')"
        query = f"SELECT {text}, count(*) FROM {self._table.name} WHERE {long_enough} GROUP BY ALL"  # noqa: S608 - the contract's
        yield from self._fetch(query)

    def _read_rows(self) -> Iterator[tuple[int, Any]]:
        """The rows in whose JSON text something is found, parsed: only there it is certain."""
        value = f'"{self._column.name}"' if self._column.type is Type.JSON else f'to_json("{self._column.name}")'
        if self._column.name not in DOCUMENTS and not self._is_in_a_distinct(value):
            return
        query = f"SELECT rowid, {value}::VARCHAR AS text FROM {self._table.name} WHERE {_IS_CANDIDATE}"  # noqa: S608 - the contract's
        for row, written in self._fetch(query, {"prefilter": PREFILTER}):
            if find_shapes(_with_line_ends(written)):
                yield row, orjson.loads(written)

    def _is_in_a_distinct(self, value: str) -> bool:
        """True if something is found in a value of a column whose values repeat: far fewer have to be looked at."""
        name, table = f'"{self._column.name}"', self._table.name
        # An aggregate, because DuckDB moves a filter below the grouping by what it asks.
        texts = f"SELECT {value.replace(name, f'any_value({name})')}::VARCHAR AS text FROM {table} GROUP BY {name}"  # noqa: S608 - the contract's
        query = f"SELECT text FROM ({texts}) WHERE {_IS_CANDIDATE}"  # noqa: S608 - the contract's
        return any(find_shapes(_with_line_ends(text)) for (text,) in self._fetch(query, {"prefilter": PREFILTER}))

    def _fetch(self, query: str, parameters: Mapping[str, str] | None = None) -> Iterator[Any]:
        cursor = self._connection.cursor().execute(query, parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows


def _with_line_ends(written: str) -> str:
    if "\\" in written:
        for escape, blanks in _LINE_ENDS:
            written = written.replace(escape, blanks)
    return written


def _kinds_in(value: Any) -> set[str]:
    """The kinds of secrets in the texts and keys of a JSON value."""
    if isinstance(value, str):
        return set(find_shapes(value))
    if isinstance(value, list):
        return set().union(*map(_kinds_in, value))
    if isinstance(value, dict):
        return set().union(*map(_kinds_in, value), *map(_kinds_in, value.values()))
    return set()


FINDINGS_TYPE = 'STRUCT("table" VARCHAR, "column" VARCHAR, kind VARCHAR, "rows" BIGINT)[]'
"""How a published file keeps what was withheld from it, in `warehouse_info`."""


def as_rows(findings: Sequence[SecretFinding]) -> list[Mapping[str, Any]]:
    """Findings as values of that type."""
    return [finding._asdict() for finding in findings]


def read_withheld(connection: duckdb.DuckDBPyConnection) -> list[SecretFinding]:
    """The findings withheld from a published file, empty for one of an earlier version."""
    columns = {name for name, *_ in connection.execute("DESCRIBE warehouse_info").fetchall()}
    if "withheld" not in columns:
        return []
    rows = connection.execute("SELECT withheld FROM warehouse_info").fetchall()
    return [SecretFinding(**finding) for (found,) in rows for finding in found or ()]
