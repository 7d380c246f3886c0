"""Real histories: what the replay of every commit ends in is what a single scan of the tip sees."""

import subprocess
from pathlib import Path

import pytest

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
