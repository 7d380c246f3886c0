"""A command loads what it needs: the packages that take long to load wait until a command asks for them.

Seconds would depend on the machine, so the tests ask for the modules that a fresh interpreter has loaded at the end.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.demo import clean_environment
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

HEAVY = {"apprise", "dagster", "duckdb", "polars", "pydantic_settings", "sqlalchemy"}
"""Packages that each take as long to load as all of `kubestats --help` may."""

LOADED = f"""
import sys
from kubestats_pipeline.cli.main import app
sys.argv[0] = "kubestats"
try:
    app()
finally:
    print("loaded:", *sorted({HEAVY!r} & sys.modules.keys()), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a small lake and its published file."""
    lake = write_small_lake(tmp_path_factory.mktemp("published"))
    build_warehouse(lake)
    return lake.layout.data_dir


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    """The heavy packages that a command has loaded."""
    environment = clean_environment() | {"KUBESTATS_DATA_DIR": str(folder)}
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("loaded:"), done.stderr
    return set(last.split()[1:])


@pytest.mark.parametrize("command", [(), ("review",), ("sql",), ("watch",)])
def test_help_loads_nothing_heavy(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert loaded_by(tmp_path, *command, "--help") == set()


def test_a_query_loads_neither_dagster_nor_the_reader_of_the_lake(published: Path) -> None:
    assert loaded_by(published, "sql", "SELECT 1") == {"duckdb", "pydantic_settings"}


def test_the_status_loads_neither_dagster_nor_the_reader_of_the_published_file(published: Path) -> None:
    assert loaded_by(published, "status") == {"polars", "pydantic_settings"}
