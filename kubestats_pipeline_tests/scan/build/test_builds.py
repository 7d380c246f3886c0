"""Builds as queries: which changes reach which builds, and the bounds on their work."""

import pytest

from kubestats_pipeline.scan.build import accumulate
from kubestats_pipeline_tests.scan.build.trees import Repository, build, contents

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n"
TREE = {
    "base/kustomization.yaml": "resources: [a.yaml]\nconfigMapGenerator: [{name: g, files: [f.txt]}]",
    "base/a.yaml": CONFIG,
    "base/f.txt": "one",
    "one/kustomization.yaml": "resources: [../base]\nnamePrefix: one-",
    "two/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]",
    "two/p.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: patched}\n",
    "other/kustomization.yaml": "resources: [b.yaml]",
    "other/b.yaml": CONFIG,
}
FOLDERS = ("base", "one", "two", "other")


def data(repository: Repository, folder: str) -> list[dict]:
    return [content["data"] for content in contents(repository.build(folder))]


def test_two_overlays_share_what_they_do_not_change():
    repository = Repository(TREE | {"two/kustomization.yaml": "resources: [../base]\nnameSuffix: -two"})
    one, two = (repository.build(folder).objects[0].content for folder in ("one", "two"))
    assert one["metadata"]["name"] == "one-one"
    assert two["metadata"]["name"] == "one-two"
    assert one["data"] is two["data"]


@pytest.mark.parametrize(
    ("path", "text", "reached"),
    [
        ("base/a.yaml", CONFIG.replace("a: b", "a: b, c: d"), {"base", "one", "two"}),
        ("base/f.txt", "two", {"base", "one", "two"}),
        ("two/p.yaml", TREE["two/p.yaml"].replace("patched", "again"), {"two"}),
        ("two/kustomization.yaml", "resources: [../base]", {"two"}),
        ("other/b.yaml", CONFIG.replace("a: b", "a: c"), {"other"}),
        ("elsewhere.yaml", CONFIG, set()),
        ("base/a.yaml", f"# a comment\n{CONFIG}", set()),
        ("base/unlisted.yaml", CONFIG, set()),
    ],
)
def test_a_change_reaches_the_builds_that_read_the_file_and_no_others(path: str, text: str, reached: set[str]):
    repository = Repository(TREE)
    before = {folder: repository.build(folder) for folder in FOLDERS}
    repository.change({path: text})
    after = {folder: repository.build(folder) for folder in FOLDERS}
    assert {folder for folder in FOLDERS if before[folder] != after[folder]} == reached
    assert {folder for folder in FOLDERS if before[folder] is not after[folder]} == reached


def test_a_file_that_comes_and_goes_is_noticed():
    repository = Repository({path: text for path, text in TREE.items() if path != "two/p.yaml"})
    assert repository.build("two").failure == "p.yaml: two/p.yaml: the file is missing"
    repository.change({"two/p.yaml": TREE["two/p.yaml"]})
    assert data(repository, "two")[0] == {"a": "patched"}
    repository.change({"two/p.yaml": None})
    assert repository.build("two").failure is not None


def test_a_folder_that_gets_a_kustomization_is_no_longer_taken_file_by_file():
    repository = Repository({"apps/a.yaml": CONFIG, "apps/sub/b.yaml": CONFIG.replace("one", "two")})
    assert len(contents(repository.build("apps"))) == 2
    repository.change({"apps/sub/kustomization.yaml": "resources: []"})
    assert len(contents(repository.build("apps"))) == 1
    repository.change({"apps/sub/kustomization.yaml": None})
    assert len(contents(repository.build("apps"))) == 2


def test_a_failure_ends_when_its_reason_does():
    repository = Repository(TREE | {"base/a.yaml": "a: ["})
    assert repository.build("one").failure is not None
    repository.change({"base/a.yaml": CONFIG})
    assert repository.build("one").failure is None


def test_the_files_of_builds_are_read_only_when_a_build_asks():
    repository = Repository({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": CONFIG, "big.bin": b"\0" * 100})
    read = len(repository.read)
    assert read == 2
    contents(repository.build(""))
    assert len(repository.read) == read + 1  # the kustomization itself, whose fields the scan does not keep


def test_changes_that_look_at_too_many_resources_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(accumulate, "MOST_STEPS", 100)
    many = "---\n".join(CONFIG.replace("one", f"c{number}") for number in range(60))
    tree = {"kustomization.yaml": "resources: [a.yaml]\nimages: [{name: a}, {name: b}]", "a.yaml": many}
    assert build(tree).failure == "the build takes more than 100 steps"


def test_too_many_resources_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(accumulate, "MOST_RESOURCES", 1)
    tree = {
        "kustomization.yaml": "resources: [a.yaml, b.yaml]",
        "a.yaml": CONFIG,
        "b.yaml": CONFIG.replace("one", "two"),
    }
    assert build(tree).failure == "the build has more than 1 resources"


def test_an_object_that_is_copied_into_itself_again_and_again_is_refused():
    copies = ", ".join('{"op": "copy", "from": "/data", "path": "/data/%d"}' % number for number in range(60))
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\npatches: [{target: {name: one}, path: p.json}]",
        "a.yaml": CONFIG,
    }
    failure = build(tree | {"p.json": f"[{copies}]"}).failure
    assert failure is not None
    assert "bytes" in failure


def test_bases_below_one_another_are_bounded():
    tree = {f"f{number}/kustomization.yaml": f"resources: [../f{number + 1}]" for number in range(80)}
    failure = build(tree | {"f80/kustomization.yaml": "resources: []"}, "f0").failure
    assert failure is not None
    assert "levels" in failure
