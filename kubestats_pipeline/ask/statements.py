"""The SQL that may be asked of the published file, and its values as JSON."""

from collections.abc import Sequence
from typing import Any

import duckdb
import orjson

from kubestats_pipeline.errors import ExplainedError

READING = {"SELECT", "EXPLAIN", "PRAGMA", "CALL", "RELATION"}
"""Kinds of statements that only read. DESCRIBE, SHOW and SUMMARIZE are SELECTs to DuckDB."""


class QueryError(ExplainedError):
    """The query cannot be run. The text says why."""


def refuse_changes(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Refuse what is not exactly one statement that only reads.

    Raises:
        QueryError: it is another one, none or several.
        duckdb.Error: it is not SQL.
    """
    kinds = [statement.type.name for statement in connection.extract_statements(query)]
    if len(kinds) != 1:
        raise QueryError(f"give one statement, not {len(kinds)}")
    if kinds[0] not in READING:
        raise QueryError(f"{kinds[0]} is not a query. Give a SELECT, FROM, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN")


def told_apart(names: Sequence[str]) -> list[str]:
    """Number columns of the same name, for in JSON one would replace the other."""
    return [name if names.index(name) == place else f"{name}_{place + 1}" for place, name in enumerate(names)]


def to_json(value: Any, option: int = 0) -> str:
    """JSON text. Numbers beyond 64 bits, decimals and what else JSON has no type for are text in it."""
    return orjson.dumps(_within_bounds(value), default=str, option=option | orjson.OPT_NON_STR_KEYS).decode()


def _within_bounds(value: Any) -> Any:
    if isinstance(value, list):
        return [_within_bounds(item) for item in value]
    if isinstance(value, dict):
        return {key: _within_bounds(item) for key, item in value.items()}
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value
