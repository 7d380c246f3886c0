"""Plans without surprises: neither a documented query nor a mart joins large inputs by trying all pairs.

The plans are those of a made ecosystem of years, with the rows that each step really gave. An input may be tried
against each row of another where it is one row, or a calendar: it then grows with time and not with repositories.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks import inputs, scan
from benchmarks.ecosystem import Size, learn, write_ecosystem
from benchmarks.warehouse import call_of
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.marts import MACROS, MARTS

ROOT = Path(__file__).parents[2]
SIZE = Size(resources=4_000, events=12_000)
CALENDAR = 300
"""Rows of the longest calendar, the weeks of the made ecosystem; its large tables have more than ten times as many."""

FAN_OUT = 5
"""Times as many rows as there are events: what no step of a plan may give."""

TRIES_ALL = re.compile("CROSS_PRODUCT|NESTED_LOOP|NL_JOIN|IE_JOIN|PIECEWISE")


def documented() -> dict[str, str]:
    """All queries of the README and of docs/, by file and number."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = {page: re.findall(r"^```sql\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL) for page in pages}
    queries = {page: [query for block in found for query in block.split(";")] for page, found in blocks.items()}
    return {
        f"{page.name} {number}": query
        for page, found in queries.items()
        for number, query in enumerate(filter(str.strip, found), 1)
    }


QUERIES = documented() | {mart.name: mart.sql if mart.is_stored else f"FROM {mart.name}" for mart in MARTS}


@pytest.fixture(scope="module")
def ecosystem(sample_repositories: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake made of what the sample's repositories hold, with its warehouse."""
    folder = tmp_path_factory.mktemp("plans")
    learned = [
        inputs.mirror(each, folder / each.parent.name, "all") for each in sorted(sample_repositories.glob("*/*.git"))
    ]
    for mirrored in learned:
        scan.scan(mirrored, mirrored.span.head)
    lake = Lake(Layout(folder / "data"))
    write_ecosystem(learn([mirrored.lake for mirrored in learned]), lake, SIZE)
    build_warehouse(lake)
    return lake


@pytest.fixture(scope="module")
def connection(ecosystem: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(ecosystem.layout.warehouse), read_only=True) as opened:
        opened.execute("SET enable_progress_bar = false")
        opened.execute("PRAGMA enable_profiling = 'no_output'")
        yield opened


def steps(
    connection: duckdb.DuckDBPyConnection, query: str, values: list[object] | None = None
) -> list[dict[str, Any]]:
    """The steps of a query's plan, each with its inputs and the rows that it gave."""
    ((_, plan),) = connection.execute(f"EXPLAIN (ANALYZE, FORMAT json) {query}", values).fetchall()
    return [step for root in json.loads(plan)["operator"] for step in _below(root)]


def _below(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for each in step.get("children", ()):
        yield from _below(each)


def surprises(found: list[dict[str, Any]]) -> list[str]:
    """Steps that try all pairs of inputs that both grow with the ecosystem, or that give far more rows than it has."""
    lines = []
    for step in found:
        inputs = sorted(each["intermediate_rows"] for each in step.get("children", ()))
        if TRIES_ALL.search(step["type"]) and inputs[0] > CALENDAR:
            lines.append(f"{step['type']} of {inputs}: {step['extra_info']}")
        if step["intermediate_rows"] > FAN_OUT * SIZE.events:
            lines.append(f"{step['type']} gives {step['intermediate_rows']} rows: {step['extra_info']}")
    return lines


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_tries_all_pairs_of_large_inputs(ecosystem: Lake, connection: duckdb.DuckDBPyConnection, name: str):
    query = QUERIES[name].replace("'data/lake", f"'{ecosystem.layout.lake}")
    assert surprises(steps(connection, query)) == []


@pytest.mark.parametrize("macro", MACROS, ids=lambda macro: macro.name)
def test_no_macro_tries_all_pairs_of_large_inputs(connection: duckdb.DuckDBPyConnection, macro):
    source, values = call_of(connection, macro)
    assert surprises(steps(connection, f"FROM {source}", values)) == []


def test_a_product_of_tables_and_a_join_by_inequality_would_be_noticed(connection: duckdb.DuckDBPyConnection):
    products = (
        "SELECT count(*) FROM resources AS a, resources AS b",
        "SELECT count(*) FROM resources AS a JOIN resources AS b ON a.created_at < b.created_at",
        "SELECT count(*) FROM resources AS a JOIN resources AS b ON a.kind = b.kind",
    )
    assert all(surprises(steps(connection, query)) for query in products)


def test_a_version_is_judged_once_for_all_that_run_it(connection: duckdb.DuckDBPyConnection):
    ((spans,),) = connection.execute("SELECT count(*) FROM use_spans").fetchall()
    assert 0 < versions_judged(connection, QUERIES["version_spells"]) < spans / 20
    by_row = "SELECT * FROM (SELECT DISTINCT version FROM use_spans) WHERE version_class(version) = 'exact'"
    assert versions_judged(connection, by_row) > spans / 2


def versions_judged(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Rows that come to the filter which asks for the class of a version."""
    judging = [
        each for each in steps(connection, query) if each["type"] == "FILTER" and "sha(256" in str(each["extra_info"])
    ]
    return sum(each["children"][0]["intermediate_rows"] for each in judging)
