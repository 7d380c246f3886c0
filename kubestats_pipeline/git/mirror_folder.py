"""A mirror as a folder on this disk: its fixed files, whether it is whole, and its removal.

No git command runs here: an unchanged repository is recognised by reading a few small files. `mirror.py` fills the
folder by fetching; the scan stage reads it.
"""

import contextlib
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

HEAD = "ref: refs/heads/head\n"
HEAD_REF = Path("refs/heads/head")
CONFIG = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[fetch]\n\tunpackLimit = 1\n"
"""The whole configuration of a mirror. Every fetch with a filter adds the remote as a "promisor", from which any later
git command would fetch missing large files one by one; without those lines such a file is simply `missing`. Small
fetches stay packs too, so that `is_whole` has one thing to look for."""

REACH = Path("kubestats-history")
"""The file in a mirror that says which `history_days` it was made for."""

REPLACEMENTS = Path("refs/replace")
"""For each commit that came through an API, a file that names the object standing for it; see `api.py`."""

REMOVAL_ATTEMPTS = 5
REMOVAL_PAUSE_SECONDS = 0.05

History = int | Literal["all"]
"""The `history_days` setting: days, 0 for the tip alone, or everything."""


def create(folder: Path) -> None:
    """Lay an empty bare repository without git's templates, so without hooks, or what is missing of one."""
    for name in ("objects/pack", "refs/heads"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "HEAD").write_text(HEAD)
    write_config(folder)


def is_sealed(mirror: Path) -> bool:
    """Whether the configuration is exactly the fixed one."""
    return _text(mirror / "config") == CONFIG


def write_config(mirror: Path) -> None:
    """Replace the configuration by the fixed one, in one step. Hold the lock."""
    _replace(mirror / "config", CONFIG)


def read_head(mirror: Path) -> str | None:
    """The commit that the mirror holds; None where there is no mirror or its files are damaged."""
    commit = _text(mirror / HEAD_REF).strip()
    return commit if re.fullmatch(r"[0-9a-f]{40}", commit) else None


def is_whole(mirror: Path) -> bool:
    """Whether the folder looks like a mirror that no killed or broken process left behind.

    It costs a few file reads and does not open the packs: what only they can tell, git tells when it reads them.
    """
    if not any(mirror.glob("objects/pack/*.pack")) or broken_files(mirror):
        return False
    return _text(mirror / "HEAD") == HEAD and read_head(mirror) is not None


def broken_files(mirror: Path) -> list[Path]:
    """What only a killed or broken process leaves: packs without index, indexes without pack, git's lock files."""
    packs = {path.stem: path for path in mirror.glob("objects/pack/*.pack")}
    indexes = {path.stem: path for path in mirror.glob("objects/pack/*.idx")}
    lone = [*(packs[name] for name in packs.keys() - indexes), *(indexes[name] for name in indexes.keys() - packs)]
    return [*lone, *mirror.glob("*.lock"), *mirror.glob("refs/heads/*.lock")]


def reaches(mirror: Path, wanted: History) -> bool:
    """Whether the mirror was made for at least as much history as the setting now wants."""
    made_for = _text(mirror / REACH)
    if made_for == "all":
        return True
    return wanted != "all" and made_for.isdecimal() and int(made_for) >= wanted


def boundaries(mirror: Path) -> list[str]:
    """The commits whose parents were left behind; empty where the mirror holds everything."""
    return _text(mirror / "shallow").split()


def write_boundaries(mirror: Path, commits: Sequence[str]) -> None:
    """Replace the list of boundaries. Hold the lock."""
    _replace(mirror / "shallow", "".join(f"{commit}\n" for commit in commits))


def write_reach(mirror: Path, reach: History) -> None:
    """Remember for how much history the mirror was made. Hold the lock."""
    _replace(mirror / REACH, str(reach))


def replacements(mirror: Path) -> dict[str, str]:
    """The commits that came through an API, and the objects that stand for them; empty where git fetched all."""
    return {path.name: _text(path).strip() for path in mirror.glob(f"{REPLACEMENTS}/*")}


def move_head(mirror: Path, commit: str, stand_in: str) -> None:
    """Let the mirror hold a commit that came through an API, and forget older ones but the head before. Hold the lock.

    A scan compares the two. Every step leaves a mirror that the next sync completes; the head itself moves last.
    """
    kept = {commit, read_head(mirror)}
    (mirror / REACH).unlink(missing_ok=True)  # there is a gap in its history now, so git builds it anew
    (mirror / REPLACEMENTS).mkdir(parents=True, exist_ok=True)
    _replace(mirror / REPLACEMENTS / commit, f"{stand_in}\n", mirror / "stand-in.new")
    _replace(mirror / HEAD_REF, f"{commit}\n", mirror / "head.new")
    for name in replacements(mirror).keys() - kept:
        (mirror / REPLACEMENTS / name).unlink()


def size_mb(folder: Path) -> float:
    """The size of all files of a folder, in units of 1,000,000 bytes."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def new_sibling(mirror: Path) -> Path:
    """A name beside the mirror that nothing else has; `remove_leftovers` finds it again."""
    return mirror.with_name(f".{mirror.name}.{secrets.token_hex(4)}")


def remove_leftovers(mirror: Path) -> None:
    """Remove what killed runs left: half-built folders beside the mirror, half-written packs in it. Hold the lock."""
    for folder in mirror.parent.glob(f".{mirror.name}.*"):
        _remove_tree(folder)
    for path in mirror.glob("objects/pack/tmp_*"):
        path.unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove a mirror, or do nothing where there is none: it is a cache. Hold the lock.

    It is renamed first, so that a kill in between never leaves half of it under its own name.
    """
    if folder.exists():
        _remove_tree(folder.rename(new_sibling(folder)))


def _remove_tree(folder: Path) -> None:
    """A git process that outlived its killed parent may still write there; it stops when its folders are gone."""
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
    """A small file's text; empty where it is missing or no text, which no caller takes for a right value."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
