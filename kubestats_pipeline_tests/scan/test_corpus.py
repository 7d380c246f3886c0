"""Real histories: what the replay of every commit ends in is what a single scan of the tip sees."""

import subprocess
from pathlib import Path

import pytest

from kubestats_pipeline.git import history
from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline_tests.corpus import LARGER, SMALL
from kubestats_pipeline_tests.scan.world import World, adopt, assert_fold_gives_resources, assert_ids_are_unique, tip


@pytest.mark.parametrize("full_name", [*SMALL, *(pytest.param(each, marks=pytest.mark.slow) for each in LARGER)])
def test_a_history_scanned_in_three_stops_ends_in_what_the_tip_says(
    full_name: str, tmp_path: Path, corpus: Path
) -> None:
    whole = World(tmp_path / "whole")
    commits = adopt(whole, full_name, corpus)
    stopped = World(tmp_path / "stopped", mirror=whole.mirror)
    for commit in (commits[len(commits) // 3], commits[len(commits) // 2], commits[-1]):
        stopped.scan(commit)
    whole.scan()
    assert stopped.tables() == whole.tables()
    assert_fold_gives_resources(whole)
    assert_ids_are_unique(whole)
    active = {row["file_path"]: row["content_hash"] for row in whole.resources if row["status"] == "ACTIVE"}
    seen = {identity.path: each.manifest.content_hash for identity, each in tip(whole).active.items()}
    assert active == seen


def test_every_release_of_the_official_example_is_resolved(tmp_path: Path, corpus: Path) -> None:
    world = World(tmp_path)
    adopt(world, "fluxcd/flux2-kustomize-helm-example", corpus)
    world.scan()
    releases = [row for row in world.resources if row["kind"] == "HelmRelease" and row["status"] == "ACTIVE"]
    meant = {(row["name"], row["resolution"], row["resolution_reason"]) for row in releases if row["app_name"]}
    assert meant == {
        ("cert-manager", "exact", None),
        ("envoy-gateway", "exact", None),
        ("podinfo", "ambiguous", "it is applied 2 times, with another version each"),
    }, "staging and production patch the version of podinfo"
    (podinfo,) = (row for row in releases if row["resolution"] == "ambiguous")
    assert (podinfo["chart_name"], podinfo["namespace"]) == ("podinfo", "podinfo"), "in that they agree"
    problems = subprocess.run(["git", "-C", str(world.mirror), "fsck"], check=False, capture_output=True, timeout=20)
    assert problems.returncode == 0, "a scan leaves the mirror as it was"


RESOLVED: dict[str, tuple[int, dict[str, str]]] = {
    "fluxcd/flux2-kustomize-helm-example": (2, {"podinfo": "it is applied 2 times, with another version each"}),
    "pascaliske/infrastructure": (43, {}),
    "onedr0p/home-ops": (69, {}),
    "mchestr/home-cluster": (89, {}),
    "billimek/k8s-gitops": (73, {}),
    "JJGadgets/Biohazard": (
        170,
        {
            "authentik": "HelmRepository authentik is not in the repository",
            "external": "it names no source",
            "external-secrets": "HelmRepository external-secrets is not in the repository",
            "strfry": "OCIRepository app-template is not in namespace strfry",
        },
    ),
}
"""Of each tip, the releases that are resolved exactly, and why the others are not: each was looked at.

In Biohazard two repositories of charts have been removed while the releases that name them stayed, one archived release
never named a source, and of another archived one the Flux Kustomization applies a folder that has gone.
"""


@pytest.mark.parametrize(
    "full_name", [*list(RESOLVED)[:2], *(pytest.param(each, marks=pytest.mark.slow) for each in list(RESOLVED)[2:])]
)
def test_every_release_of_a_tip_is_resolved_or_says_truly_why_not(full_name: str, tmp_path: Path, corpus: Path) -> None:
    world = World(tmp_path)
    adopt(world, full_name, corpus)
    releases = {identity: each for identity, each in tip(world).active.items() if identity.key.kind == "HelmRelease"}
    meanings = [(identity.key.name, each.resolved) for identity, each in releases.items()]
    exact = [meaning for _, meaning in meanings if meaning.resolution == "exact"]
    others = {name: each.reason for name, each in meanings if each.resolution not in ("exact", "not_applicable")}
    assert (len(exact), others) == RESOLVED[full_name]
    assert all(meaning.chart_name and meaning.chart_url and meaning.version for meaning in exact)
    assert not [meaning for meaning in exact if "${" in f"{meaning.chart_url}{meaning.chart_name}{meaning.version}"]


def test_at_least_97_of_100_releases_of_the_flux_repositories_are_exact() -> None:
    exact = sum(count for count, _ in RESOLVED.values())
    missing = sum(len(others) for _, others in RESOLVED.values())
    assert exact / (exact + missing) > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("full_name", ["onedr0p/home-ops", "JJGadgets/Biohazard"])
def test_versions_after_many_commits_are_those_that_a_fresh_reading_of_the_tip_gives(
    full_name: str, tmp_path: Path, corpus: Path
) -> None:
    world = World(tmp_path)
    commits = adopt(world, full_name, corpus)
    replay = tip(world, commits[-1_000])
    for step in history.walk(world.mirror, commits[-1_000], "head"):
        with BlobReader(world.mirror) as blobs:
            replay.cache.read_blob = blobs.read
            replay.apply(step.commit, step.changes)
    fresh = {identity: each.resolved for identity, each in tip(world).active.items()}
    assert {identity: replay.active[identity].resolved for identity in fresh} == fresh, "broken files keep a few more"
