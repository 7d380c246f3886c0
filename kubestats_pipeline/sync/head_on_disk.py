"""Reads the HEAD of a repository on this machine from its files, as git lays them out, without a git process.

It is for the question whether anything is new: git would start three processes to answer it. A repository that is not
laid out in the plain way is left to git, and so is everything that follows where something is new.
"""

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from kubestats_pipeline.sync.mirror import RemoteHead

_COMMIT = re.compile(r"[0-9a-f]{40}")
_BRANCH = re.compile(r"ref: refs/heads/(?P<branch>(?!\.)[^\s\\]+)")


def head_on_disk(url: str) -> RemoteHead | None:
    """The commit and branch of a `file:` URL. None where only git can tell, or nothing is there."""
    path = Path(os.fsdecode(unquote_to_bytes(urlsplit(url).path)))
    try:
        folder = _git_directory(path)
        return _read_head(folder) if folder else None
    except (OSError, ValueError):
        return None


def _git_directory(path: Path) -> Path | None:
    """The folder that git takes for a path: a checkout's `.git`, else the bare repository itself.

    A `.git` that is a file names a folder elsewhere.
    """
    folder = path / ".git"
    folder = folder if folder.exists() else path
    return folder if (folder / "objects").is_dir() and (folder / "refs").is_dir() else None


def _read_head(folder: Path) -> RemoteHead | None:
    file = folder / "HEAD"
    if file.is_symlink():  # as git wrote it before 2005, and still reads it
        return None
    head = file.read_text().rstrip("\n")
    if _COMMIT.fullmatch(head):
        return RemoteHead(None, head)
    found = _BRANCH.fullmatch(head)
    if found is None or ".." in found["branch"]:
        return None
    commit = _read_branch(folder, f"refs/heads/{found['branch']}")
    return RemoteHead(found["branch"], commit) if commit else None


def _read_branch(folder: Path, ref: str) -> str | None:
    """The commit of a branch. One with a file of its own is newer than what is packed of it."""
    try:
        commit = (folder / ref).read_text().rstrip("\n")
    except (FileNotFoundError, IsADirectoryError):
        lines = (folder / "packed-refs").read_text().splitlines()
        commit = next((line.partition(" ")[0] for line in lines if line.partition(" ")[2] == ref), "")
    return commit if _COMMIT.fullmatch(commit) else None
