"""What a stage has missed is withheld from the file before anybody can read it, and named.

The kinds of secrets here are written apart from the table that the product searches with, and made at run time.
"""

import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.contract import Table, Type
from kubestats_pipeline.lake.frames import parquet_schema
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, SCAN_PROBLEMS, TABLES
from kubestats_pipeline.warehouse.build import WarehouseReport, build_warehouse
from kubestats_pipeline.warehouse.values.known_secrets import SEARCHED, withhold_json
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

PLANTED = "q7W2e9R4" * 5
"""Stands in every secret; by it they are found again."""

KINDS = {
    "GitHub": "gh" + "p_" + PLANTED,
    "GitLab": "gl" + "pat-" + PLANTED,
    "Slack": "xox" + "b-1234567890-" + PLANTED,
    "age": "AGE-" + "SECRET-KEY-1" + PLANTED.upper(),
    "PEM": "-----BEGIN " + f"PRIVATE KEY-----\n{PLANTED}\n-----END " + "PRIVATE KEY-----",
    "PEM without an end": "-----BEGIN " + f"RSA PRIVATE KEY-----\n{PLANTED}",
    "Stripe": "sk_" + "live_" + PLANTED,
    "OpenAI": "sk-" + "proj-" + PLANTED,
    "Anthropic": "sk-" + "ant-" + PLANTED,
    "Google": "AIz" + "aSy" + PLANTED,
    "npm": "npm" + "_" + PLANTED,
    "Vault": "hv" + "s." + PLANTED,
    "Tailscale": "tskey-" + "auth-" + PLANTED,
    "Docker": "dckr_" + "pat_" + PLANTED,
    "Grafana": "gl" + "sa_" + PLANTED,
    "URL": f"https://user:{PLANTED}@example.org/x",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJ" + PLANTED + "." + PLANTED,
}

TOKEN = KINDS["GitHub"]


def published(report: WarehouseReport) -> dict[str, str]:
    """Every table and view of the file as one text."""
    with duckdb.connect(str(report.path), read_only=True) as connection:
        names = "SELECT view_name FROM duckdb_views() WHERE NOT internal UNION SELECT table_name FROM duckdb_tables()"
        return {name: repr(connection.table(name).fetchall()) for (name,) in connection.execute(names).fetchall()}


def set_first(lake: Lake, table: Table, values: dict[str, Any], rows: int = 1) -> None:
    """Give columns of the first rows of a table other values, as a stage would that has missed a secret."""
    key = next(each for each in lake.partitions(table) if lake.read(table, each).rows.height >= rows)
    frame = lake.read(table, key).rows
    changed = [row | (values if number < rows else {}) for number, row in enumerate(frame.to_dicts())]
    lake.write(table, key, pl.DataFrame(changed, schema=parquet_schema(table)))


def value_with(secret: str, kind: Type) -> Any:
    """A value of a column's type in which a secret stands."""
    image = dict.fromkeys(("image", "tag", "digest", "role", "registry", "repository", "raw"), "a")
    return {
        Type.TEXT: f"see {secret}",
        Type.TEXTS: ["a", secret],
        Type.JSON: json.dumps({"spec": {"note": f"a\n{secret}", secret: [secret]}}),
        Type.COUNTS: [{"key": secret, "value": 1}, {"key": secret + "Z", "value": 2}],
        Type.IMAGES: [image | {"raw": f"registry.example.org/x:{secret}"}],
    }[kind]


def test_every_column_that_holds_text_is_searched() -> None:
    kinds = {column.type for table in TABLES.values() for column in table.columns}
    assert kinds - set(SEARCHED) == {Type.INTEGER, Type.BOOLEAN, Type.DATE, Type.TIME}


def problem(lake: Lake, path: str, message: str = "line 1") -> dict[str, Any]:
    """A row of scan_problems: the table of the small lake that takes any number of rows with any text."""
    return {
        "repository_id": "github:1", "full_name": "alice/home", "file_path": path, "document_index": None,
        "problem": "syntax", "message": message, "commit_sha": "c1",
        "first_seen_at": lake.read_all(RESOURCE_EVENTS)["event_timestamp"][0],
    }  # fmt: skip


def test_a_secret_of_every_kind_is_withheld_from_texts_and_named(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    lake.write(SCAN_PROBLEMS, "alice/home", [problem(lake, kind, f"see {text}") for kind, text in KINDS.items()])
    report = build_warehouse(lake)
    with duckdb.connect(str(report.path), read_only=True) as connection:
        told = dict(connection.execute("SELECT file_path, message FROM scan_problems").fetchall())
    assert told.keys() == KINDS.keys()
    assert {kind for kind, text in told.items() if "<redacted>" not in text} == set()
    assert [name for name, text in published(report).items() if PLANTED.casefold() in text.casefold()] == []
    assert sum(each.rows for each in report.withheld) == len(KINDS)
    assert PLANTED not in repr(report)


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_of_every_kind_is_withheld_from_documents(kind: str) -> None:
    document = json.loads(value_with(KINDS[kind], Type.JSON))
    assert PLANTED.casefold() in repr(document).casefold()
    assert PLANTED.casefold() not in repr(withhold_json(document)).casefold()


def test_a_secret_in_every_column_of_every_table_is_withheld(tmp_path: Path) -> None:
    """Keys of other tables are left out: rows that name another one would be lost with it."""
    lake = write_small_lake(tmp_path)
    expected = set()
    for table in TABLES.values():
        if not lake.partitions(table):
            continue
        columns = [each for each in table.columns if each.type in SEARCHED and not each.name.endswith("_id")]
        columns = [each for each in columns if not each.name.endswith(("status", "event_type", "_kind", "kind"))]
        columns = [each for each in columns if "hash" not in each.name]
        set_first(lake, table, {each.name: value_with(TOKEN, each.type) for each in columns})
        expected |= {(table.name, each.name) for each in columns}
    report = build_warehouse(lake)
    assert [name for name, text in published(report).items() if PLANTED in text] == []
    assert {(each.table, each.column) for each in report.withheld} == expected
    assert len(expected) > 40


def test_keys_that_differ_in_their_secret_alone_stay_different(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    paths = [f"apps/{TOKEN}{letter}.yaml" for letter in "ab"] + ["apps/<redacted>.yaml", "apps/plain.yaml"]
    lake.write(SCAN_PROBLEMS, "alice/home", [problem(lake, path) for path in paths])
    report = build_warehouse(lake)
    with duckdb.connect(str(report.path), read_only=True) as connection:
        found = [path for (path,) in connection.execute("SELECT file_path FROM scan_problems").fetchall()]
    assert len(set(found)) == 4
    assert {"apps/<redacted>.yaml", "apps/plain.yaml"} < set(found)
    assert TOKEN not in repr(found)


def test_a_file_without_secrets_is_what_the_lake_holds(tmp_path: Path) -> None:
    report = build_warehouse(write_small_lake(tmp_path))
    assert report.withheld == ()


def test_keys_of_a_document_stay_apart() -> None:
    document = {TOKEN + "1": 1, TOKEN + "2": 2, "<redacted>": 3, "a": [TOKEN, {TOKEN: "b"}], "n": None}
    withheld = withhold_json(document)
    assert sorted(each for each in withheld.values() if isinstance(each, int)) == [1, 2, 3]
    assert withheld["a"] == ["<redacted>", {"<redacted>": "b"}]
    assert PLANTED not in repr(withheld)
