"""The first rows of a table as they are shown elsewhere: plain texts and numbers of a bounded length."""

import json
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.warehouse.describe import FIRST_ROWS, LONGEST_CELL, Description, count_syncs, describe

STRANGE = """
CREATE TABLE strange AS SELECT
    'r' || n AS repository_id, 'a' || chr(27) || '[31m' || chr(8238) || 'b' AS title, repeat('x', 1000) AS document,
    ['one', 'two'] AS names, CAST('nan' AS DOUBLE) AS ratio, CAST(1.5 AS DECIMAL(4, 2)) AS price, n > 0 AS is_positive,
    CAST(NULL AS VARCHAR) AS nothing, DATE '2026-01-02' AS day, n AS position
FROM range(8) numbers(n) ORDER BY n
"""


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(STRANGE)
        connection.execute("COMMENT ON COLUMN strange.day IS 'some day'")
        connection.execute("CREATE VIEW days AS SELECT DISTINCT day FROM strange")
    return path


def the_only(path: Path, name: str) -> Description:
    (description,) = describe(path, [name])
    return description


def test_the_first_rows_are_plain_and_short_whatever_is_in_them(published: Path):
    found = the_only(published, "strange")
    assert (found.rows, found.repositories, len(found.first)) == (8, 8, FIRST_ROWS)
    row = dict(found.first[2])
    assert row["title"] == "a␛[31m\\u202eb"
    assert row["document"] == "x" * LONGEST_CELL + "…"
    assert (row["names"], row["ratio"], row["price"]) == ("[one, two]", "nan", 1.5)
    assert (row["is_positive"], row["nothing"], row["day"], row["position"]) == (True, None, "2026-01-02", 2)
    assert list(row)[-1] == "repository_id", "ids tell a reader least"
    json.dumps(found.first, allow_nan=False)


def test_columns_have_types_and_descriptions_and_a_view_without_repositories_counts_none(published: Path):
    assert ("day", "DATE", "some day") in the_only(published, "strange").columns
    days = the_only(published, "days")
    assert (days.rows, days.repositories, days.first) == (1, None, ({"day": "2026-01-02"},))


def test_syncs_of_active_repositories_are_counted_by_their_outcome(tmp_path: Path):
    path = tmp_path / "published.duckdb"
    synced = {"a": "synced", "b": "gone", "c": "error", "f": "empty", "e": "error"}
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE repositories (repository_id VARCHAR, status VARCHAR)")
        connection.execute("CREATE TABLE snapshots (repository_id VARCHAR, sync_status VARCHAR)")
        for name in "abcdf":
            connection.execute("INSERT INTO repositories VALUES (?, 'active')", [name])
        connection.execute("INSERT INTO repositories VALUES ('e', 'blocked')")
        connection.executemany("INSERT INTO snapshots VALUES (?, ?)", [*synced.items()])
    assert count_syncs(path) == {"active": 5, "synced": 2, "failed": 2}
