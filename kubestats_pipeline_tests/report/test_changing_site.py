"""A site that follows one change after another is, file by file, the site that is made from nothing."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.report.build import SiteReport, build_site
from kubestats_pipeline.warehouse.build import build_warehouse, schema_version
from kubestats_pipeline_tests.report.site_reader import files_of
from kubestats_pipeline_tests.warehouse.changing_lake import ChangingLake

CHANGES: dict[str, Callable[[ChangingLake], None]] = {
    "a push": lambda world: world.push(3),
    "a forced push": lambda world: world.rewrite(2),
    "a description": lambda world: world.describe(2),
    "metrics": ChangingLake.measure,
    "a sweep": ChangingLake.sweep,
    "a decision": lambda world: world.block(1),
    "a new repository": ChangingLake.add,
    "a removal": lambda world: world.remove(3),
}


def build(world: ChangingLake, name: str) -> SiteReport:
    build_warehouse(world.lake)
    return build_site(world.lake.layout.warehouse, world.lake.layout.data_dir / name, schema_version())


def differing(one: Path, other: Path) -> set[str]:
    """Addresses at which two sites differ."""
    files, others = files_of(one), files_of(other)
    return {address for address in files.keys() | others.keys() if files.get(address) != others.get(address)}


def test_a_value_that_a_third_repository_shares_is_shown_on_the_pages_of_the_others(
    sample_repositories: Path, tmp_path: Path
):
    histories = [sample_repositories / "tidewater" / "home-ops.git"]  # its station is a free word
    world = ChangingLake(Lake(Layout(tmp_path / "data")), histories, random.Random(1))
    for number in range(1, 4):
        world.add()
        world.push(number, to_end=True)
        if number > 1:
            build(world, "report")
    build_site(world.lake.layout.warehouse, tmp_path / "anew", schema_version())
    assert differing(tmp_path / "data" / "report", tmp_path / "anew") == set()


@pytest.mark.slow
def test_after_each_change_the_site_equals_one_made_from_nothing(sample_repositories: Path, tmp_path: Path):
    draw = random.Random(3)
    histories = draw.sample(sorted(sample_repositories.glob("*/*.git")), 2)
    world = ChangingLake(Lake(Layout(tmp_path / "data")), histories, draw)
    for _ in range(4):
        world.add()
    world.measure()
    build(world, "report")
    for number, (what, change) in enumerate(CHANGES.items()):
        change(world)
        followed = build(world, "report")
        anew = build_site(world.lake.layout.warehouse, tmp_path / f"anew{number}", schema_version())
        assert differing(tmp_path / "data" / "report", tmp_path / f"anew{number}") == set(), what
        assert followed.written < anew.written, f"{what}: nothing of the last site was kept"
