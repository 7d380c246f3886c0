"""What clusters of real repositories run, compared with what kubectl and a short kustomize-controller make of them.

It runs where the environment variable KUBECTL names kubectl 1.35 and KUSTOMIZED a folder of checked-out repositories,
two levels deep. `make bench` prints the same by feature.
"""

import os
from pathlib import Path

import pytest

from benchmarks.equality import ALL, CHANGED, CLUSTERS, compare_cluster

KUBECTL, TREES = os.environ.get("KUBECTL"), os.environ.get("KUSTOMIZED")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not KUBECTL or not TREES, reason="needs KUBECTL and KUSTOMIZED"),
]


@pytest.mark.parametrize("full_name", CLUSTERS)
def test_a_real_cluster_runs_what_the_controller_applies(full_name: str, tmp_path: Path) -> None:
    tree = Path(str(TREES)) / full_name
    if not tree.is_dir():
        pytest.skip(f"{full_name} is not there")
    found = compare_cluster(tree, *CLUSTERS[full_name], str(KUBECTL), tmp_path / "copy")
    print(found.equal, found.objects, *found.refused, *found.differences, sep="\n")
    assert found.objects[ALL] > 100
    assert found.is_good(ALL)
    assert found.is_good(CHANGED)
