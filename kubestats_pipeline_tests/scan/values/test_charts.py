"""Charts that a repository holds, and their dependencies, which the values of the chart may switch off."""

import pytest

from kubestats_pipeline.scan.facts.facts import Switches
from kubestats_pipeline.scan.values.switches import switch_that_is_off
from kubestats_pipeline_tests.scan.world import Tree, World, assert_fold_gives_resources

REDIS = (
    "{name: redis, version: 1.0.0, repository: 'https://charts.example.org', alias: cache, condition: cache.enabled}"
)
CHART = f"apiVersion: v2\nname: web\nversion: 1.10\ndependencies: [{REDIS}]\n"


@pytest.mark.parametrize(
    ("conditions", "tags", "values", "off"),
    [
        (("a.on",), (), {"a": {"on": False}}, "a.on is false"),
        (("a.on",), (), {"a": {"on": True}}, None),
        (("a.on",), (), {}, None),
        (("a.on",), (), {"a": {"on": None}}, None),
        (("a.on",), (), {"a": {"on": "false"}}, None),
        (("a.on",), (), {"a": {"on": 0}}, None),
        (("a.on", "b.on"), (), {"b": {"on": False}}, "b.on is false"),
        (("a.on", "b.on"), (), {"a": {"on": True}, "b": {"on": False}}, None),
        ((), ("x", "y"), {"tags": {"x": False}}, "tags.x is false"),
        ((), ("x", "y"), {"tags": {"x": False, "y": True}}, None),
        (("a.on",), ("x",), {"a": {"on": True}, "tags": {"x": False}}, None),
    ],
)
def test_a_dependency_is_switched_off_as_helm_does_it(conditions, tags, values, off) -> None:
    assert switch_that_is_off(Switches(conditions, tags), values) == off


def test_a_dependency_that_is_switched_off_is_not_released_until_it_is_switched_on(tmp_path) -> None:
    world = World(tmp_path)

    def release() -> tuple[str, str | None]:
        world.scan()
        assert_fold_gives_resources(world)
        (row,) = [row for row in world.resources if row["kind"] == "ChartDependency"]
        return row["resolution"], row["resolution_reason"]

    world.git.commit({"x/Chart.yaml": CHART, "x/values.yaml": "cache: {enabled: false}\n"})
    assert release() == ("not_applicable", "not released: cache.enabled is false in the chart's values")
    world.git.commit({"x/values.yaml": "cache: {enabled: true}\n"})
    assert release() == ("exact", None)
    world.git.commit({"x/values.yaml": "cache: {enabled: false}\n"})
    assert release()[0] == "not_applicable"
    world.git.commit({"x/values.yaml": None})
    assert release() == ("exact", None)


def test_the_dependencies_of_an_old_chart_stand_in_its_requirements() -> None:
    requirements = "dependencies: [{name: kafka, version: 0.20.0, repository: 'https://charts.example.org'}]\n"
    tree = Tree().put({"x/Chart.yaml": "apiVersion: v1\nname: web\n", "x/requirements.yaml": requirements})
    found = tree.resolution("kafka", "ChartDependency")
    assert (found.chart_name, found.chart_url, found.version) == ("kafka", "https://charts.example.org", "0.20.0")


def test_a_chart_of_the_repository_has_a_row_with_the_images_of_its_values(tmp_path) -> None:
    world = World(tmp_path)
    world.git.commit(
        {"x/Chart.yaml": CHART, "x/values.yaml": "image: o/web:1\ncache: {image: 'o/redis:2'}\nrest: {a: 1}\n"}
    )
    world.scan()
    rows = {row["kind"]: row for row in world.resources}
    chart = rows["Chart"]
    found = [chart[column] for column in ("name", "version", "chart_name", "chart_kind", "resolution", "app_name")]
    assert found == ["web", "1.10", "web", "path", "not_applicable", "web"]
    assert [image["image"] for image in chart["images"]] == ["docker.io/o/web"]
    assert [image["image"] for image in rows["ChartDependency"]["images"]] == ["docker.io/o/redis"]
    assert chart["values_complete"] is None, "the defaults of a chart are no settings of a release"
    world.git.commit({"x/values.yaml": "image: o/web:2\n"})
    world.scan()
    assert_fold_gives_resources(world)
    assert {row["kind"]: row["images"] for row in world.resources}["Chart"][0]["tag"] == "2"
