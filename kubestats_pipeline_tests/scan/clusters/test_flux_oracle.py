"""What clusters of real repositories run, compared with what kubectl and a short kustomize-controller make of them.

It runs where the environment variable KUBECTL names kubectl 1.35 and KUSTOMIZED a folder of checked-out repositories,
two levels deep.
"""

import datetime
import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from kubestats_pipeline.git.history import Change, Commit
from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.scan.clusters.appliers.nodes import ClusterObject
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.files import ContentCache
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline_tests.scan.build.comparison import first_difference
from kubestats_pipeline_tests.scan.clusters.flux_controller import Controller

KUBECTL, TREES = os.environ.get("KUBECTL"), os.environ.get("KUSTOMIZED")
CLUSTERS = [
    ("onedr0p/home-ops", "kubernetes/flux/cluster", ""),
    ("mchestr/home-cluster", "kubernetes/flux/cluster", ""),
    ("mirceanton/home-ops", "apps", ""),
    ("xunholy/k8s-gitops", "kubernetes/clusters/cluster-00", "kubernetes"),
    ("pascaliske/infrastructure", "clusters/production/base", ""),
]
"""Repositories, the folder that is applied first, and the root of their artifact."""

_HASHED = re.compile(r"-[a-z0-9]{10}$")
_CHART = "HelmChartInflationGenerator"
Name = tuple[str, str, str | None, str]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not KUBECTL or not TREES, reason="needs KUBECTL and KUSTOMIZED"),
]


def replay_of(root: Path) -> Replay:
    """The repository as its files are now."""
    blobs = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if _is_read(path, root)}
    oids = {path: hashlib.sha256(blob).hexdigest() for path, blob in blobs.items()}
    by_oid = {oids[path]: blob for path, blob in blobs.items()}
    replay = Replay("repository", ContentCache(by_oid.get, Bounds()))
    at = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
    replay.apply(Commit("0" * 40, at, "ann", "all"), [Change(path, oid) for path, oid in oids.items()])
    return replay


def _is_read(path: Path, root: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.relative_to(root).parts[0] != ".git"


def name_of(content: dict[str, Any]) -> Name:
    metadata = content["metadata"]
    group = content["apiVersion"].rpartition("/")[0]
    return group, content["kind"], metadata.get("namespace"), metadata["name"]


def ours(replay: Replay, cluster: str) -> Iterator[ClusterObject]:
    """The objects of a cluster, without charts and those of a ResourceSet, which the controller does not know."""
    for node in replay.clusters._walk.nodes:
        if node.key.cluster.path == cluster and node.key.cluster.is_real:
            objects = (each for each in node.objects.values() if each.key.kind != _CHART)
            yield from (each for each in objects if "template" not in each.built.changed_by)


def features(made: ClusterObject) -> set[str]:
    found = set(made.built.changed_by)
    if made.settings.variables and made.content["metadata"] is not made.built.content["metadata"]:
        found.add("substitution")
    return found


def without_hash(contents: dict[Name, list[bytes]], names: set[Name]) -> dict[Name, list[bytes]]:
    """The objects with the names that hashes make, which are not told where a secret has a part in them."""
    renamed = {
        name[3].encode(): _HASHED.sub("", name[3]).encode()
        for name in contents
        if name not in names and (*name[:3], _HASHED.sub("", name[3])) in names
    }
    found = defaultdict[Name, list[bytes]](list)
    for name, texts in contents.items():
        for text in texts:
            for old, new in renamed.items():
                text = text.replace(b'"%s"' % old, b'"%s"' % new)
            plain = renamed.get(name[3].encode(), name[3].encode()).decode()
            found[*name[:3], plain].append(text)
    return found


@pytest.mark.parametrize(("full_name", "root", "base"), CLUSTERS)
def test_a_real_cluster_runs_what_the_controller_applies(full_name: str, root: str, base: str, tmp_path: Path) -> None:
    tree = Path(str(TREES)) / full_name
    if not tree.is_dir():
        pytest.skip(f"{full_name} is not there")
    controller = Controller(tree, tmp_path / "copy", base, str(KUBECTL))
    controller.run(root)
    made = list(ours(replay_of(tree), root))
    told = defaultdict[Name, list[bytes]](list)
    for content, _ in controller.objects:
        told[name_of(content)].append(canonical_json(redact(content)))
    expected = without_hash(told, {name_of(each.content) for each in made})
    total, equal, wrong = Counter[str](), Counter[str](), []
    for each in made:
        texts = expected.get(name_of(each.content), [])
        is_equal = each.data in texts
        if texts:
            wrong += [] if is_equal else [f"{each.key}: {_first(each.content, texts[0])}"]
            texts.remove(each.data if is_equal else texts[0])
        else:
            wrong.append(f"{each.key} is too many")
        found = features(each)
        for feature in ("all", *found, *(["changed"] if found else [])):
            total[feature] += 1
            equal[feature] += is_equal
    missing = [name for name, texts in expected.items() for _ in texts]
    total["all"] += len(missing)
    print(f"\n{full_name}: {controller.kustomizations} Kustomizations, {len(controller.objects)} objects")
    print(*(f"  {name:<14} {equal[name]:>6} of {total[name]:>6}" for name in sorted(total)), sep="\n")
    print(*controller.failures, *wrong[:20], *(f"{name} is missing" for name in missing[:20]), sep="\n")
    assert total["all"] > 100
    assert equal["all"] >= 0.995 * total["all"]
    assert equal["changed"] >= 0.99 * total["changed"]


def _first(content: dict[str, Any], text: bytes) -> str:
    return first_difference(content, orjson.loads(text))
