"""Whatever a repository is called, its name is one folder below its table, and the name comes back from it."""

import datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.paths import Layout, decode_name, encode_name
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline_tests.lake.test_lake import any_row

LAYOUT = Layout(Path("/data"))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
"""Any text but lone surrogates, which no table can hold."""


@given(NAMES)
@example("owner/name")
@example("..")
@example(".")
@example("../../etc/passwd")
@example("%2F")
@example("100%")
@example('a b\\c:d\n*?"<>|\0')
@example("größe/家")
def test_any_name_is_one_folder_and_comes_back(name: str):
    folder = encode_name(name)
    assert decode_name(folder) == name
    assert "/" not in folder
    assert "\0" not in folder
    assert folder not in ("", ".", "..")


@given(NAMES, NAMES)
def test_two_names_never_share_a_folder(one: str, other: str):
    assert (encode_name(one) == encode_name(other)) == (one == other)


@given(NAMES)
@example("..")
@example("/")
def test_no_name_leads_out_of_its_table(name: str):
    path = LAYOUT.repository_partition("snapshots", name)
    assert path.parent.parent == Path("/data/lake/snapshots")
    assert ".." not in path.parts


@given(NAMES, NAMES, NAMES)
@example("..", "..", "..")
@example("github.com", "", "name")
def test_no_name_leads_out_of_the_mirrors(host: str, owner: str, name: str):
    path = LAYOUT.mirror(host, owner, name)
    assert path.parents[2 if owner else 1] == LAYOUT.mirrors
    assert ".." not in path.parts


def test_paths_are_those_that_users_query():
    assert LAYOUT.repository_partition("resources", "ann/home-ops") == Path(
        "/data/lake/resources/repository=ann%2Fhome-ops/part.parquet"
    )
    assert LAYOUT.date_partition("repository_metrics", datetime.date(2026, 1, 2)) == Path(
        "/data/lake/repository_metrics/date=2026-01-02/part.parquet"
    )
    assert LAYOUT.year_partition("ecosystem_stats", 2026) == Path("/data/lake/ecosystem_stats/year=2026/part.parquet")
    assert LAYOUT.whole_table("repositories") == Path("/data/lake/repositories/part.parquet")
    assert LAYOUT.mirror("github.com", "ann", "home-ops") == Path("/data/git/github.com/ann/home-ops.git")
    assert LAYOUT.warehouse == Path("/data/kubestats.duckdb")


@pytest.mark.parametrize("name", ["x" * 250, "家" * 30])
def test_a_name_beyond_what_a_file_system_allows_is_an_error_that_names_it(tmp_path: Path, name: str):
    lake = Lake(Layout(tmp_path))
    with pytest.raises(LakeError, match="File name too long"):
        lake.write(SNAPSHOTS, name, [any_row(SNAPSHOTS)])
    with pytest.raises(LakeError, match="cannot be read"):
        lake.read(SNAPSHOTS, name)
