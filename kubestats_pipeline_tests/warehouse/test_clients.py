"""The published file opens in the DuckDB that people have: every view, macro and function answers as it does here.

Each client is a Python environment of its own with one release of DuckDB, made by the Makefile in `.clients`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.marts import FUNCTIONS, INFO, MACROS, MARTS
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

ROOT = Path(__file__).parents[2]
EVERYDAY, OTHERS = ("1.4.5",), ("1.2.2", "1.5.6")
CLIENTS = [*EVERYDAY, *(pytest.param(version, marks=pytest.mark.slow) for version in OTHERS)]

PROGRAM = """
import json, sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("SET TimeZone = 'America/New_York'")
answers = {"version": duckdb.__version__}
for name, query in json.load(sys.stdin).items():
    try:
        rows = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM ({query})").fetchall()
        answers[name] = sorted(map(str, rows))
    except duckdb.Error as error:
        answers[name] = str(error)
print(json.dumps(answers))
"""
"""A user in another zone than UTC. Rows are compared as text, which needs no library of time zones."""

MOMENT = "TIMESTAMPTZ '2026-03-05 12:00:00+00'"
CALLS = {
    "also_runs": "FROM also_runs('app-template')",
    "applied_as_of": f"FROM applied_as_of({MOMENT})",
    "chart_page": "FROM chart_page('app-template', major := 3)",
    "file_link": "SELECT file_link('https://bitbucket.example.org/scm/key/ops', 'git:1', 'c0')",
    "grep_resources": "FROM grep_resources('kind: ')",
    "is_prerelease": "SELECT is_prerelease('-rc.1')",
    "longest_word": "SELECT longest_word('image: org/web')",
    "is_called": "SELECT is_called('ghcr.io/home/plex', 'Plex')",
    "most_active_repositories": "FROM most_active_repositories(30)",
    "natural_words": "SELECT natural_words('rc10.2')",
    "newest": "FROM newest('app-template')",
    "plain_version": "SELECT plain_version('v1')",
    "release_activity": "FROM release_activity(newest := 5)",
    "releases_as_of": f"FROM releases_as_of({MOMENT})",
    "resources_as_of": f"FROM resources_as_of({MOMENT})",
    "search_images": "FROM search_images('plex')",
    "search_repositories": "FROM search_repositories('home')",
    "version_class": "SELECT version_class('>=1.0 <2')",
    "version_direction": "SELECT version_direction('1.2.3', 'v1.3')",
    "version_key": "SELECT version_key('1.2.3-rc.1')",
    "version_level": "SELECT version_level('1.2.3', '1.3.0')",
    "version_order": "SELECT version_order('1.24.0-alpine3.18')",
    "version_parts": "SELECT version_parts('chart-39.8.0+k3s1')",
    "version_scheme": "SELECT version_scheme('2024.6.1')",
    "version_variant": "SELECT version_variant('1.24.0-alpine3.18')",
    "versioned_image": "SELECT any_value(versioned_image(images, version)) FROM resources",
    "who_runs": "FROM who_runs('plex')",
}
QUERIES = {name: f"FROM {name}" for name in [*TABLES, INFO, *(mart.name for mart in MARTS)]} | CALLS


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(write_small_lake(tmp_path_factory.mktemp("clients"))).path


@pytest.fixture(scope="module")
def expected(published: Path) -> dict[str, Any]:
    return ask(Path(sys.executable), published)


def ask(python: Path, published: Path) -> dict[str, Any]:
    command = [str(python), "-c", PROGRAM, str(published)]
    asked = subprocess.run(command, input=json.dumps(QUERIES), capture_output=True, text=True, check=True, timeout=300)
    return json.loads(asked.stdout)


def test_every_macro_and_function_is_called():
    assert sorted(CALLS) == sorted(mart.name for mart in (*MACROS, *FUNCTIONS))


def test_the_makefile_makes_all_clients_and_the_page_names_them():
    makefile, page = (ROOT / "Makefile").read_text(), (ROOT / "docs" / "lake.md").read_text()
    (everyday,) = re.findall(r"^CLIENT := (.*)$", makefile, re.MULTILINE)
    (others,) = re.findall(r"^OTHER_CLIENTS := (.*)$", makefile, re.MULTILINE)
    assert (tuple(everyday.split()), tuple(others.split())) == (EVERYDAY, OTHERS)
    assert all(version in page for version in (*EVERYDAY, *OTHERS))


def test_everything_answers_here(expected: dict[str, Any]):
    assert [(name, found) for name, found in expected.items() if name != "version" and isinstance(found, str)] == []


@pytest.mark.parametrize("version", CLIENTS)
def test_everything_answers_the_same_in_an_older_duckdb(version: str, published: Path, expected: dict[str, Any]):
    python = ROOT / ".clients" / version / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment with DuckDB {version}: `make .clients/{version}/.installed` could not make it")
    answers = ask(python, published)
    assert answers.pop("version") == version
    assert {name: rows for name, rows in answers.items() if plain(rows) != plain(expected[name])} == {}


def plain(answer: Any) -> str:
    """An answer without the marks around texts in structures, which versions write differently."""
    return str(answer).replace("'", "").replace('"', "").replace("\\", "")
