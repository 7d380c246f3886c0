"""The files of a repository: those of other formats are known by their blobs, and JSON counts where it is listed."""

from pathlib import Path

import pytest

from kubestats_pipeline.git import history
from kubestats_pipeline.git.history import Change
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.kustomize.reading import read_documents_of_kustomize, reads_alike
from kubestats_pipeline.scan.manifests.files import ContentCache, Files
from kubestats_pipeline_tests.scan.world import Tree, World, config, kustomization, read

RELEASE = '{"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "web"}, "spec": {}}'


def paths(tree: Tree) -> list[str]:
    return sorted(identity.path for identity in tree.replay.active)


def test_json_has_rows_while_a_kustomization_lists_it():
    tree = Tree().put({"app/h.json": RELEASE, "app/kustomization.yaml": kustomization("other.yaml")})
    assert paths(tree) == []
    tree.put({"app/kustomization.yaml": kustomization("h.json")})
    assert paths(tree) == ["app/h.json"]
    tree.put({"app/kustomization.yaml": kustomization("other.yaml")})
    assert paths(tree) == []


def test_json_that_comes_later_than_its_entry_and_goes_before_it():
    tree = Tree().put({"app/kustomization.yaml": kustomization("h.json")})
    tree.put({"app/h.json": RELEASE})
    assert paths(tree) == ["app/h.json"]
    tree.put({"app/h.json": RELEASE.replace("web", "other")})
    assert [identity.key.name for identity in tree.replay.active] == ["other"]
    tree.put({"app/h.json": None})
    assert paths(tree) == []


def test_steps_give_what_the_files_say_at_once():
    tree = Tree().put(
        {"a/kustomization.yaml": kustomization("h.json"), "b/kustomization.yaml": kustomization("../a/h.json")}
    )
    tree.put({"a/h.json": RELEASE, "notes.txt": "a note"})
    tree.put({"a/kustomization.yaml": None})
    assert tree.resolutions() == tree.from_scratch() != {}


def test_a_file_named_kustomization_is_one():
    assert history.is_of_interest("app/Kustomization")
    content = read(kustomization("h.yaml"), "Kustomization").kustomize
    assert content is not None
    assert content.entries == ("h.yaml",)


def test_files_of_other_formats_are_known_and_not_read():
    asked: list[str] = []
    files = Files(ContentCache(lambda oid: asked.append(oid) or b"", Bounds()))
    assert files.apply([Change(".env", "1"), Change("a.yaml", "2")]).keys() == {"a.yaml"}
    assert (files.oids, asked) == ({".env": "1", "a.yaml": "2"}, ["2"])
    assert files.take_changed() == {".env", "a.yaml"}
    files.apply([Change(".env", None)])
    assert (files.blob_of(".env"), files.take_changed()) == (None, {".env"})


def test_a_commit_that_changes_another_file_is_a_step_without_events(tmp_path: Path):
    world = World(tmp_path)
    world.git.commit({"a.yaml": config("a")})
    world.git.commit({"notes.txt": "a note"})
    steps = list(history.walk(world.mirror, None, "head"))
    assert [change.path for step in steps for change in step.changes] == ["a.yaml", "notes.txt"]
    assert set(history.read_tree(world.mirror, "head")) == {"a.yaml", "notes.txt"}
    assert len(world.replay()) == 1
    world.scan()
    assert [event["event_type"] for event in world.events] == ["CREATED"]


@pytest.mark.parametrize("word", ["yes", "ON", "n", "2024-1-02"])
@pytest.mark.parametrize(
    "text",
    [
        *(
            "a: W",
            "- W",
            "- - W",
            "--- W",
            "W: 1",
            "? W\n: 1",
            "a:\n  W",
            "a:   W  # c",
            "a: # c\n  W",
            "a: &x W",
            "a:\n- W",
        ),
        *(
            "a: [W]",
            "a: [b,W]",
            "a: [b,\n W]",
            "a: {b: W}",
            "a: {W: 1}",
            'a: {"b":W}',
            "a: {b: 1,W: 1}",
            "a: {b: W , c: 1}",
        ),
        *("a: b W", "a: b\n  c W", "a: |\n  b W", "a: >-\n  b W\n  c", "a: '- W'", "a: W W", "a: {b: c W}", "a: b-W"),
    ],
)
def test_a_word_that_kustomize_reads_otherwise_is_found_in_every_place(text: str, word: str) -> None:
    stream = f"{text}\n".replace("W", word).encode()
    as_kubectl = next(iter(decode_stream(stream, Bounds())), None)
    as_kustomize = read_documents_of_kustomize(stream, Bounds())
    is_equal = as_kubectl is not None and [as_kubectl.content] == as_kustomize
    assert is_equal or not reads_alike(stream)


def test_prose_is_read_alike():
    assert reads_alike(b"a:\n  what it depends on\n  or says no\nb: 'since 2024-01-01'\nc: >-\n  turned off\n")


def test_a_file_says_if_kustomize_reads_it_as_kubectl_does():
    same = "apiVersion: v1\nkind: A\nmetadata: {name: a}\n"
    comments = f"{same}# turned on\nb: 1 # 2024-01-01: not yet, {{no\n"
    merged = f"{same}m: {{a: 1, <<: {{b: 1}}, b: 2}}\n"
    others = (f"{same}b: yes\n", f"{same}d: 2024-01-01\n", f"{same}on: 1\n", f"{same}q: {{a: ' # ', b: on}}\n")
    merges = (
        "{a: 1, <<: {a: 2}}",
        "{<<: {a: 1}, a: 2, <<: {b: 1}}",
        "{<<: {a: 1}, <<: {b: 1}}",
        "{<<: {a: 1}, a: 2, a: 3}",
    )
    repeated = f"{same}spec: {{x: 1, x: 2}}\n"
    folded = f"{same}s: >-\n  a\n    b\n"
    cut = f"{same}s: |\n  a"
    mixed = f"{same}---\nnot: an object\n"

    def is_alike(text: str) -> bool:
        files = Files(ContentCache(lambda _: text.encode(), Bounds()))
        files.apply([Change("a.yaml", "1")])
        return files["a.yaml"].content.reads_alike

    assert all(map(is_alike, (same, comments, merged)))
    assert not any(is_alike(f"{same}m: {merge}\n") for merge in merges)
    assert not any(map(is_alike, (*others, repeated, folded, cut, mixed)))
