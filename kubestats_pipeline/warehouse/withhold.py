"""Keeps values that could reveal their owner out of the published file, by the rule in `unshared_values.sql`.

The lake holds every value. `build.py` withholds before anything is computed from the table. All of `helm_values`
must therefore be loaded from the lake in every build, because whether a value is shared depends on all repositories.
"""

from pathlib import Path

import duckdb

WITHHELD = {"helm_values": ("value",)}
"""The columns of each table in which the published file may say less than the lake."""

UNSHARED = (Path(__file__).parent / "unshared_values.sql").read_text(encoding="utf-8")


def withhold_values(connection: duckdb.DuckDBPyConnection) -> None:
    """Set the values of `helm_values` to null that must not be published."""
    connection.execute(
        f"UPDATE helm_values SET value = NULL FROM ({UNSHARED}) AS unshared "  # noqa: S608 - our own file
        "WHERE helm_values.resource_id = unshared.resource_id AND helm_values.applied_id = unshared.applied_id "
        "AND helm_values.path = unshared.path"
    )


def find_unshared(connection: duckdb.DuckDBPyConnection) -> tuple[int, str | None]:
    """The number of values in `helm_values` that must not be published, and one of their repositories."""
    query = f"SELECT count(*), min(full_name) FROM ({UNSHARED})"  # noqa: S608 - our own file
    row = connection.execute(query).fetchone()
    return (row[0], row[1]) if row else (0, None)
