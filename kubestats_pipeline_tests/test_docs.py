"""The pages in docs/ are true: their queries find something and their programs run. Links: `test_links.py`."""

import re
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.demo import demo  # noqa: F401 - a fixture
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)


TOLD = "insights.md"
"""Its queries want an ecosystem that is told for them: see `warehouse/test_insights_page.py`."""

QUERIES = [
    (page, query.strip())
    for page in PAGES
    if page != TOLD
    for block in blocks(page, "sql")
    for query in block.split(";")
    if query.strip()
]


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the small lake, whose repositories have stars as those of the sample have not."""
    return build_warehouse(write_small_lake(tmp_path_factory.mktemp("docs"))).path


def test_there_are_twenty_examples():
    assert len([query for page, query in QUERIES if page == "queries.md"]) >= 20


@pytest.mark.parametrize(("page", "query"), QUERIES)
def test_every_query_finds_something(demo, small_file: Path, page: str, query: str):  # noqa: F811
    """In the sample, or in the small lake."""
    local = query.replace("'data/lake", f"'{demo.data}/lake")
    assert any(count_rows(path, local) for path in (demo.data / "kubestats.duckdb", small_file))


def count_rows(path: Path, query: str) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        return len(connection.execute(query).fetchall())


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
