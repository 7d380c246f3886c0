"""The URLs of a repository itself, by which its own sources are told from those of other repositories."""

import pytest

from kubestats_pipeline.scan.clusters.appliers.own_urls import OwnUrls, place_of
from kubestats_pipeline_tests.scan.world import Tree


def test_a_clone_of_a_folder_does_not_say_where_the_repository_lives() -> None:
    assert "https://git.example.com/ann/home.git" in OwnUrls("file:///srv/home.git")


def test_a_clone_of_a_host_does() -> None:
    own = OwnUrls("https://github.com/ann/home.git")
    assert "ssh://git@github.com/ann/home" in own
    assert "https://github.com/bob/home" not in own


UPSTREAM = "https://github.com/ann/home"


def fork(clone_url: str, paths: dict[str, set[str]]) -> OwnUrls:
    own = OwnUrls(clone_url)
    own.set_sources((), {place_of(url): applied for url, applied in paths.items()}, {"", "apps", "base"}.__contains__)
    return own


def test_a_fork_takes_the_source_of_its_upstream_for_itself() -> None:
    own = fork("https://github.com/bob/home.git", {UPSTREAM: {"apps"}, "https://github.com/x/y": {"deploy"}})
    assert UPSTREAM in own
    assert "https://github.com/x/y" not in own
    assert not own.may_be_others


def test_a_source_with_another_name_may_be_the_upstream_of_a_renamed_fork() -> None:
    own = fork("https://github.com/bob/flat.git", {UPSTREAM: {"apps"}})
    assert UPSTREAM not in own
    assert own.may_be_others


def test_a_source_of_which_a_path_is_missing_here_is_elsewhere() -> None:
    for paths in ({"apps", "deploy"}, {""}):
        own = fork("https://github.com/bob/home.git", {UPSTREAM: paths})
        assert UPSTREAM not in own
        assert not own.may_be_others


def test_a_repository_with_a_source_of_its_own_has_no_upstream() -> None:
    own = fork(UPSTREAM, {UPSTREAM: {"apps"}, "https://github.com/bob/home": {"base"}})
    assert "https://github.com/bob/home" not in own
    assert not own.may_be_others


SOURCE = """apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: home, namespace: flux}
spec: {url: URL, ref: {branch: main}}
"""
APPS = """apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux}
spec: {path: ./apps, sourceRef: {kind: GitRepository, name: home}}
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def tree_of(clone_url: str) -> Tree:
    source = SOURCE.replace("URL", UPSTREAM)
    return Tree(clone_url).put({"cluster/source.yaml": source, "cluster/apps.yaml": APPS, "apps/a.yaml": CONFIG})


def is_applied(tree: Tree) -> bool | None:
    clusters = tree.replay.clusters
    return {identity.path: clusters.is_applied(identity) for identity in clusters.documents}["apps/a.yaml"]


@pytest.mark.parametrize(
    ("clone_url", "expected"),
    [(UPSTREAM, True), ("https://github.com/bob/home", True), ("https://github.com/bob/flat", None)],
)
def test_documents_of_a_fork_are_applied_or_nobody_can_tell(clone_url: str, expected: bool | None) -> None:
    assert is_applied(tree_of(clone_url)) is expected


def test_a_source_with_a_new_url_is_this_repository_no_more() -> None:
    tree = tree_of(UPSTREAM)
    tree.put({"cluster/source.yaml": SOURCE.replace("URL", "https://github.com/x/y")})
    assert is_applied(tree) is None
