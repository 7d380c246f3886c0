"""Git's objects as GitHub's API gives them: the head, commits, trees and blobs of a repository.

A blob is checked against its id. The id of a tree follows only from all of its entries, which
`git_objects.build_tree` does. `github/contents.py` makes listings and files of them, `sync/api.py` a mirror.
"""

import re
from typing import Annotated, TypeVar
from urllib.parse import quote

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from kubestats_pipeline.git.objects import object_id
from kubestats_pipeline.hosts.errors import UnavailableError
from kubestats_pipeline.hosts.github.client import GitHubClient

MEGABYTE = 1_000_000
LARGEST_FILE = 100 * MEGABYTE
"""GitHub hands out no larger ones (REST documentation, "Get a blob" and "Get repository content")."""

RAW = "application/vnd.github.raw+json"
SHA = "application/vnd.github.sha"

_OID = re.compile(r"[0-9a-f]{40}")


class DamagedAnswerError(UnavailableError):
    """Another answer than was announced: content whose id differs, or an answer without its fields."""


class Signature(BaseModel):
    """Who made a commit and when. GitHub gives the time in UTC."""

    name: str
    email: str
    date: AwareDatetime


Oid = Annotated[str, Field(pattern=f"^{_OID.pattern}$")]


class TreeReference(BaseModel):
    """The root of a commit."""

    sha: Oid


class GitCommit(BaseModel):
    """A commit as far as GitHub gives it, which is not byte for byte."""

    sha: Oid
    tree: TreeReference
    author: Signature
    committer: Signature
    message: str


class GitTreeEntry(BaseModel):
    """One path below a tree. `type` is blob, tree, or commit for a submodule, `size` is of blobs only."""

    path: str = Field(min_length=1)
    mode: str = Field(pattern=r"^[0-7]{5,6}$")
    type: str
    sha: Oid
    size: int | None = None


class GitTree(BaseModel):
    """The entries in a directory or below it. Some are missing where it is truncated."""

    tree: list[GitTreeEntry]
    truncated: bool = False


def get_head(client: GitHubClient, full_name: str) -> str:
    """The commit at the tip of the default branch, by a conditional call.

    While it stays the same, the call is not counted for those who have a token (GitHub REST documentation, "Use
    conditional requests if appropriate").

    Raises:
        HostError: the repository is unknown or empty, or GitHub does not answer.
    """
    address = f"{repository_path(full_name)}/commits/HEAD"
    answer = client.get_bytes(address, accept=SHA, limit_bytes=100, remember=True)
    commit = answer.decode("ascii", "replace").strip()
    if not _OID.fullmatch(commit):
        raise DamagedAnswerError(f"{address} answered with no commit id. Check github.api_url if it stays")
    return commit


def get_commit(client: GitHubClient, full_name: str, oid: str) -> GitCommit:
    """Who made a commit, when, and of which tree.

    Raises:
        HostError: the commit is unknown, or GitHub does not answer.
    """
    address = f"{repository_path(full_name)}/git/commits/{oid}"
    return read_answer(client.get(address, remember=False).content, GitCommit, address)


def get_tree(client: GitHubClient, full_name: str, ref: str, *, recursive: bool) -> GitTree:
    """One directory, by its id or as the root of a branch, tag or commit. With all below it if `recursive`.

    Raises:
        HostError: the tree is unknown, the repository is empty, or GitHub does not answer.
    """
    address = f"{repository_path(full_name)}/git/trees/{quote(ref, safe='')}"
    parameters = {"recursive": "1"} if recursive else None
    is_fixed = _OID.fullmatch(ref) is not None  # stays the same for ever, so nobody asks a second time
    return read_answer(client.get(address, parameters, remember=not is_fixed).content, GitTree, address)


def get_blob(client: GitHubClient, full_name: str, oid: str, *, limit_bytes: int = LARGEST_FILE) -> bytes:
    """The bytes of a file by its id, checked against it.

    Raises:
        DamagedAnswerError: other bytes came.
        HostError: the file is unknown or too large, or GitHub does not answer.
    """
    address = f"{repository_path(full_name)}/git/blobs/{oid}"
    return checked_blob(client.get_bytes(address, accept=RAW, limit_bytes=limit_bytes), oid, address)


def checked_blob(content: bytes, oid: str, address: str) -> bytes:
    """The same bytes, if they have this id.

    Raises:
        DamagedAnswerError: they do not. The text names the `address`.
    """
    if object_id("blob", content) != oid:
        raise DamagedAnswerError(f"{address} answered with other content than that of {oid}. It is asked again")
    return content


_Model = TypeVar("_Model", bound=BaseModel)


def read_answer(content: object, model: type[_Model], address: str) -> _Model:
    """A JSON answer as a record.

    Raises:
        DamagedAnswerError: a field is missing or wrong. The text names the fields, never their content.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        fields = sorted({str(problem["loc"][0]) if problem["loc"] else "all" for problem in error.errors()})
        reason = f"{address} answered without what it should hold (wrong: {', '.join(fields)})"
        raise DamagedAnswerError(f"{reason}. Check github.api_url if it stays") from None


def repository_path(full_name: str) -> str:
    """Where the API keeps a repository, below its URL."""
    return f"/repos/{quote(full_name, safe='/')}"
