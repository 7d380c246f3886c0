"""Builds of every folder with a kustomization of real repositories, compared with kubectl's.

It runs where the environment variable KUBECTL names kubectl 1.35 and KUSTOMIZED a folder of checked-out repositories,
two levels deep. `make bench` prints the same by feature.
"""

import os
from pathlib import Path

import pytest

from benchmarks.equality import ALL, CHANGED, Equality, compare_folders, reason_of

KUBECTL, TREES = os.environ.get("KUBECTL"), os.environ.get("KUSTOMIZED")


@pytest.mark.slow
@pytest.mark.skipif(not KUBECTL or not TREES, reason="needs KUBECTL and KUSTOMIZED")
def test_real_folders_are_built_as_kubectl_builds_them() -> None:
    total = Equality()
    for tree in sorted(Path(str(TREES)).glob("*/*")):
        total.add(compare_folders(tree, str(KUBECTL)))
    print(total.equal, total.objects, *total.refused, *total.differences, sep="\n")
    assert total.built > 100
    assert total.is_good(ALL)
    assert total.is_good(CHANGED)
    assert not [each for each in total.differences if "refuse it" in each or "refuses it" in each]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("accumulating resources: Get https://x: dial tcp: lookup x: no such host", "it needs the network"),
        ("HelmChartInflationGenerator with config: must specify --enable-helm", "it needs helm"),
        ("from 'ks.yaml': MalformedYAMLError: yaml: unknown anchor 'a' referenced", "a file is not YAML"),
        ("not a valid directory: evalsymlink failure: no such file or directory", "a file or folder is missing"),
        ("error: accumulating: something else", "something else"),
    ],
)
def test_the_reasons_of_kubectl_are_few(words: str, reason: str) -> None:
    assert reason_of(words) == reason


def test_goals_are_shares_of_all_objects_and_of_the_changed_ones() -> None:
    found = Equality()
    for number in range(200):
        found.count({"patch"} if number < 100 else (), is_equal=number > 0)
    assert (found.equal[ALL], found.objects["patch"], found.objects[CHANGED]) == (199, 100, 100)
    assert found.is_good(ALL)
    assert found.is_good(CHANGED)
    found.count_missing("home", ["a"])
    assert not found.is_good(ALL)
