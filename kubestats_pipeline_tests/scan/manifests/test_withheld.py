"""Secrets that stand in names, paths and subjects, and in what a scan makes of values: none reaches a table."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from kubestats_pipeline.lake.tables import HELM_VALUES, RESOURCES
from kubestats_pipeline.scan.manifests.withheld_paths import WithheldPaths, from_text, to_text
from kubestats_pipeline.scan.store.rows import original, printable
from kubestats_pipeline_tests.scan.world import World, chart, config, helm_repository, manifest, release

CANARY = "abcdefghijklmnop0123456789"
ONE, TWO, THREE = (f"ghp_{CANARY}{letter}" for letter in "ABC")


def told(world: World) -> str:
    """Everything that the tables of a world say."""
    return repr(world.tables())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


PLACES = {
    "a name": manifest("ConfigMap", ONE),
    "a namespace": manifest("ConfigMap", "a", namespace=ONE),
    "a kind": manifest(f"AKIA{CANARY.upper()[:16]}", "a", api="example.org/v1"),
    "a label": config("a") + "---\n" + f"{{apiVersion: v1, kind: A, metadata: {{name: a, labels: {{{ONE}: x}}}}}}\n",
    "an image": manifest("Pod", "a", spec={"containers": [{"name": "a", "image": f"ghcr.io/a/b:{ONE}"}]}),
    "a version": release("a", chart=chart("c", ONE, "s")) + "---\n" + helm_repository("s"),
    "a chart": release("a", chart=chart(ONE, "1", "s")) + "---\n" + helm_repository("s"),
    "a URL": release("a", chart=chart("c", "1", "s")) + "---\n" + helm_repository("s", f"https://x.org/{ONE}"),
    "a reference that leads nowhere": release("a", chart=chart("c", "1", ONE)),
    "a default": release("a", chart=chart("c", f"${{DB_PASSWORD_X:={CANARY}}}", "s")) + "---\n" + helm_repository("s"),
    "a key of values": release("a", chart=chart("c", "1", "s"), values={ONE: {TWO: "x"}}),
    "a Secret in values": release("a", values={"extra": [{"kind": "Secret", "data": {"a": CANARY}}]}),
    "pairs in a text": release("a", values={"config": f"- name: API_TOKEN\n  value: {CANARY}\n"}),
}


def test_no_table_holds_a_secret_wherever_it_stands_in_a_file(world: World) -> None:
    for letter in ("", "Z"):
        texts = (text.replace(CANARY, CANARY + letter) for text in PLACES.values())
        files = {f"{n}/a.yaml": text.replace('"name": "s"', f'"name": "s{n}"') for n, text in enumerate(texts)}
        world.git.commit(files, message=f"set {ONE}")
        world.scan()
    found = told(world).lower()
    assert CANARY not in found
    paths = {row["file_path"] for row in world.resources}
    assert paths == {f"{number}/a.yaml" for number in range(len(PLACES))}
    assert sum(row["resolution"] == "exact" for row in world.resources) >= 3


def test_a_secret_that_only_variables_put_together_is_withheld_too(world: World) -> None:
    variables = {"A": f"ghp_{CANARY[:10]}", "B": CANARY[10:]}
    path = manifest(
        "Kustomization",
        "apps",
        api="kustomize.toolkit.fluxcd.io/v1",
        spec={
            "path": "apps",
            "sourceRef": {"kind": "GitRepository", "name": "x"},
            "postBuild": {"substitute": variables},
        },
    )
    one = release("a", chart=chart("c", "${A}${B}", "s")) + "---\n" + helm_repository("s")
    world.git.commit({"flux.yaml": path, "apps/a.yaml": one})
    world.scan()
    assert [row["version"] for row in world.resources if row["name"] == "a"] == ["<redacted>"]
    assert CANARY not in told(world)


def test_a_subject_is_cut_after_it_is_redacted(world: World) -> None:
    world.git.commit({"a.yaml": config("a")}, message=f"{'x' * 190} {ONE}")
    world.scan()
    (event,) = world.events
    assert event["commit_subject"] == f"{'x' * 190} <redacted"[:200]


def names(world: World) -> list[tuple[str, str, int]]:
    return sorted((row["name"], row["file_path"], row["ordinal"]) for row in world.resources)


def test_resources_that_differ_only_in_a_withheld_name_stay_two(world: World) -> None:
    world.git.commit({"a.yaml": config(ONE, "1") + "---\n" + config(TWO, "2")})
    world.scan()
    assert names(world) == [("<redacted>", "a.yaml", 0), ("<redacted>", "a.yaml", 1)]
    assert len({row["resource_id"] for row in world.resources}) == 2


def test_an_id_does_not_depend_on_what_is_withheld(tmp_path: Path) -> None:
    ids = []
    for number, secret in enumerate((ONE, TWO)):
        world = World(tmp_path / str(number))
        world.git.commit({f"apps/{secret}/a.yaml": config(secret)}, message="x")
        world.scan()
        ids.append([row["resource_id"] for row in world.resources])
    assert ids[0] == ids[1]


def replayed(world: World, tmp_path: Path, name: str) -> dict[str, Any]:
    """The tables of a fresh scan of the same mirror."""
    other = World(tmp_path / name, mirror=None)
    other.git.git("fetch", "--quiet", str(world.mirror), "+head:head")
    other.scan(other.git.git("rev-parse", "head").strip())
    return other.tables()


STEPS: list[dict[str, str | None]] = [
    {f"{TWO}.yaml": config("a"), f"{ONE}.yaml": config("a"), "c.yaml": config("c")},
    {f"{THREE}.yaml": config("a"), f"{ONE}.yaml": config("a", "two")},
    {f"{ONE}.yaml": None},
    {f"{TWO}.yaml": config("a", "two"), "<redacted>-2.yaml": config("a", "literal")},
    {f"{ONE}.yaml": config("a", "back"), "<redacted>.yaml": "apiVersion: [\n"},
    {f"{ONE}.yaml": "kind: [\napiVersion", f"{THREE}.yaml": "kind: [\napiVersion", f"{TWO}.yaml": None},
    {"c.yaml": config("c", "two")},
]


def test_files_that_differ_only_in_a_secret_stay_two_as_a_scan_goes_on(world: World, tmp_path: Path) -> None:
    for number, files in enumerate(STEPS):
        world.git.commit(files)
        world.scan()
        assert CANARY not in told(world)
        assert CANARY not in repr(world.lake.read_metadata(RESOURCES, world.repository.full_name))
        assert world.tables() == replayed(world, tmp_path, str(number))
    active = [row["file_path"] for row in world.resources if row["status"] == "ACTIVE"]
    assert len(active) == len(set(active)) >= 3
    keys = [(row["file_path"], row["problem"]) for row in world.problems]
    assert len(keys) == len(set(keys)) >= 2


def test_after_a_rewritten_history_no_name_is_given_twice(world: World, tmp_path: Path) -> None:
    world.git.commit({f"{ONE}.yaml": config("a"), f"{TWO}.yaml": config("b")})
    world.scan()
    world.git.git("update-ref", "-d", "refs/heads/head")
    world.git.commit({f"{TWO}.yaml": config("b"), f"{THREE}.yaml": config("c")})
    world.git.git("reflog", "expire", "--expire=now", "--all")
    world.git.git("gc", "--quiet", "--prune=now")
    world.scan()
    active = {row["name"]: row["file_path"] for row in world.resources if row["status"] == "ACTIVE"}
    assert set(active) == {"b", "c"}
    assert len(set(active.values())) == 2
    assert CANARY not in told(world)


def test_names_of_paths_are_found_again_without_the_paths() -> None:
    tree = {f"x/{ONE}.yaml": "1", f"x/{TWO}.yaml": "2", "plain.yaml": "3", f"\udcff{ONE}.yaml": "4"}
    paths = WithheldPaths()
    named = paths.tree(tree)
    text = to_text(paths)
    assert CANARY not in text
    assert sorted(named) == sorted(["x/<redacted>.yaml", "x/<redacted>-2.yaml", "plain.yaml", "\udcff<redacted>.yaml"])
    assert from_text(text, tree).tree(tree) == named
    assert all(original(printable(name)) == name for name in named)


def test_a_repository_without_such_paths_keeps_nothing_of_them() -> None:
    paths = WithheldPaths()
    assert paths.tree({"a.yaml": "1"}) == {"a.yaml": "1"}
    assert to_text(paths) == ""


VALUES: dict[str, Any] = {
    "credentials": {"main": {"image": {"repository": "ghcr.io/a/one", "tag": "1.10"}, "args": ["--x"]}, "user": CANARY},
    "onepassword": {"image": {"repository": "ghcr.io/a/two", "tag": "2"}, "replicas": 2},
    "tokens": {"image": {"repository": "ghcr.io/a/three", "tag": "3"}},
    "passwords": {"sidecar": {"image": "ghcr.io/a/four:4"}, "ann": CANARY},
}


@pytest.mark.parametrize("way", ["inline", "a file", "a ConfigMap", "a text"])
def test_images_below_sensitive_names_are_told_and_secrets_are_not(world: World, way: str) -> None:
    text = orjson.dumps(VALUES).decode()
    files = {"s.yaml": helm_repository("s")}
    if way == "inline":
        files["a.yaml"] = release("a", chart=chart("c", "1", "s"), values=VALUES)
    elif way == "a text":
        spec = {"chart": "c", "repo": "https://x.org", "version": "1", "valuesContent": text}
        files["a.yaml"] = manifest("HelmChart", "a", api="helm.cattle.io/v1", spec=spec)
    else:
        source = {"kind": "ConfigMap", "name": "values"}
        files["a.yaml"] = release("a", chart=chart("c", "1", "s"), valuesFrom=[source])
        if way == "a file":
            generator = [{"name": "values", "files": ["values.yaml"]}]
            files["kustomization.yaml"] = orjson.dumps(
                {"resources": ["a.yaml", "s.yaml"], "configMapGenerator": generator}
            ).decode()
            files["values.yaml"] = text
        else:
            files["v.yaml"] = manifest("ConfigMap", "values", data={"values.yaml": text})
    world.git.commit(files)
    world.scan()
    (row,) = [each for each in world.resources if each["name"] == "a"]
    found = {(image["image"], image["tag"]) for image in row["images"]}
    tags = {"one": "1.10", "two": "2", "three": "3", "four": "4"}
    assert found == {(f"ghcr.io/a/{name}", tag) for name, tag in tags.items()}
    settings = {each["path"]: each["value"] for each in world.rows(HELM_VALUES)}
    assert settings["onepassword.replicas"] == "2"
    assert settings["passwords.ann"] == settings["credentials.user"] == "<redacted>"
    assert CANARY not in told(world)
