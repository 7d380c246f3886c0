"""Version changes of workloads whose images change, and commits of broken clocks, in a published real repository."""

import datetime
from pathlib import Path

import duckdb

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.statistics.ecosystem import days_to_compute
from kubestats_pipeline_tests.scan.world import World, manifest

TODAY = datetime.date(2026, 6, 10)
ODD = datetime.datetime(1971, 1, 1, tzinfo=datetime.UTC)
FIRST = datetime.datetime(2026, 6, 8, tzinfo=datetime.UTC)


def deployment(*images: str) -> str:
    pod = {"containers": [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]}
    return manifest("Deployment", "a", api="apps/v1", spec={"template": {"spec": pod}})


def published(world: World) -> duckdb.DuckDBPyConnection:
    world.scan()
    return duckdb.connect(str(build_warehouse(world.lake).path), read_only=True)


def test_a_version_change_compares_tags_of_one_image(tmp_path: Path) -> None:
    world = World(tmp_path)
    for images in (
        ("o/cache:1.26.8",),
        ("alpine:3.22", "o/cache:1.26.8"),
        ("alpine:3.23", "o/cache:1.26.8"),
        ("alpine:3.23@sha256:" + "0" * 64, "o/cache:1.27.0"),
    ):
        world.git.commit({"a.yaml": deployment(*images)})
    with published(world) as connection:
        query = "SELECT version_before, version_after FROM version_changes"
        assert connection.execute(query).fetchall() == [("3.22", "3.23")]


def test_days_of_statistics_begin_with_the_first_plausible_commit_and_odd_ones_are_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    odd = world.git.commit({"a.yaml": deployment("o/a:1")}, at=ODD)
    world.git.commit({"a.yaml": deployment("o/a:2")}, at=FIRST)
    with published(world) as connection:
        assert days_to_compute(world.lake, TODAY) == [datetime.date(2026, 6, number) for number in (8, 9, 10)]
        query = "SELECT implausible_commits, implausible_commit FROM repository_quality"
        assert connection.execute(query).fetchall() == [(1, odd)]
