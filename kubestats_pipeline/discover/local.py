"""Git repositories on this machine: recognised, found below a folder, and named.

Nothing is read from a repository but the few names that make a folder one, and the address of its `origin`. Fetching
from it is sync's work.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from kubestats_pipeline.discover.addresses import AddressError, GitAddress, parse_address, url_identity
from kubestats_pipeline.discover.records import FoundRepository
from kubestats_pipeline.git import command as git

DEPTH = 3
"""Levels of folders below an entry that are searched. Tools that clone many repositories lay out host/owner/name."""

LOCAL_HOST = "local"


@dataclass(frozen=True)
class LocalSearch:
    """The content of a folder: repositories, and folders that could not be looked into. Both in path order."""

    repositories: tuple[Path, ...] = ()
    unreadable: tuple[Path, ...] = ()


def find_repositories(folder: Path, depth: int = DEPTH) -> LocalSearch:
    """The folder itself if it is a repository, else those below it.

    Repositories are not descended into, hidden folders are skipped, and a symbolic link counts only if it points to a
    repository, so that no circle and no foreign tree is walked.
    """
    try:
        if is_repository(folder):
            return LocalSearch((folder,))
        below = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir())
    except OSError:
        return LocalSearch((), (folder,))
    searches = [find_repositories(path, 0 if path.is_symlink() else depth - 1) for path in below] if depth > 0 else []
    return LocalSearch(
        tuple(path for search in searches for path in search.repositories),
        tuple(path for search in searches for path in search.unreadable),
    )


def is_repository(folder: Path) -> bool:
    """True if git would take a folder for a work tree or a bare repository.

    Raises:
        OSError: the folder cannot be looked into.
    """
    inside = folder / ".git"
    return _is_bare(folder) or inside.is_file() or _is_bare(inside)


def _is_bare(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def to_record(path: Path, *, tag: str) -> FoundRepository:
    """The record of a repository on this machine: its identity is its real path, its page and name those of `origin`.

    Without an `origin` it is called after its last two folders.
    """
    real = path.resolve()
    folder = real.parent if real.name == ".git" else real
    origin = _origin(folder)
    name = origin.name if origin else _shown(folder.name.removesuffix(".git")) or "-"
    owner = origin.owner if origin else _shown(folder.parent.name) or "-"
    url = to_file_url(folder)
    return FoundRepository(
        repository_id=url_identity(url),
        host=LOCAL_HOST,
        full_name=f"{LOCAL_HOST}/{owner}/{name}",
        owner=owner,
        name=name,
        clone_url=url,
        discovery_tags=(tag,),
        html_url=origin.page if origin else None,
    )


def _origin(folder: Path) -> GitAddress | None:
    """The remote that a repository calls `origin`. None without one elsewhere."""
    if not _may_have_remotes(folder):
        return None
    try:
        url = git.run(["-C", str(folder), "config", "--local", "--no-includes", "--get", "remote.origin.url"])
        return parse_address(url.decode().strip())
    except (git.GitError, AddressError, UnicodeDecodeError):
        return None


def _may_have_remotes(folder: Path) -> bool:
    """False where the settings of a repository name no remote: a process of git costs as much as all else here."""
    inside = folder / ".git"
    if not (_is_bare(folder) or _is_bare(inside)):
        return True  # the folder of git lies elsewhere
    try:
        return b"remote" in ((inside if _is_bare(inside) else folder) / "config").read_bytes().lower()
    except OSError:
        return True


def to_file_url(path: Path) -> str:
    """The URL from which git fetches a path: git decodes `%20` in it, so whatever is unsafe is encoded."""
    return f"file://{quote(os.fsencode(path))}"


def from_file_url(url: str) -> Path:
    """The path of a file URL, decoded as git does.

    Raises:
        AddressError: it names another machine.
    """
    parts = urlsplit(url.replace("?", "%3F").replace("#", "%23"))
    if parts.netloc not in ("", "localhost"):
        raise AddressError("a file URL has three slashes before its path: file:///folder")
    return Path(unquote(parts.path, errors="surrogateescape"))


def _shown(name: str) -> str:
    """A folder's name as text. Bytes that are not UTF-8 become `�`, because no table can hold them."""
    return os.fsencode(name).decode("utf-8", "replace")
