"""The sites of the demo and of the small lake, built once for the tests that only read them."""

from pathlib import Path

import pytest

from kubestats_pipeline.report.build import build_site
from kubestats_pipeline.warehouse.build import build_warehouse, schema_version
from kubestats_pipeline_tests.demo import Command, demo  # noqa: F401 - a fixture
from kubestats_pipeline_tests.report.site_reader import ReadSite
from kubestats_pipeline_tests.warehouse.published_corpus import PublishedCorpus, published_corpus  # noqa: F401 - a fixture
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake


@pytest.fixture(scope="session")
def demo_file(demo: Command) -> Path:  # noqa: F811
    return demo.data / "kubestats.duckdb"


@pytest.fixture(scope="session")
def demo_site(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> ReadSite:
    target = tmp_path_factory.mktemp("demo_site") / "report"
    build_site(demo_file, target, schema_version())
    return ReadSite(target)


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(write_small_lake(tmp_path_factory.mktemp("small_report"))).path


@pytest.fixture(scope="session")
def small_site(small_file: Path) -> ReadSite:
    target = small_file.with_name("report")
    build_site(small_file, target, schema_version())
    return ReadSite(target)


@pytest.fixture(scope="session")
def corpus_site(published_corpus: PublishedCorpus, tmp_path_factory: pytest.TempPathFactory) -> ReadSite:  # noqa: F811
    target = tmp_path_factory.mktemp("corpus_site") / "report"
    build_site(published_corpus.lake.layout.warehouse, target, schema_version())
    return ReadSite(target)
