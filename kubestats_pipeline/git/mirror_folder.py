"""A mirror as a folder on this disk: its fixed files, checks that it is whole, and its removal.

An unchanged repository is recognised by reading a few small files, without git. `sync/mirror.py` and `sync/api.py` fill
the folder, the scan stage reads it (`history.py`, `blobs.py`).
"""

import contextlib
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kubestats_pipeline.git import command as git
from kubestats_pipeline.locks import locked

HEAD = "ref: refs/heads/head\n"
HEAD_REF = Path("refs/heads/head")
CONFIG = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[fetch]\n\tunpackLimit = 1\n"
"""The whole configuration of a mirror. Every fetch with a filter adds the remote as a "promisor", from which any later
git command would fetch missing large files one by one. Without those lines such a file is simply `missing`. Small
fetches stay packs too, so that `Mirror.is_whole` has one thing to look for."""

REACH = Path("kubestats-history")
"""The file in a mirror that says which `history_days` it was made for."""

REPLACEMENTS = Path("refs/replace")
"""For every commit that came through an API, a file that names the object standing for it, see `sync/api.py`."""

REMOVAL_ATTEMPTS = 5
REMOVAL_PAUSE_SECONDS = 0.05

History = int | Literal["all"]
"""The `history_days` setting: days, 0 for the tip alone, or everything."""


@dataclass(frozen=True)
class Mirror:
    """The bare repository at a path, whether it exists or not."""

    path: Path

    @property
    def exists(self) -> bool:
        """True where there is a folder of that name."""
        return self.path.exists()

    @property
    def head(self) -> str | None:
        """The commit that the mirror holds, or None where its files are missing or damaged."""
        commit = _text(self.path / HEAD_REF).strip()
        return commit if re.fullmatch(r"[0-9a-f]{40}", commit) else None

    @property
    def is_sealed(self) -> bool:
        """True where the configuration is exactly the fixed one."""
        return _text(self.path / "config") == CONFIG

    @property
    def is_whole(self) -> bool:
        """True where the folder looks like a mirror that no killed or broken process left behind.

        It costs a few file reads and does not open the packs: git reports what is wrong in them when it reads them.
        """
        if not self.packs or self.broken_files():
            return False
        return _text(self.path / "HEAD") == HEAD and self.head is not None

    @property
    def packs(self) -> list[Path]:
        """Its pack files."""
        return list(self.path.glob("objects/pack/*.pack"))

    @property
    def boundaries(self) -> list[str]:
        """The commits whose parents were left behind, empty where the mirror holds everything."""
        return _text(self.path / "shallow").split()

    @property
    def replacements(self) -> dict[str, str]:
        """The commits that came through an API, and the objects in their places, empty where git fetched all."""
        return {path.name: _text(path).strip() for path in self.path.glob(f"{REPLACEMENTS}/*")}

    @property
    def size_mb(self) -> float:
        """The size of all its files, in units of 1,000,000 bytes."""
        return sum(path.lstat().st_size for path in self.path.rglob("*") if not path.is_dir()) / 1e6

    def has_commit(self, commit: str) -> bool:
        """Ask git for a commit.

        Raises:
            GitError: git failed.
        """
        try:
            # `cat-file -e` does not see a commit that came through an API, where another object takes its place.
            return bool(git.run(["rev-list", "--no-walk", commit, "--"], directory=self.path))
        except git.GitError as error:
            if error.status == 128:  # not in the mirror
                return False
            raise

    def reaches(self, wanted: History) -> bool:
        """Compare the history that the mirror was made for with what the setting wants now."""
        made_for = _text(self.path / REACH)
        if made_for == "all":
            return True
        return wanted != "all" and made_for.isdecimal() and int(made_for) >= wanted

    def broken_files(self) -> list[Path]:
        """Files of killed or broken processes: packs without index, indexes without pack, git's lock files."""
        packs = {path.stem: path for path in self.packs}
        indexes = {path.stem: path for path in self.path.glob("objects/pack/*.idx")}
        lone = [*(packs[name] for name in packs.keys() - indexes), *(indexes[name] for name in indexes.keys() - packs)]
        return [*lone, *self.path.glob("*.lock"), *self.path.glob("refs/heads/*.lock")]

    def create(self) -> None:
        """Lay an empty bare repository without git's templates, so without hooks, or add the missing parts of one."""
        for name in ("objects/pack", "refs/heads"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        (self.path / "HEAD").write_text(HEAD)
        self.write_config()

    def seal(self, wait: float = 60) -> None:
        """Make sure that no git command can fetch missing files from the network. It costs one file read if so already.

        Raises:
            BusyError: another process works on it.
            OSError: the mirror is gone or not writable.
        """
        if not self.is_sealed:
            with locked(self.path, wait):
                self.write_config()

    def discard(self, wait: float = 60) -> None:
        """Throw away a damaged or unused mirror. The next sync fetches it anew.

        Raises:
            BusyError: another process works on it.
            OSError: the disk is not writable.
        """
        with locked(self.path, wait):
            self.remove()

    def write_config(self) -> None:
        """Replace the configuration by the fixed one, in one step. Hold the lock."""
        _replace(self.path / "config", CONFIG)

    def write_boundaries(self, commits: Sequence[str]) -> None:
        """Replace the list of boundaries. Hold the lock."""
        _replace(self.path / "shallow", "".join(f"{commit}\n" for commit in commits))

    def write_reach(self, reach: History) -> None:
        """Remember for how much history the mirror was made. Hold the lock."""
        _replace(self.path / REACH, str(reach))

    def move_head(self, commit: str, stand_in: str) -> None:
        """Move the head to a commit that came through an API, and forget older ones but the head before. Hold the lock.

        A scan compares the two. Every step leaves a mirror that the next sync completes, because the head itself moves
        last.
        """
        kept = {commit, self.head}
        (self.path / REACH).unlink(missing_ok=True)  # its history has a gap now, so git builds it anew
        (self.path / REPLACEMENTS).mkdir(parents=True, exist_ok=True)
        _replace(self.path / REPLACEMENTS / commit, f"{stand_in}\n", self.path / "stand-in.new")
        _replace(self.path / HEAD_REF, f"{commit}\n", self.path / "head.new")
        for name in self.replacements.keys() - kept:
            (self.path / REPLACEMENTS / name).unlink()

    def new_sibling(self) -> "Mirror":
        """A mirror beside this one whose name nothing else has. `remove_leftovers` finds it again."""
        return Mirror(self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}"))

    def replace(self, built: "Mirror") -> None:
        """Put a mirror that was built beside this one into its place. Hold the lock."""
        self.remove()
        built.path.rename(self.path)

    def remove(self) -> None:
        """Remove the mirror, which is a cache, if it exists. Hold the lock.

        It is renamed first, so that a kill in between never leaves half of it under its own name.
        """
        if self.exists:
            _remove_tree(self.path.rename(self.new_sibling().path))

    def remove_leftovers(self) -> None:
        """Remove what killed runs left: half-built folders beside it, half-written packs in it. Hold the lock."""
        for folder in self.path.parent.glob(f".{self.path.name}.*"):
            _remove_tree(folder)
        for path in self.path.glob("objects/pack/tmp_*"):
            path.unlink(missing_ok=True)


def _remove_tree(folder: Path) -> None:
    """A git process that outlived its killed parent may still write there. It stops when its folders are gone."""
    for _ in range(REMOVAL_ATTEMPTS - 1):
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
            return
        time.sleep(REMOVAL_PAUSE_SECONDS)
    shutil.rmtree(folder)


def _replace(path: Path, text: str, temporary: Path | None = None) -> None:
    """Write a file in one step. Below `refs` git would take a neighbour for a ref: there `temporary` lies elsewhere."""
    temporary = temporary or path.with_name(f"{path.name}.new")
    temporary.write_text(text)
    temporary.replace(path)


def _text(path: Path) -> str:
    """A small file's text, empty where it is missing or binary, which every caller takes for damage."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
