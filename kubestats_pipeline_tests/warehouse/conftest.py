"""Published warehouses that many tests only read: the small lake's, and that of the corpus's small repositories."""

from collections.abc import Iterator

import duckdb
import pytest

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.published_corpus import corpus_warehouse, published_corpus  # noqa: F401 - fixtures
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake


@pytest.fixture(scope="session")
def small_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file of `small_lake.py`."""
    report = build_warehouse(write_small_lake(tmp_path_factory.mktemp("small")))
    with duckdb.connect(str(report.path), read_only=True) as connection:
        yield connection
