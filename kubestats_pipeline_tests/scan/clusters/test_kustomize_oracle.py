"""What `kubectl kustomize` builds is what we say of namespaces, versions and images: made trees of kustomizations."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubestats_pipeline_tests.scan.documents.oracle import KUBECTL, needs_kubectl
from kubestats_pipeline_tests.scan.world import Tree, chart, helm_repository, kustomization, manifest, release

pytestmark = needs_kubectl

FOLDERS = ("top", "top/mid", "base", "parts", "more")
COMPONENTS = ("parts", "more")
NAMESPACES = (None, None, "one", "two", "three")


class Forest:
    """A tree of kustomizations made by chance: the top one takes in all others, some of them as components."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.files: dict[str, str] = {}
        for folder in FOLDERS:
            self._fill(folder)

    def _fill(self, folder: str) -> None:
        number = FOLDERS.index(folder)
        names = {f"{folder}/hr.yaml": release(f"hr{number}", **self._place(), chart=chart("x", f"{number}.0", "s"))}
        image = f"nginx:{number}"
        pod = {"template": {"spec": {"containers": [{"name": "a", "image": image}, {"name": "b", "image": "x/y"}]}}}
        names[f"{folder}/d.yaml"] = manifest("Deployment", f"d{number}", api="apps/v1", **self._place(), spec=pod)
        self.files |= names
        entries = [path.rpartition("/")[2] for path in names]
        below = {"top": ["mid"], "top/mid": ["../../base"]}.get(folder, [])
        components = {"top": ["../parts"], "base": ["../more"]}.get(folder, [])
        head = {"kind": "Component", "apiVersion": "kustomize.config.k8s.io/v1alpha1"} if folder in COMPONENTS else {}
        fields = self._changes() | ({"components": components} if components else {}) | head
        namespace = self._random.choice(NAMESPACES)
        self.files[f"{folder}/kustomization.yaml"] = kustomization(*below, *entries, namespace=namespace, **fields)

    def _place(self) -> dict[str, Any]:
        return {"namespace": self._random.choice(NAMESPACES)}

    def _changes(self) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if self._random.random() < 0.5:
            changes["patches"] = [self._patch() for _ in range(self._random.randint(1, 2))]
        if self._random.random() < 0.4:
            tag = f"t{self._random.randint(0, 9)}"
            renamed = {"newName": "ghcr.io/home/web"} if self._random.random() < 0.3 else {}
            changes["images"] = [{"name": "nginx", "newTag": tag, **renamed}]
        if self._random.random() < 0.3:
            changes["namePrefix"] = "p-"
        return changes

    def _patch(self) -> dict[str, Any]:
        version = f"v{self._random.randint(0, 99)}"
        target = {"kind": "HelmRelease"} | self._random.choice(
            [{}, {"name": "hr[012]"}, {"name": ".*3"}, {"group": "helm.toolkit.fluxcd.io"}, {"labelSelector": "a=b"}]
        )
        merged = {"spec": {"chart": {"spec": {"version": version}}}}
        head = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "any"}}
        operation = {"op": "replace", "path": "/spec/chart/spec/version", "value": version}
        body = json.dumps({**head, **merged}) if self._random.random() < 0.5 else yaml.safe_dump([operation])
        return {"patch": body, "target": target}


def build(files: dict[str, str], folder: Path) -> dict[str, Any] | None:
    """What kubectl makes of the top folder, by the number in the names; None where it refuses."""
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    command = [str(KUBECTL), "kustomize", str(folder / "top")]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    if done.returncode:
        return None
    built = {}
    for each in yaml.safe_load_all(done.stdout):
        name = each["metadata"]["name"].rpartition("-")[2]
        if each["kind"] == "HelmRelease":
            version = each["spec"]["chart"]["spec"]["version"]
            built[name] = (each["metadata"].get("namespace"), version)
        elif each["kind"] == "Deployment":
            containers = each["spec"]["template"]["spec"]["containers"]
            built[name] = (each["metadata"].get("namespace"), [container["image"] for container in containers])
    return built


def ours(files: dict[str, str]) -> dict[str, Any]:
    tree = Tree().put({**files, "s.yaml": helm_repository("s")})
    said: dict[str, Any] = {}
    for identity, each in tree.replay.active.items():
        if identity.key.kind == "HelmRelease":
            said[identity.key.name] = (each.resolved.namespace, each.resolved.version)
        elif identity.key.kind == "Deployment":
            said[identity.key.name] = (each.resolved.namespace, [image.raw for image in each.version.images])
    return said


@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 150), marks=pytest.mark.slow)])
def test_made_trees_are_built_as_kubectl_builds_them(tmp_path: Path, seeds: range) -> None:
    compared = 0
    for seed in seeds:
        files = Forest(seed).files
        built = build(files, tmp_path / str(seed))
        if built is not None:
            assert ours(files) == built, f"seed {seed}"
            compared += 1
    assert compared > len(seeds) // 2, "kubectl refuses most of what is made"


@pytest.mark.parametrize("name", ["x", "p-x", "q-p-x-s"])
def test_a_source_goes_by_the_name_that_kustomize_gives_it(name: str) -> None:
    tree = Tree().put(
        {
            "top/kustomization.yaml": kustomization("../mid", namePrefix="q-"),
            "mid/kustomization.yaml": kustomization("s.yaml", namePrefix="p-", nameSuffix="-s"),
            "mid/s.yaml": helm_repository("x"),
            "hr.yaml": release("app", chart=chart("c", "1", name)),
        }
    )
    assert tree.resolution("app").resolution == ("exact" if name == "q-p-x-s" else "unresolved")
