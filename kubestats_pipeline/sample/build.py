"""Builds the sample's bare git repositories, each complete or not there at all, and only when it is not there yet.

Here are files and git processes; the histories themselves are told in `clusters/`. The demo syncs from them as it
would from any other repositories: nothing after this module knows that they are samples.
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
"""A file in each bare repository: the hash of the history it was built from. Without it, a repository is no sample."""


def build_sample(directory: Path) -> list[Path]:
    """Build the sample repositories at `directory/<owner>/<name>.git` and give their paths, in the stories' order.

    Commit ids are the same on every machine. What is complete already is left untouched; what an older version of the
    package built, or a stopped run left behind, is replaced.

    Raises:
        GitError: git is not installed, or it failed.
        FileExistsError: a place is taken by something that is no sample repository; it is left as it is.
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
        raise FileExistsError(f"{path} is no sample repository; move it away, or build the sample elsewhere")
    _import(partial, stream)
    (partial / FINGERPRINT).write_text(fingerprint)
    if found is not None:
        path.rename(outdated)
    partial.rename(path)
    _remove(outdated)
    return path


def _fingerprint(path: Path) -> str | None:
    """Which history a repository was built from; None where there is no complete sample repository."""
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
