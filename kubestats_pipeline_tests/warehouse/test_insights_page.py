"""Every query of docs/insights.md finds something: in the sample, or in an ecosystem that is told for it."""

import re
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.demo import demo  # noqa: F401 - a fixture
from kubestats_pipeline_tests.warehouse.told_history import write_told_ecosystem

PAGE = (Path(__file__).parents[2] / "docs" / "insights.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
QUERIES = [query.strip() for block in BLOCKS for query in block.split(";") if query.strip()]


@pytest.fixture(scope="module")
def told_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(write_told_ecosystem(tmp_path_factory.mktemp("told"))).path


def test_there_are_queries_to_try():
    assert len(QUERIES) > 15


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_of_the_page_finds_something(demo, told_file: Path, query: str):  # noqa: F811
    found = 0
    for path in (demo.data / "kubestats.duckdb", told_file):
        with duckdb.connect(str(path), read_only=True) as connection:
            found += len(connection.execute(query).fetchall())
    assert found
