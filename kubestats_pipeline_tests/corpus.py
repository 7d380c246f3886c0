"""Real repositories for the tests, where they are at hand: the corpus beside the project, unpacked once a session."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
TIPS = CORPUS.parent / "tips"
SMALL = ("fluxcd/flux2-kustomize-helm-example", "khuedoan/homelab")
LARGER = ("pascaliske/infrastructure",)
LARGEST = ("onedr0p/home-ops", "mchestr/home-cluster", "billimek/k8s-gitops", "JJGadgets/Biohazard")


def unpack(full_name: str, folder: Path) -> Path:
    """The bare repository of one bundle of the corpus; skips the test where there is no corpus."""
    return _unpacked(CORPUS, full_name, folder, f"{full_name}.git")


def unpack_tip(full_name: str, folder: Path) -> Path:
    """The newest commit of a repository of the corpus, checked out; skips the test where there are no tips."""
    return _unpacked(TIPS, full_name, folder, full_name)


def _unpacked(bundles: Path, full_name: str, folder: Path, name: str) -> Path:
    repository = folder / name
    if repository.is_dir():
        return repository
    script = bundles / "unpack"
    if not os.access(script, os.X_OK):
        pytest.skip(f"the {bundles.name} of real repositories is not beside the project")
    command = [str(script), str(folder), full_name.replace("/", "--")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    return repository


def read_tip(repository: Path) -> dict[str, bytes]:
    """The YAML files of the commit that HEAD of a bare repository points to."""
    archive = subprocess.run(
        ["git", "-C", str(repository), "archive", "HEAD"], check=True, capture_output=True, timeout=120
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        members = [each for each in files if each.isfile() and each.name.lower().endswith((".yaml", ".yml"))]
        return {each.name: file.read() for each in members if (file := files.extractfile(each))}
