"""Cost of finding out what clusters run, beside kubectl's builds of the same folders, one by one.

It runs where the environment variable KUBECTL names kubectl. `equality.py` compares the results.
"""

import datetime
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.inputs import export_tip, name_of
from benchmarks.measure import Runs, measure
from benchmarks.report import Goal, Line, ratio_of
from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import Change, Commit, read_tree
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.kustomize.kustomization import KUSTOMIZATION_FILES
from kubestats_pipeline.scan.manifests.files import ContentCache
from kubestats_pipeline.scan.replay.replay import Replay

GOAL_TIMES = 20
"""How many times less CPU we take than kubectl."""

MIN_FOLDERS = 20
TIMEOUT = 300


def rendering_lines(remotes: Sequence[Path], folder: Path) -> Iterator[Line]:
    """The tip of each repository with many applied folders, read, built and walked."""
    kubectl = os.environ.get("KUBECTL")
    for remote in remotes if kubectl else ():
        walked = measure(applied_folders, remote)
        tree = export_tip(remote, folder)
        folders = [
            place for place in walked.value if any((tree / place / name).is_file() for name in KUSTOMIZATION_FILES)
        ]
        if len(folders) < MIN_FOLDERS:
            continue
        runs, floor = Runs((walked.cost,)), Runs((measure(build_with_kubectl, str(kubectl), tree, folders).cost,))
        times = 1 / max(ratio_of(runs, floor), 1e-6)
        goal = Goal(f"{GOAL_TIMES} times less than kubectl", times >= GOAL_TIMES)
        what = f"{name_of(remote)}: {len(folders)} folders, floor: kubectl kustomize of each"
        yield Line("rendering", what, runs, floor, (goal,))


def applied_folders(repository: Path) -> list[str]:
    """Read the tip of a repository, find out what its clusters run, and return the folders that are applied."""
    tree = read_tree(repository, "HEAD")
    with BlobReader(repository) as blobs:
        blobs.expect(tree.values())
        replay = Replay("repository", ContentCache(blobs.read, Bounds()))
        at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        replay.apply(Commit("0" * 40, at, "ann", "tip"), [Change(path, oid) for path, oid in tree.items()])
    return sorted({applied.state.applied_path for applied in replay.applied.active.values()})


def build_with_kubectl(kubectl: str, tree: Path, folders: Sequence[str]) -> int:
    """Build folders with kubectl, and return how many it does not refuse."""
    command = [kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone"]
    done = (
        subprocess.run([*command, tree / each], capture_output=True, timeout=TIMEOUT, check=False) for each in folders
    )
    return sum(each.returncode == 0 for each in done)
