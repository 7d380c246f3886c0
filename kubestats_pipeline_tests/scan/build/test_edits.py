"""A build after an edit is the build that a fresh reader makes, whatever of the last one it takes over."""

import json
import random
from collections import Counter
from typing import Any

import pytest

from kubestats_pipeline.scan.build import builds
from kubestats_pipeline.scan.build.last_run import LastRun
from kubestats_pipeline.scan.build.objects import Built
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline_tests.scan.build.random_edits import edit, make_fleet_tree, with_patch_files
from kubestats_pipeline_tests.scan.build.random_trees import OBJECTS, Tree, make_tree
from kubestats_pipeline_tests.scan.build.trees import Repository

TREES, EDITS = 25, 12
ADDED: tuple[dict[str, Any], ...] = (
    {},
    {
        "patches": [
            {"patch": '[{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]', "target": {"name": ".*"}}
        ]
    },
    {
        "patches": [
            {"patch": "kind: any\nmetadata: {name: any}\nspec: {interval: 9h}", "target": {"kind": "HelmRelease"}}
        ]
    },
    {"namespace": "three", "nameSuffix": "-s"},
    {"components": ["../part"]},
    {"images": [{"name": "nginx", "newTag": "1.21"}]},
)
"""Fields that appliers add to those of the folder."""


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the last run and the last end of a build served, and how often they did not."""
    found = Counter[str]()
    advance, finish_again = LastRun.advance, builds.finish_again

    def advance_and_count(*arguments: Any) -> bool:
        is_advanced = advance(*arguments)
        found["advanced" if is_advanced else "run as a whole"] += 1
        return is_advanced

    def finish_and_count(*arguments: Any) -> Any:
        finished = finish_again(*arguments)
        found["finished as a whole" if finished is None else "finished again"] += 1
        return finished

    monkeypatch.setattr(LastRun, "advance", advance_and_count)
    monkeypatch.setattr(builds, "finish_again", finish_and_count)
    return found


@pytest.mark.parametrize(
    "make", [make_fleet_tree, lambda seed: with_patch_files(make_tree(seed))], ids=["fleet", "any"]
)
def test_a_build_after_edits_is_that_of_a_fresh_reader(make: Any, counts: Counter[str]) -> None:
    for seed in range(TREES):
        draw, tree = random.Random(seed), make(seed)
        repository = Repository(tree)
        repository_builds(repository)
        for number in range(EDITS):
            before, changed = dict(tree), edit(tree, draw)
            if draw.random() < 0.2:
                changed |= {path: before[path] for path in draw.sample([*before], 1)}
            tree = apply(tree, changed)
            repository.change(changed)
            assert repository_builds(repository) == repository_builds(Repository(tree)), (seed, number, changed)
    assert min(counts[each] for each in ("advanced", "run as a whole", "finished again", "finished as a whole")) > 50


def test_a_patch_that_comes_to_give_a_resource_the_name_of_another_is_refused() -> None:
    tree = make_fleet_tree(0)
    target = {"kind": "HelmRelease", "name": "app-0"}
    fields = {"namespace": "one", "resources": ["../base"], "patches": [{"path": "p.json", "target": target}]}
    tree |= {"two/kustomization.yaml": json.dumps(fields), "two/p.json": _operation("/spec/interval", "3h")}
    repository = Repository(tree)
    assert repository.build("two").failure is None
    repository.change({"two/p.json": _operation("/metadata/name", "app-1")})
    assert repository.build("two").failure == "two resources become the same one by the namespace"


def _operation(path: str, value: str) -> str:
    return json.dumps([{"op": "replace", "path": path, "value": value}])


def test_a_number_that_becomes_a_truth_value_is_noticed() -> None:
    tree = make_fleet_tree(0)
    repository = Repository(tree)
    for value in (1, True, 1):
        repository.change({"base/app-0.yaml": json.dumps(OBJECTS["app"] | {"spec": {"values": value}})})
        assert repr(repository.build("base").objects[0].content["spec"]["values"]) == repr(value)


def apply(tree: Tree, changed: dict[str, str | None]) -> Tree:
    """A tree after an edit."""
    return {path: text for path, text in {**tree, **changed}.items() if text is not None}


def repository_builds(repository: Repository) -> list[Any]:
    """The builds of all folders, and of one with what appliers add, each as it is told apart."""
    found = [repository.build(folder) for folder in ("base", "middle", "top", "part")]
    found += [repository.build("top", **added) for added in ADDED]
    found.append(repository.builds.as_far_as_possible("top"))
    return list(map(shown, found))


def shown(built: Built) -> Any:
    """A build as text, in which 1, 1.0 and true differ."""
    objects = [(canonical_json(each.content), each._replace(content={})) for each in built.objects]
    return objects, built.failure, built.missing


def test_a_number_that_becomes_a_truth_value_in_a_kustomization_changes_the_build() -> None:
    chart = "helmCharts: [{{name: mini, version: 0.1.0, releaseName: one, valuesInline: {{replicas: {value}}}}}]\n"
    repository = Repository({"apps/kustomization.yaml": chart.format(value="1")})
    before = repository.build("apps")
    repository.change({"apps/kustomization.yaml": chart.format(value="true")})
    after = repository.build("apps")
    assert after == Repository({"apps/kustomization.yaml": chart.format(value="true")}).build("apps")
    assert after != before
