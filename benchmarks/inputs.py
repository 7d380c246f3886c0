"""The repositories of the benchmarks: the corpus, if it is beside the project, or else the sample.

They are remotes on this disk. `mirror` fetches from them with the pipeline's own code, outside any measurement.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.git import command as git
from kubestats_pipeline.git.mirror_folder import History, Mirror
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.sample.build import build_sample
from kubestats_pipeline.sync.mirror import MirrorBounds, Remote, Span, update_mirror

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
NO_CORPUS = "no corpus of real repositories here: the sample repositories are too small for ratios to mean much"
UNPACK_SECONDS = 300


@dataclass(frozen=True)
class Mirrored:
    """A mirror in a data directory of its own, as the scan finds it.

    Attributes:
        folder: the bare repository.
        span: newest and oldest commit.
    """

    repository: Repository
    lake: Lake
    folder: Path
    span: Span


def find_remotes(corpus: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Unpack or build bare repositories below `folder`, and return the smallest first, and a note without a corpus."""
    script = corpus / "unpack"
    if os.access(script, os.X_OK):
        command = [str(script), str(folder / "corpus")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=UNPACK_SECONDS)
        return _by_commits((folder / "corpus").glob("*/*.git")), []
    return _by_commits(build_sample(folder / "sample")), [NO_CORPUS]


def find_newest(corpus: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Repositories with the newest trees: those of `tips` beside the corpus, else of the corpus or the sample."""
    script = corpus.with_name("tips") / "unpack"
    if not os.access(script, os.X_OK):
        return find_remotes(corpus, folder)
    subprocess.run([str(script), str(folder / "tips")], check=True, stdout=subprocess.DEVNULL, timeout=UNPACK_SECONDS)
    return sorted((folder / "tips").glob("*/*/.git")), []


def export_tip(remote: Path, folder: Path) -> Path:
    """The files of the newest commit: those of a checked-out repository, or else written to a folder that is new."""
    if remote.name == ".git":
        return remote.parent
    tree = folder / name_of(remote)
    tree.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", remote, "archive", "HEAD"], check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", tree], check=True, input=archive.stdout)
    return tree


def name_of(remote: Path) -> str:
    """`owner/name` of a repository on this disk, which is bare or the folder `.git` of a checked-out one."""
    place = remote.parent if remote.name == ".git" else remote
    return f"{place.parent.name}/{place.name.removesuffix('.git')}"


def repository_of(remote: Path) -> Repository:
    """The record of a local repository."""
    owner, name = name_of(remote).split("/")
    identity = f"git:{hashlib.sha256(name_of(remote).encode()).hexdigest()[:16]}"
    return Repository(identity, f"local/{owner}/{name}", "local", owner, name, remote.as_uri())


def mirror(remote: Path, data_dir: Path, history: History) -> Mirrored:
    """Fetch a remote into a data directory that has no lake yet."""
    repository, lake = repository_of(remote), Lake(Layout(data_dir.absolute()))
    folder = lake.layout.mirror(repository.host, repository.owner, repository.name)
    fetched = Remote(repository.clone_url, git.environment(), 600)
    span = update_mirror(Mirror(folder), fetched, MirrorBounds(history, 1000))
    return Mirrored(repository, lake, folder, span)


def first_parents(folder: Path, revision: str = "HEAD") -> list[str]:
    """The first-parent commits of a bare repository, newest first."""
    return git.run(["rev-list", "--first-parent", revision], directory=folder).decode().split()


def _by_commits(remotes: Iterable[Path]) -> list[Path]:
    return sorted(remotes, key=lambda remote: (len(first_parents(remote)), name_of(remote)))
