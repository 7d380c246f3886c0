"""Questions to a published file: bounds of rows, characters and time, no other file, and the newest publication."""

import shutil
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.ask import published as published_module
from kubestats_pipeline.ask.published import MOST_IN_CELL, MOST_ROWS, PublishedFile, UnusableFileError
from kubestats_pipeline.ask.statements import QueryError
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(write_small_lake(tmp_path_factory.mktemp("ask"))).path


@pytest.fixture
def small(built: Path, tmp_path: Path) -> Path:
    """A file of its own for each test: a process opens the same file with the same settings only."""
    return Path(shutil.copy(built, tmp_path / "small.duckdb"))


@pytest.fixture(scope="module")
def file(built: Path) -> PublishedFile:
    return PublishedFile(built)


def test_an_answer_says_how_many_rows_of_all_it_shows(file: PublishedFile):
    assert file.ask("FROM range(3)").shown == "3 rows, all"
    answer = file.ask("FROM range(25000)", rows=2)
    assert answer.rows == [{"range": 0}, {"range": 1}]
    assert answer.shown.startswith("2 of 25,000 rows.")
    assert len(file.ask("FROM range(25000)", rows=10**9).rows) == MOST_ROWS


def test_long_texts_and_large_answers_are_cut_and_say_so(file: PublishedFile):
    (row,) = file.ask(f"SELECT repeat('x', {MOST_IN_CELL + 1000}) AS text").rows
    assert row["text"] == "x" * MOST_IN_CELL + "… and 1,000 characters more"
    wide = file.ask("SELECT repeat('x', 3000) FROM range(100)")
    assert (len(wide.rows), wide.shown[:18]) == (33, "33 of 100 rows. As")


def test_values_become_json_and_no_terminal_obeys_them(file: PublishedFile):
    query = "SELECT chr(27) || '[2J' AS a, 170141183460469231731687303715884105727 AS b, DATE '2026-01-01' AS a"
    assert file.ask(query).rows == [{"a": "␛[2J", "b": "170141183460469231731687303715884105727", "a_3": "2026-01-01"}]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("FROM read_csv('/etc/passwd')", "disabled by configuration"),
        ("FROM '/etc/passwd'", "does not exist"),
        ("FROM glob('/*')", "disabled by configuration"),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/leak.csv'", "disabled by configuration"),
        ("ATTACH '/tmp/other.duckdb' AS other", "ATTACH is not a query"),
        ("COPY (SELECT 1) TO '/tmp/leak.csv'", "COPY is not a query"),
        ("DELETE FROM resources", "DELETE is not a query"),
        ("SET enable_external_access = true", "SET is not a query"),
        ("PRAGMA enable_external_access = true", "not a query|configuration"),
        ("SELECT 1; SELECT 2", "one statement, not 2"),
        ("", "one statement, not 0"),
        ("SELEC 1", "Parser Error"),
        ("FROM local_frame", "does not exist"),
    ],
)
def test_a_query_reads_the_file_and_nothing_else(file: PublishedFile, query: str, reason: str):
    local_frame = duckdb.sql("SELECT 1")  # a name of Python that DuckDB would find, were it not told not to
    with pytest.raises(QueryError, match=reason):
        file.ask(query)
    assert local_frame.fetchall() == [(1,)]


def test_a_query_without_end_is_stopped_and_the_next_one_is_answered(small: Path):
    impatient = PublishedFile(small, seconds=0.2)
    with pytest.raises(QueryError, match=r"stopped after 0\.2 s"):
        impatient.ask("SELECT count(*) FROM range(1000000000) AS a, range(1000) AS b WHERE a.range + b.range < 0")
    assert impatient.ask("SELECT 1 AS one").rows == [{"one": 1}]


def test_the_file_is_opened_anew_where_a_publication_replaced_it(small: Path, tmp_path: Path):
    path = tmp_path / "kubestats.duckdb"
    shutil.copy(small, path)
    file = PublishedFile(path)
    before = file.ask("SELECT count(*) AS resources FROM resources").rows
    with duckdb.connect(str(small), read_only=True) as one:
        assert before == [{"resources": one.execute("SELECT count(*) FROM resources").fetchone()[0]}]  # type: ignore[index]
    shutil.copy(small, tmp_path / "next")
    with duckdb.connect(str(tmp_path / "next")) as next_one:
        next_one.execute("DELETE FROM resources")
    (tmp_path / "next").replace(path)
    assert file.ask("SELECT count(*) AS resources FROM resources").rows == [{"resources": 0}]


def test_a_file_that_cannot_be_asked_says_what_to_do(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UnusableFileError, match=r"no warehouse at .*Run `kubestats demo`"):
        PublishedFile(tmp_path / "missing").ask("SELECT 1")
    (tmp_path / "damaged").write_bytes(b"no database")
    with pytest.raises(UnusableFileError, match="not a file that Kubestats published"):
        PublishedFile(tmp_path / "damaged").ask("SELECT 1")
    with duckdb.connect(str(tmp_path / "foreign")) as foreign:
        foreign.execute("CREATE TABLE other (a INTEGER)")
    with pytest.raises(UnusableFileError, match="not a file that Kubestats published"):
        PublishedFile(tmp_path / "foreign").ask("SELECT 1")
    monkeypatch.setattr(published_module, "schema_version", lambda: "another")
    with pytest.raises(UnusableFileError, match=r"knows another\. Take the version"):
        PublishedFile(small).ask("SELECT 1")
