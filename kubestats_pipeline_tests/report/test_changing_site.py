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
        after, whole = files_of(tmp_path / "data" / "report"), files_of(tmp_path / f"anew{number}")
        assert {
            address for address in after.keys() | whole.keys() if after.get(address) != whole.get(address)
        } == set(), what
        assert followed.written < anew.written, f"{what}: nothing of the last site was kept"
