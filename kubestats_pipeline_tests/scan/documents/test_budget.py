"""What patches and variables may make of one resource: past a bound it stays as it is written, and its file says so."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.scan.build import accumulate
from kubestats_pipeline.scan.clusters.appliers.substitution import TOO_LONG
from kubestats_pipeline.scan.documents.budget import MAX_PATCHES, MAX_TEXT, MAX_VARIABLES
from kubestats_pipeline_tests.scan.world import (
    Tree,
    World,
    chart,
    helm_repository,
    kustomization,
    manifest,
    release,
)

SOURCE = {"source.yaml": helm_repository("charts", namespace="web")}


def flux(name: str, path: str, **spec: Any) -> str:
    api = "kustomize.toolkit.fluxcd.io/v1"
    return manifest("Kustomization", name, api=api, spec={"path": path, "targetNamespace": "web", **spec})


def substitute(**variables: str) -> dict[str, Any]:
    return {"postBuild": {"substitute": variables}}


def app(version: str = "1.0.0", name: str = "app", chart_name: str = "web") -> str:
    return release(name, chart=chart(chart_name, version, "charts"))


def problems(tree: Tree) -> dict[str, str]:
    """The messages of what is too complex or not built, by file. No other problem is there."""
    found = tree.replay.problems.values()
    assert {each.problem for each in found} <= {"too_complex", "not_built"}
    return {each.path: each.message for each in found}


def test_a_release_whose_chart_would_explode_stays_as_it_is_written():
    tree = Tree().put({**SOURCE, "ks.yaml": flux("app", "app", **substitute(x="a" * 30_000))})
    tree.put({"app/release.yaml": app(chart_name="${x//a/${x}}")})
    resolution = tree.resolution("app")
    assert (resolution.chart_name, resolution.resolution) == ("${x//a/${x}}", "unresolved")
    assert problems(tree) == {"app/release.yaml": TOO_LONG}
    assert tree.resolutions() == tree.from_scratch()


def test_the_problem_goes_when_the_variable_fits_and_comes_back_with_its_first_commit():
    tree = Tree().put({**SOURCE, "app/release.yaml": app("${v}"), "ks.yaml": flux("app", "app", **substitute(v="1.0"))})
    assert problems(tree) == {}
    tree.put({"ks.yaml": flux("app", "app", **substitute(v="1" * 5000))})
    (problem,) = tree.replay.problems.values()
    assert (problem.path, problem.commit_sha) == ("app/release.yaml", f"{2:040x}")
    tree.put({"app/release.yaml": app("${v}", name="app") + "# touched\n"})
    (again,) = tree.replay.problems.values()
    assert again.commit_sha == problem.commit_sha
    tree.put({"ks.yaml": flux("app", "app", **substitute(v="2.0"))})
    assert problems(tree) == {}
    assert tree.resolution("app").version == "2.0"


def test_other_texts_of_the_release_are_still_filled_in():
    tree = Tree().put({**SOURCE, "ks.yaml": flux("app", "app", **substitute(x="a" * 5000, v="2.0"))})
    tree.put({"app/release.yaml": app("${v}", chart_name="${x}")})
    assert (tree.resolution("app").version, tree.resolution("app").chart_name) == ("2.0", "${x}")
    assert list(problems(tree)) == ["app/release.yaml"]


def test_a_chain_of_kustomizations_cannot_grow_a_value_beyond_the_bound():
    names = ["a", "b", "c", "d"]
    double = {"postBuild": {"substitute": {"v": "${v}" * 40}}}
    tree = Tree().put({**SOURCE, "ks.yaml": flux("a", "a", **substitute(v="x" * 40))})
    for name, below in itertools.pairwise(names):
        tree.put({f"{name}/ks.yaml": flux(below, below, **double)})
    tree.put({"d/release.yaml": app("${v}")})
    longest = max(len(each.resolved.version or "") for each in tree.replay.active.values())
    assert longest <= MAX_TEXT
    assert problems(tree)
    assert tree.resolutions() == tree.from_scratch()


def test_more_variables_than_are_worth_it_are_not_put_in():
    few = {f"v{number}": "1.0" for number in range(MAX_VARIABLES)}
    tree = Tree().put({**SOURCE, "app/release.yaml": app("${v7}"), "ks.yaml": flux("app", "app", **substitute(**few))})
    assert (tree.resolution("app").version, problems(tree)) == ("1.0", {})
    tree.put({"ks.yaml": flux("app", "app", **substitute(**few, more="1.0"))})
    assert (tree.resolution("app").version, tree.resolution("app").resolution) == ("${v7}", "unresolved")
    assert problems(tree)["app/release.yaml"] == f"its Kustomization has more than {MAX_VARIABLES} variables"


def patch(version: str, **target: str) -> dict[str, Any]:
    operation = [{"op": "replace", "path": "/spec/chart/spec/version", "value": version}]
    return {"target": {"kind": "HelmRelease", **target}, "patch": json.dumps(operation)}


@pytest.mark.parametrize("where", ["kustomize", "flux"])
def test_a_build_that_takes_too_many_steps_is_not_made(where: str, monkeypatch: pytest.MonkeyPatch):
    def put(count: int) -> Tree:
        entries = {"patches": [patch("2.0")] * count}
        own, outer = (entries, {}) if where == "kustomize" else ({}, entries)
        kustomize = kustomization("release.yaml", namespace="web", **own)
        files = {"app/kustomization.yaml": kustomize, "ks.yaml": flux("app", "app", **outer)}
        return Tree().put({**SOURCE, **files, "app/release.yaml": app()})

    monkeypatch.setattr(accumulate, "MOST_STEPS", 100)
    tree = put(20)
    assert (tree.resolution("app").version, problems(tree)) == ("2.0", {})
    tree = put(200)
    assert tree.resolution("app").version == "1.0.0"
    assert list(problems(tree).values()) == ["the build takes more than 100 steps"]


def test_a_patch_of_thousands_of_operations_leaves_the_release_as_it_is():
    operations = [{"op": "add", "path": f"/spec/chart/spec/x{number}", "value": 1} for number in range(5_000)]
    text = json.dumps([*operations, {"op": "add", "path": "/spec/chart/spec/version", "value": "2.0"}])
    patches = [{"target": {"kind": "HelmRelease"}, "patch": text}]
    tree = Tree().put({**SOURCE, "k/kustomization.yaml": kustomization("r.yaml", patches=patches), "k/r.yaml": app()})
    assert (tree.resolution("app").version, tree.resolution("app").resolution) == ("1.0.0", "unresolved")
    assert problems(tree) == {"k/kustomization.yaml": f"a JSON patch has more than {MAX_PATCHES} operations"}


def test_a_patch_that_reaches_deeper_than_a_document_may_leaves_the_release_as_it_is():
    operation = [{"op": "add", "path": "/spec/chart" + "/a" * 100_000, "value": 1}]
    patches = [{"target": {"kind": "HelmRelease"}, "patch": json.dumps(operation)}]
    tree = Tree().put({**SOURCE, "k/kustomization.yaml": kustomization("r.yaml", patches=patches), "k/r.yaml": app()})
    assert problems(tree) == {"k/kustomization.yaml": "a JSON patch reaches deeper than 100 levels"}


def test_the_row_stands_in_the_tables_and_quotes_nothing(tmp_path: Path):
    world = World(tmp_path)
    secret = "hunter2" * 1000
    world.git.commit({**SOURCE, "ks.yaml": flux("app", "app", **substitute(x=secret)), "app/r.yaml": app("${x}")})
    world.scan()
    (row,) = world.problems
    assert (row["file_path"], row["problem"]) == ("app/r.yaml", "too_complex")
    assert "hunter2" not in row["message"]
    world.git.commit({"other.yaml": helm_repository("other")})
    world.scan()
    assert world.problems == [row]
    world.git.commit({"ks.yaml": flux("app", "app", **substitute(x="1.0"))})
    world.scan()
    assert world.problems == []


ODD = [
    {"op": "replace", "path": "/metadata", "value": "none"},
    {"op": "remove", "path": "/metadata"},
    {"op": "add", "path": "/metadata/labels", "value": ["kustomize.toolkit.fluxcd.io/substitute"]},
    {"op": "add", "path": "/spec/valuesFrom/²", "value": 1},
    {"op": "add", "path": "/spec/valuesFrom/" + "9" * 5000, "value": 1},
    {"op": "add", "path": "/spec/valuesFrom/²/x", "value": 1},
]


@pytest.mark.parametrize("operation", ODD, ids=[each["path"][:20] for each in ODD])
def test_odd_operations_stop_nothing(operation: dict[str, Any]):
    patches = [{"target": {"kind": "HelmRelease"}, "patch": json.dumps([operation])}]
    app_with_list = release("app", chart=chart("web", "${v}", "charts"), valuesFrom=[{"kind": "Secret", "name": "s"}])
    tree = Tree().put(
        {**SOURCE, "k/kustomization.yaml": kustomization("r.yaml", patches=patches), "k/r.yaml": app_with_list}
    )
    tree.put({"ks.yaml": flux("app", "k", **substitute(v="1.0"))})
    assert tree.resolution("app").chart_name == "web"
    assert problems(tree).keys() <= {"k/kustomization.yaml"}


TRIED_IN_MANY_WAYS = [
    "||||||.*.*.*.*.*.*x",
    "a?" * 60 + "a" * 60,
    "(a*|b)" * 20 + "x",
    r"\\*a\\*a\\*a\\*x",
    ".*[|].*[|].*[|].*x",
    "(a|a)*x",
    "[",
]
"""Patterns for which Python would try every combination of what they repeat; kustomize's own never do."""


@pytest.mark.parametrize("pattern", TRIED_IN_MANY_WAYS)
def test_a_pattern_that_takes_more_than_linear_time_fits_nothing(pattern: str):
    name = "a" * 200
    patches = [patch("2.0", name=pattern)]
    tree = Tree().put({**SOURCE, "k/kustomization.yaml": kustomization("r.yaml", patches=patches)})
    tree.put({"k/r.yaml": app(name=name)})
    assert tree.resolution(name).version == "1.0.0"


@pytest.mark.parametrize(
    "pattern", ["app", "app.*", "^(web|app)$", "(web.*|app.*)", "w.*|a.*", "(web|ap).*", "^[^-]+$"]
)
def test_usual_patterns_fit_as_before(pattern: str):
    patches = [patch("2.0", name=pattern)]
    tree = Tree().put({**SOURCE, "k/kustomization.yaml": kustomization("r.yaml", patches=patches), "k/r.yaml": app()})
    assert tree.resolution("app").version == "2.0"
