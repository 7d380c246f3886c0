"""Cost of finding out what clusters run, beside kubectl's builds of the same folders, one by one.

One line counts all that the answer takes: reading and redacting every file of the repository, finding out who applies
what, building it, and the facts and events of each object. The other one counts the builds of these folders alone, from
documents that are read already. kubectl reads the files of each folder, and starts anew for it.

It runs where the environment variable KUBECTL names kubectl. `equality.py` compares the results.
"""

import datetime
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.inputs import export_tip, name_of
from benchmarks.measure import Cost, Runs, measure, timed
from benchmarks.report import Goal, Line, ratio_of
from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import Change, Commit, read_tree
from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.incremental import QueryStore
from kubestats_pipeline.scan.build.sources import RepositorySources
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.kustomize.kustomization import KUSTOMIZATION_FILES
from kubestats_pipeline.scan.manifests.files import ContentCache, Files
from kubestats_pipeline.scan.replay.replay import Replay

GOAL_TIMES = 20
"""How many times less CPU we take than kubectl."""

MIN_FOLDERS = 20
TIMEOUT = 300


def rendering_lines(remotes: Sequence[Path], folder: Path) -> Iterator[Line]:
    """The tip of each repository with many applied folders: all that a scan does to find out, and the builds alone."""
    kubectl = os.environ.get("KUBECTL")
    for remote in remotes if kubectl else ():
        walked = measure(applied_folders, remote)
        tree = export_tip(remote, folder)
        folders = [
            place for place in walked.value if any((tree / place / name).is_file() for name in KUSTOMIZATION_FILES)
        ]
        if len(folders) < MIN_FOLDERS:
            continue
        floor = Runs((measure(build_with_kubectl, str(kubectl), tree, folders).cost,))
        built = measure(time_builds, remote, folders).value
        for what, cost in (("read, found and built", walked.cost), ("builds of what is read", built)):
            runs = Runs((cost,))
            times = 1 / max(ratio_of(runs, floor), 1e-6)
            goal = Goal(f"{GOAL_TIMES} times less than kubectl", times >= GOAL_TIMES)
            text = f"{name_of(remote)}: {len(folders)} folders, {what}, floor: kubectl kustomize of each"
            yield Line("rendering", text, runs, floor, (goal,))


def applied_folders(repository: Path) -> list[str]:
    """Read the tip of a repository, find out what its clusters run, and return the folders that are applied."""
    with BlobReader(repository) as blobs:
        tip, changes = _tip_of(repository, blobs)
        replay = Replay("repository", ContentCache(blobs.read, Bounds()))
        replay.apply(tip, changes)
    return sorted({applied.state.applied_path for applied in replay.applied.active.values()})


def time_builds(repository: Path, folders: Sequence[str]) -> Cost:
    """The cost of building folders, after all files of the tip of their repository were read."""
    with BlobReader(repository) as blobs:
        _, changes = _tip_of(repository, blobs)
        cache, queries = ContentCache(blobs.read, Bounds()), QueryStore()
        files = Files(cache)
        files.apply(changes)
        sources = RepositorySources(files, cache, queries)
        sources.replace(files.take_changed())
        builds = Builds(sources, queries)
        return timed(lambda: [builds.of(each) for each in folders]).cost


def _tip_of(repository: Path, blobs: BlobReader) -> tuple[Commit, list[Change]]:
    """The tip as one commit that makes its whole tree."""
    tree = read_tree(repository, "HEAD")
    blobs.expect(tree.values())
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return Commit("0" * 40, at, "ann", "tip"), [Change(path, oid) for path, oid in tree.items()]


def build_with_kubectl(kubectl: str, tree: Path, folders: Sequence[str]) -> int:
    """Build folders with kubectl, and return how many it does not refuse."""
    command = [kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone"]
    done = (
        subprocess.run([*command, tree / each], capture_output=True, timeout=TIMEOUT, check=False) for each in folders
    )
    return sum(each.returncode == 0 for each in done)
