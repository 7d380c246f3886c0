"""The user's clone, which is only read: its folder of git, the two commits of a range, and where it came from."""

from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.git import command as git
from kubestats_pipeline.git.command import GitError
from kubestats_pipeline.plain_text import plain


class ReviewError(ExplainedError):
    """The review cannot be made with these arguments. The text says what to do."""


@dataclass(frozen=True)
class Range:
    """Two commits of a clone.

    Attributes:
        git_folder: the clone's folder of git.
        base: the commit before.
        head: the commit after.
        origin: the URL of the remote `origin` without credentials, or an empty text.
    """

    git_folder: Path
    base: str
    head: str
    origin: str


def find_range(clone: Path, text: str) -> Range:
    """The commits of `BASE..HEAD`, or of `BASE...HEAD`, where the first is the one from which HEAD has departed.

    Raises:
        ReviewError: the folder is not a clone, the text is not a range, or the clone lacks one of the commits.
        GitError: git is not installed.
    """
    folder = _git_folder(clone)
    first, dots, last = text.partition("...") if "..." in text else text.partition("..")
    if not dots or not first or ".." in last:
        raise ReviewError(f"{plain(text)} is not a range. Give two commits, such as origin/main..HEAD")
    base, head = _commit(folder, first), _commit(folder, last or "HEAD")
    return Range(folder, _departure(folder, base, head) if dots == "..." else base, head, _origin(folder))


def _git_folder(clone: Path) -> Path:
    try:
        return Path(git.run(["-C", str(clone), "rev-parse", "--absolute-git-dir"]).decode().rstrip("\n"))
    except GitError as error:
        if error.status is None:
            raise
        raise ReviewError(f"{clone} is not a git repository. Run this in your clone, or name it: --clone") from None


def _commit(folder: Path, name: str) -> str:
    """The commit of a name.

    A name may be anything that the user has typed, so that it is never taken for an option.
    """
    try:
        command = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
        commit = git.run(command, directory=folder).decode().strip()
        git.run(["rev-list", "--no-walk", commit, "--"], directory=folder)
    except GitError as error:
        if error.status is None:
            raise
        raise ReviewError(f"this clone has no commit {plain(name)}. {_remedy(folder)}") from None
    return commit


def _departure(folder: Path, base: str, head: str) -> str:
    try:
        return git.run(["merge-base", base, head], directory=folder).decode().split()[0]
    except GitError as error:
        if error.status is None:
            raise
        raise ReviewError(f"the two commits have no common one here. {_remedy(folder)}") from None


def _remedy(folder: Path) -> str:
    shallow = git.run(["rev-parse", "--is-shallow-repository"], directory=folder).strip() == b"true"
    if shallow:
        return "It is a shallow clone. Fetch what is missing first: `git fetch --unshallow`, or fetch-depth: 0 in CI"
    return "Fetch it first, or correct the name"


def _origin(folder: Path) -> str:
    try:
        url = git.run(["config", "--get", "remote.origin.url"], directory=folder).decode().strip()
    except GitError:
        return ""
    return git.without_credentials(url)
