"""Builds the bare git repositories of the sample. A repository is either complete or does not exist.

Files and git processes are here, and the histories are in `clusters/`. The demo syncs from these repositories as from
any others: no other module knows that they are samples.
"""

import hashlib
import shutil
from pathlib import Path

from kubestats_pipeline.git import command as git
from kubestats_pipeline.sample.clusters import aurora, granite, magpie, orchard, sprout, tidewater
from kubestats_pipeline.sample.clusters.story import Story
from kubestats_pipeline.sample.stream import BRANCH, fast_import_stream

STORIES: tuple[Story, ...] = (
    aurora.STORY,
    tidewater.STORY,
    granite.STORY,
    orchard.STORY,
    magpie.STORY,
    sprout.STORY,
)
"""The sample repositories, in the order in which a reader meets them."""

SAMPLE_REPOSITORIES: tuple[str, ...] = tuple(story.full_name for story in STORIES)
"""Their names as `owner/name`."""

FINGERPRINT = "kubestats-sample"
"""A file in every bare sample repository: the hash of its history. A repository without it is not a sample."""


def build_sample(directory: Path) -> list[Path]:
    """Build the sample repositories at `directory/<owner>/<name>.git`, and return their paths in the stories' order.

    Commit ids are the same on every machine. A complete repository is left untouched. One that an older version of the
    package built, or that a stopped run left incomplete, is replaced.

    Raises:
        GitError: git is not installed, or it failed.
        FileExistsError: a path exists and is not a sample repository. It is left as it is.
        OSError: the directory cannot be written.
    """
    return [_build_repository(directory / f"{story.full_name}.git", fast_import_stream(story)) for story in STORIES]


def _build_repository(path: Path, stream: bytes) -> Path:
    fingerprint = hashlib.sha256(stream).hexdigest()
    partial, outdated = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.outdated")
    _remove(partial)
    _remove(outdated)
    found = _fingerprint(path)
    if found == fingerprint:
        return path
    if path.exists() and found is None:
        raise FileExistsError(f"{path} is not a sample repository, move it away or build the sample elsewhere")
    _import(partial, stream)
    (partial / FINGERPRINT).write_text(fingerprint)
    if found is not None:
        path.rename(outdated)
    partial.rename(path)
    _remove(outdated)
    return path


def _fingerprint(path: Path) -> str | None:
    """The fingerprint of the history that a repository was built from, or None if it is not a complete sample."""
    file = path / FINGERPRINT
    return file.read_text() if file.is_file() else None


def _import(path: Path, stream: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    git.run(["init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}", str(path)])
    git.run(["config", "uploadpack.allowFilter", "true"], directory=path)  # mirrors leave large files out
    git.run(["fast-import", "--quiet"], directory=path, stdin=stream)


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)
