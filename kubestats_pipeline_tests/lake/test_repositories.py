"""The stages know a repository by a few columns of its row, and only those rows that are theirs to work on."""

from pathlib import Path

import pytest

from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository, read_repositories
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline_tests.builders import settings_for
from kubestats_pipeline_tests.lake.test_lake import any_row


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three active repositories and one of each other status."""
    lake = Lake(Layout(tmp_path / "data"))
    statuses = {"c": "active", "a": "active", "b": "active", "d": "blocked", "e": "pending_approval", "f": "retired"}
    rows = [
        any_row(REPOSITORIES, repository_id=f"github:{name}", full_name=f"ann/{name}", name=name, status=status)
        for name, status in statuses.items()
    ]
    lake.write(REPOSITORIES, None, rows)
    return lake


def test_active_repositories_come_in_the_order_of_their_names(lake: Lake):
    found = read_repositories(lake)
    assert list(found) == ["ann/a", "ann/b", "ann/c"]
    assert found["ann/a"] == Repository("github:a", "ann/a", "text", "text", "a", "text", True)


@pytest.mark.parametrize(("status", "name"), [("blocked", "d"), ("pending_approval", "e"), ("retired", "f")])
def test_others_are_given_only_to_those_who_ask_for_them(lake: Lake, status: str, name: str):
    assert list(read_repositories(lake, status=status)) == [f"ann/{name}"]


def test_before_the_first_discovery_there_are_none(tmp_path: Path):
    assert read_repositories(Lake(Layout(tmp_path))) == {}


def test_a_damaged_table_is_an_error_and_not_no_repositories(lake: Lake):
    lake.path(REPOSITORIES).write_bytes(b"garbage")
    with pytest.raises(LakeError, match="cannot be read"):
        read_repositories(lake)


def test_no_more_are_worked_on_than_the_setting_allows(lake: Lake, tmp_path: Path):
    assert list(Services(settings_for(tmp_path, max_repositories=2)).repositories()) == ["ann/a", "ann/b"]
    assert len(Services(settings_for(tmp_path)).repositories()) == 3
