"""Builds of every folder with a kustomization of real repositories, compared with kubectl's.

It runs where the environment variable KUBECTL names kubectl 1.35 and KUSTOMIZED a folder of checked-out repositories,
two levels deep. Folders that kubectl refuses are compared as refused.
"""

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.scan.build.kustomization import FILE_NAMES
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline_tests.scan.build.comparison import difference, name_of
from kubestats_pipeline_tests.scan.build.trees import Repository

KUBECTL, TREES = os.environ.get("KUBECTL"), os.environ.get("KUSTOMIZED")
LARGE = Bounds(max_bytes=100_000_000, max_nodes=10_000_000)
CHART = "HelmChartInflationGenerator"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not KUBECTL or not TREES, reason="needs KUBECTL and KUSTOMIZED"),
]


def read_tree(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_real_folders_are_built_as_kubectl_builds_them():
    objects, equal, wrong = Counter[str](), Counter[str](), []
    for root in sorted(Path(str(TREES)).glob("*/*")):
        tree = read_tree(root)
        repository = Repository(tree)
        for folder in sorted({str(Path(path).parent) for path in tree if Path(path).name in FILE_NAMES}):
            built = repository.build("" if folder == "." else folder)
            if any(each.content["kind"] == CHART for each in built.objects):
                continue  # kubectl inflates no chart
            command = [str(KUBECTL), "kustomize", "--load-restrictor=LoadRestrictionsNone", str(root / folder)]
            answer = subprocess.run(command, capture_output=True, timeout=120, check=False)
            if answer.returncode or built.failure is not None:
                wrong += [f"{root.name}/{folder}: {built.failure}"] * (bool(answer.returncode) != bool(built.failure))
                continue
            left = Counter[str]()
            expected: dict[tuple[object, ...], list[dict]] = {}
            for document in decode_stream(answer.stdout, LARGE):
                if document.content:
                    expected.setdefault(name_of(document.content), []).append(redact(document.content))
            for each in built.objects:
                found = difference(each, expected)
                wrong += [f"{root.name}/{folder}: {found}"] * (found is not None)
                for feature in ("all", *each.changed_by, *(["changed"] * bool(each.changed_by))):
                    objects[feature] += 1
                    equal[feature] += found is None
            left["missing"] = sum(map(len, expected.values()))
            objects["all"] += left["missing"]
    print({feature: (equal[feature], objects[feature]) for feature in objects}, *wrong, sep="\n")
    assert equal["all"] >= 0.995 * objects["all"]
    assert equal["changed"] >= 0.99 * objects["changed"]
    assert len(wrong) <= 0.02 * objects["all"]
