"""Of a folder that kustomize refuses, the sound parts are built, and with an edit they alone are built again."""

import random

import pytest

from kubestats_pipeline.scan.build import builds
from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.objects import Built
from kubestats_pipeline_tests.scan.build.random_trees import make_tree
from kubestats_pipeline_tests.scan.build.trees import Repository, contents

FOLDER = "apps"
HERE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: here\n"
BASE = {"apps/here.yaml": HERE, "apps/kustomization.yaml": "resources: [here.yaml]\n"}
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
LACKING = {
    "a file": {"apps/kustomization.yaml": "resources: [here.yaml, gone.yaml]\n"},
    "a file of a base": {
        "apps/kustomization.yaml": "resources: [here.yaml, base]\n",
        "apps/base/kustomization.yaml": "resources: [gone.yaml]\n",
    },
    "the kustomization of a base": {
        "apps/kustomization.yaml": "resources: [here.yaml, base]\n",
        "apps/base/notes.txt": "none",
    },
    "a component": {"apps/kustomization.yaml": "resources: [here.yaml]\ncomponents: [part]\n"},
    "a file of a component": {
        "apps/kustomization.yaml": "resources: [here.yaml]\ncomponents: [part]\n",
        "apps/part/kustomization.yaml": f"{COMPONENT}resources: [gone.yaml]\n",
    },
    "a component that is one": {
        "apps/kustomization.yaml": "resources: [here.yaml]\ncomponents: [part]\n",
        "apps/part/kustomization.yaml": "resources: []\n",
    },
}


@pytest.mark.parametrize("lacking", LACKING.values(), ids=LACKING)
def test_of_a_folder_that_lacks_something_the_rest_is_built_and_an_edit_asks_kustomize_no_more(
    lacking: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository({**BASE, **lacking})
    assert repository.build(FOLDER).failure is not None
    asked = list[str]()
    of = Builds.of

    def counted(builds: Builds, folder: str, more: bytes = b"{}") -> Built:
        asked.append(folder)
        return of(builds, folder, more)

    monkeypatch.setattr(Builds, "of", counted)
    assert names_in(repository) == ["here"]
    repository.change({"apps/here.yaml": HERE.replace("here", "edited")})
    assert names_in(repository) == ["edited"]
    assert not asked


@pytest.mark.parametrize(
    "more",
    [
        {"apps/kustomization.yaml": "resources: [here.yaml, 'https://example.org/x.yaml']\n"},
        {"apps/kustomization.yaml": "resources: [here.yaml]\ncomponents: ['https://example.org/x']\n"},
    ],
)
def test_what_is_elsewhere_does_not_lack(more: dict[str, str]) -> None:
    repository = Repository({**BASE, **more})
    assert repository.builds.as_far_as_possible(FOLDER) == repository.build(FOLDER)
    assert repository.build(FOLDER).failure is None


def test_a_folder_is_whole_again_with_the_file_that_it_lacked() -> None:
    repository = Repository({**BASE, "apps/kustomization.yaml": "resources: [here.yaml, gone.yaml]\nnamePrefix: x-\n"})
    assert names_in(repository) == ["x-here"]
    repository.change({"apps/gone.yaml": HERE.replace("here", "back")})
    assert repository.builds.as_far_as_possible(FOLDER) == repository.build(FOLDER)
    assert names_in(repository) == ["x-here", "x-back"]


def test_a_random_tree_without_some_file_is_built_as_if_it_were_tried_strictly_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed in range(150):
        tree = make_tree(seed)
        gone = random.Random(seed).choice(sorted(tree))
        left = {path: text for path, text in tree.items() if path != gone}
        folders = sorted({path.rpartition("/")[0] for path in tree})
        found = built_in(left, folders)
        with monkeypatch.context() as patched:
            patched.setattr(builds, "lacks_entry", lambda *_: False)
            assert found == built_in(left, folders), (seed, gone)


def built_in(tree: dict[str, str], folders: list[str]) -> list[Built]:
    """What is built of some folders of a tree, as far as possible."""
    repository = Repository(tree)
    return [repository.builds.as_far_as_possible(folder) for folder in folders]


def names_in(repository: Repository) -> list[str]:
    """The names of the objects of the folder, as far as it can be built."""
    return [each["metadata"]["name"] for each in contents(repository.builds.as_far_as_possible(FOLDER))]
