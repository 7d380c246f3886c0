"""The pages in docs/ are true: their queries find something and their programs run. Links: `test_links.py`."""

import re
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline_tests.demo import demo  # noqa: F401 - a fixture

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)


QUERIES = [
    (page, query.strip())
    for page in PAGES
    for block in blocks(page, "sql")
    for query in block.split(";")
    if query.strip()
]


def test_there_are_examples_of_questions_and_of_insights():
    counted = Counter(page for page, _ in QUERIES)
    assert counted["queries.md"] >= 20
    assert counted["insights.md"] > 15


@pytest.mark.parametrize(("page", "query"), QUERIES)
def test_every_query_finds_something_in_what_the_demo_leaves(demo, page: str, query: str):  # noqa: F811
    local = query.replace("'data/lake", f"'{demo.data}/lake")
    with duckdb.connect(str(demo.data / "kubestats.duckdb"), read_only=True) as connection:
        assert connection.execute(local).fetchall()


@pytest.mark.parametrize("program", blocks("lake.md", "python"))
def test_every_program_that_reads_the_lake_counts_what_the_warehouse_counts(demo, monkeypatch, program: str):  # noqa: F811
    monkeypatch.chdir(demo.directory)
    names: dict[str, object] = {}
    exec(compile(program, "lake.md", "exec"), names)  # noqa: S102 - our own documentation
    counted = {tuple(row.values()) for row in rows_of(names["found"])}
    with duckdb.connect("data/kubestats.duckdb", read_only=True) as connection:
        query = "SELECT kind, count(*) FROM resources WHERE status = 'ACTIVE' GROUP BY kind"
        assert counted == set(connection.execute(query).fetchall())


def rows_of(table: object) -> list[dict[str, object]]:
    """The rows of a frame of polars or a table of PyArrow."""
    return table.to_dicts() if hasattr(table, "to_dicts") else table.to_pylist()  # type: ignore[attr-defined]
