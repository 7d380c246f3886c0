"""Refuses the tables kept by hand, `chart_mirrors` and `image_renames`, where they contradict themselves.

Both are SQL files in `tables/`. `build.py` asks here after it has made them, before it publishes the file.
"""

import duckdb

from kubestats_pipeline.warehouse.sources import WarehouseError

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


def refuse_contradictions(connection: duckdb.DuckDBPyConnection) -> None:
    """Look for a place with two homes, and for a home that has a home itself, as in a circle.

    Raises:
        WarehouseError: there is one. The line names the table and the place. The published file is untouched.
    """
    for table, (place, home, pattern) in PLACES.items():
        query = _CONTRADICTIONS.format(table=table, place=place, home=home, pattern=pattern)
        if found := connection.execute(query).fetchone():
            raise WarehouseError(f"{table}: {found[0]}. Correct warehouse/tables/{table}.sql")
