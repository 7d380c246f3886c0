"""Content of a repository on GitHub, read without git: listings of directories, and files with their text.

`github/objects.py` asks for the single objects. Here truncated listings are walked, paths looked up, files decoded.
"""

import base64
import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import BaseModel

from kubestats_pipeline.hosts.errors import ForbiddenError, NotFoundError, PermanentError, TooLargeError
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.objects import (
    LARGEST_FILE,
    MEGABYTE,
    DamagedAnswerError,
    GitTree,
    Oid,
    checked_blob,
    get_blob,
    get_tree,
    read_answer,
    repository_path,
)

MOST_TREES = 1_000
"""Folders after which the walk through a truncated listing is given up. Each may list 100,000 files."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY_PREFIX = 8_000
"""Git takes a file with a NUL among so many first bytes for binary."""


class NotAFileError(PermanentError):
    """The path is a directory, a symbolic link or a submodule."""


class NoDirectoryError(PermanentError):
    """The path is a file, a symbolic link or a submodule."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of a tree. Symbolic links and submodules are listed and never followed.

    Attributes:
        mode: git's, octal digits.
        type: blob, tree, or commit for a submodule.
        size: bytes of a blob. None for the others.
    """

    path: str
    mode: str
    type: str
    oid: str
    size: int | None


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """One file.

    Attributes:
        text: its text without a byte-order mark. None where it is binary.
        encoding: in which `text` was written. None where it is binary.
    """

    path: str
    oid: str
    content: bytes
    text: str | None
    encoding: str | None


class _Content(BaseModel):
    type: str
    sha: Oid
    encoding: str | None = None
    content: str = ""


def get_repository_contents(
    client: GitHubClient, full_name: str, *, ref: str = "HEAD", path: str = "", recursive: bool = True
) -> tuple[TreeEntry, ...]:
    """The content of a directory, of the root where `path` is empty. `recursive` adds all below it.

    `ref` is a branch, tag, commit or tree. One call, and one more for each folder above `path`. A listing that GitHub
    truncates is walked folder by folder.

    Raises:
        NoDirectoryError: `path` is a file, a symbolic link or a submodule.
        TooLargeError: there is more than a bounded walk can list.
        HostError: path or repository is unknown or empty, or GitHub does not answer.
    """
    names = _split(path)
    oid = _find_tree(client, full_name, ref, names)
    prefix = "".join(f"{name}/" for name in names)
    if recursive:
        return tuple(_walk(client, full_name, oid, prefix))
    return tuple(_entries(_get_whole_tree(client, full_name, oid), prefix))


def get_file_content(
    client: GitHubClient, full_name: str, path: str, *, ref: str = "HEAD", declared: str | None = None
) -> FetchedFile:
    """One file of up to 100 MB, checked against its id.

    Its encoding follows from a byte-order mark, else it is UTF-8, else the one that is `declared`, else latin-1.
    GitHub answers for a symbolic link to a file of the same repository with that file. `oid` is then the file's.

    Raises:
        NotAFileError: a directory, a submodule, or a symbolic link to anything else.
        TooLargeError: more than 100 MB.
        DamagedAnswerError: the content does not have its id.
        HostError: path or repository is unknown or empty, or GitHub does not answer.
        LookupError: Python knows no encoding of the `declared` name.
    """
    address = "/".join([repository_path(full_name), "contents", *(quote(name, safe="") for name in _split(path))])
    try:
        answer = client.get(address, {"ref": ref}).content
    except ForbiddenError:
        _refuse_large(client, full_name, path, ref)
        raise
    if isinstance(answer, list):
        raise NotAFileError(f"{address} is a directory. List it instead")
    found = read_answer(answer, _Content, address)
    if found.type != "file":
        raise NotAFileError(f"{address} is a {found.type}, which is not followed. Ask for a file")
    content = _decode(found, address) if found.encoding == "base64" else get_blob(client, full_name, found.sha)
    return FetchedFile(path, found.sha, content, *decode_text(content, declared))


def decode_text(content: bytes, declared: str | None = None) -> tuple[str | None, str | None]:
    """A file's text and the encoding that it turned out to have. Neither where it is binary.

    Raises:
        LookupError: Python knows no encoding of the `declared` name.
    """
    for encoding in (encoding for mark, encoding in _BYTE_ORDER_MARKS if content.startswith(mark)):
        if (text := _try(content, encoding)) is not None:
            return text, encoding
    if b"\0" in content[:_BINARY_PREFIX]:
        return None, None
    for encoding in ("utf-8", *([declared] if declared else [])):
        if (text := _try(content, encoding)) is not None:
            return text, encoding
    return content.decode("latin-1"), "latin-1"


def _try(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _split(path: str) -> list[str]:
    """The names of a path. One that git cannot hold would lead to another address."""
    names = [name for name in path.split("/") if name]
    if {".", ".."} & {*names}:
        raise NotFoundError(f"no repository holds the path {path!r}. Give it from the root and without dots")
    return names


def _find_tree(client: GitHubClient, full_name: str, ref: str, names: Sequence[str]) -> str:
    """The id of a directory. The ref itself for the root, for which GitHub takes it as well."""
    oid = ref
    for number, name in enumerate(names, 1):
        children = {entry.path: entry for entry in _get_whole_tree(client, full_name, oid).tree}
        path = "/".join(names[:number])
        if name not in children:
            raise NotFoundError(f"{full_name} has no {path!r} at {ref}. Correct the path")
        if children[name].type != "tree":
            raise NoDirectoryError(f"{path!r} of {full_name} is not a directory. Ask for its content instead")
        oid = children[name].sha
    return oid


def _walk(client: GitHubClient, full_name: str, oid: str, prefix: str) -> Iterator[TreeEntry]:
    """All below a tree: each folder in one call, and where GitHub truncates it, first its children alone."""
    pending = [(oid, prefix)]
    for _ in range(MOST_TREES):
        if not pending:
            return
        oid, prefix = pending.pop()
        tree = get_tree(client, full_name, oid, recursive=True)
        if tree.truncated:
            tree = _get_whole_tree(client, full_name, oid)
            pending += [(entry.sha, f"{prefix}{entry.path}/") for entry in tree.tree if entry.type == "tree"]
        yield from _entries(tree, prefix)
    if pending:
        raise TooLargeError(f"{full_name} has more than {MOST_TREES} folders to list one by one. Fetch it with git")


def _get_whole_tree(client: GitHubClient, full_name: str, oid: str) -> GitTree:
    """One directory without what is below it."""
    tree = get_tree(client, full_name, oid, recursive=False)
    if tree.truncated:
        raise TooLargeError(f"{full_name} has a directory of more files than GitHub lists. Fetch it with git")
    return tree


def _entries(tree: GitTree, prefix: str) -> Iterator[TreeEntry]:
    for entry in tree.tree:
        yield TreeEntry(f"{prefix}{entry.path}", entry.mode, entry.type, entry.sha, entry.size)


def _refuse_large(client: GitHubClient, full_name: str, path: str, ref: str) -> None:
    """GitHub says 403 for a file that is too large too. Only its folder distinguishes the two."""
    *names, name = _split(path) or [""]
    wanted = "/".join([*names, name])
    for entry in get_repository_contents(client, full_name, ref=ref, path="/".join(names), recursive=False):
        if entry.path == wanted and (entry.size or 0) > LARGEST_FILE:
            size = f"{(entry.size or 0) / MEGABYTE:.0f} MB"
            raise TooLargeError(f"{wanted!r} of {full_name} has {size}. GitHub hands out 100, fetch it with git")


def _decode(found: _Content, address: str) -> bytes:
    try:
        content = base64.b64decode(found.content)
    except ValueError:  # not ASCII, or `binascii.Error`
        raise DamagedAnswerError(f"{address} answered with broken base64. It is asked again next time") from None
    return checked_blob(content, found.sha, address)
