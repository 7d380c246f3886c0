"""A repository reads its own rows, whoever else has had its name."""

from pathlib import Path

import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import HELM_VALUES, SCANS, SNAPSHOTS
from kubestats_pipeline_tests.lake.test_lake import any_row

NAME = "ann/home"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Layout(tmp_path / "data"))


def test_a_row_is_that_of_the_repository_and_never_that_of_another_one_with_its_name(lake: Lake) -> None:
    former, present = (RepositoryTables(lake, NAME, identity) for identity in ("github:1", "github:2"))
    assert (present.snapshot(), present.scan()) == (None, None)
    former.write_snapshot(any_row(SNAPSHOTS, repository_id="github:1", full_name=NAME))
    former.write_scan(any_row(SCANS, repository_id="github:1", full_name=NAME))
    for one in (former, RepositoryTables(lake, NAME)):
        assert [row["repository_id"] for row in (one.snapshot(), one.scan()) if row] == ["github:1"] * 2
    assert (present.snapshot(), present.scan()) == (None, None)


def test_a_partition_is_there_once_it_was_written(lake: Lake) -> None:
    tables = RepositoryTables(lake, NAME)
    assert not tables.has(HELM_VALUES)
    tables.write_values([], {"mark": "one"})
    assert tables.has(HELM_VALUES)
    values = tables.values()
    assert values is not None
    assert values.metadata == {"mark": "one"}
