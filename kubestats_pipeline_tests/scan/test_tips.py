"""The releases that clusters of real repositories run at the newest commit, each with its namespace."""

import datetime
from pathlib import Path

import pytest

from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import Change, Commit, read_tree
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.files import ContentCache
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline_tests.corpus import unpack_tip

RELEASES = {
    "xunholy/k8s-gitops": 67,
    "mirceanton/home-ops": 100,
    "onedr0p/home-ops": 68,
    "controlplaneio-fluxcd/d1-fleet": 3,
    "billimek/k8s-gitops": 74,
    "mchestr/home-cluster": 89,
    "pascaliske/infrastructure": 43,
    "vehagn/homelab": 15,
    "rancher/fleet-examples": 5,
    "fluxcd/flux2-kustomize-helm-example": 6,
}
"""Repositories with the releases that their clusters run: HelmReleases, charts of kustomize, bundles of Fleet."""
EVERYDAY = [*RELEASES][:4]


def read_tip(full_name: str, folder: Path) -> Replay:
    repository = unpack_tip(full_name, folder) / ".git"
    tree = read_tree(repository, "HEAD")
    with BlobReader(repository) as blobs:
        blobs.expect(tree.values())
        clone_url = f"https://github.com/{full_name}"
        replay = Replay("repository", ContentCache(blobs.read, Bounds()), clone_url=clone_url)
        at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        replay.apply(Commit("0" * 40, at, "ann", "tip"), [Change(path, oid) for path, oid in tree.items()])
    return replay


@pytest.mark.parametrize(
    "full_name", [pytest.param(each, marks=[] if each in EVERYDAY else pytest.mark.slow) for each in RELEASES]
)
def test_every_release_that_a_cluster_runs_is_there_and_has_a_namespace(full_name: str, tmp_path: Path) -> None:
    applied = read_tip(full_name, tmp_path).applied.active
    releases = [key for key, record in applied.items() if record.state.resolution != "not_applicable"]
    assert [key for key in releases if not key.key.namespace or "$" in key.key.namespace] == []
    assert len(releases) == RELEASES[full_name]


def test_where_a_cluster_cannot_be_built_its_documents_still_tell_their_namespaces(tmp_path: Path) -> None:
    """It lists a file that nobody has committed, and one that uses an anchor that it does not define."""
    replay = read_tip("JJGadgets/Biohazard", tmp_path)
    assert replay.applied.active == {}
    assert replay.clusters.failure("kube/clusters/biohazard/flux/kustomization.yaml") is not None
    releases = [each for each in replay.active.values() if each.manifest.facts.is_release and each.context == "active"]
    assert [each.identity for each in releases if not each.resolved.namespace] == []
    assert len(releases) > 100
