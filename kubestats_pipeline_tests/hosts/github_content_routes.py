"""What the little GitHub answers about commits, trees, blobs and contents, read from real git repositories.

A repository has content once a git repository is put into `GitHubServer.git` under its number; until then it is
empty, which GitHub answers with 409. As on GitHub names that are not UTF-8 come with replacement characters.
"""

import base64
import datetime
import subprocess
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from kubestats_pipeline_tests.builders import SYMLINK, GitRepository
from kubestats_pipeline_tests.hosts.github_wire import EMPTY, NOT_FOUND, Answering, Reply, Request, invalid, route

if TYPE_CHECKING:
    from kubestats_pipeline_tests.hosts.github_server import GitHubServer

MEGABYTE = 1_000_000
JSON = ("", "*/*", "application/vnd.github+json")
RAW = ("application/vnd.github.raw", "application/vnd.github.raw+json")
SHA = ("application/vnd.github.sha",)
UNSUPPORTED = Reply(415, {"message": "Unsupported 'Accept' header."})
TOO_LARGE = Reply(403, {"message": "This API returns blobs up to 100 MB in size.", "errors": [{"code": "too_large"}]})


class Entry(NamedTuple):
    """One line of `git ls-tree -l`."""

    mode: str
    type: str
    oid: str
    size: int | None
    path: str


def content_route(pattern: str) -> Any:
    """Register a function `(github, request, repository, *groups)` below a repository's name and below its id."""

    def register(answer: Answering) -> Answering:
        def by_id(github: "GitHubServer", request: Request, number: str, *groups: str) -> Reply:
            if int(number) not in github.repositories:
                return NOT_FOUND
            if int(number) in github.refusals:
                return github.refusals[int(number)]
            repository = github.git.get(int(number))
            if repository is None or not run(repository, "for-each-ref"):
                return EMPTY
            return answer(github, request, repository, *map(unquote, groups))

        def by_name(github: "GitHubServer", request: Request, full_name: str, *groups: str) -> Reply:
            found = github.find(full_name)
            if found:
                return by_id(github, request, str(found["id"]), *groups)
            number = github.old_names.get(full_name.lower())
            moved = f"{github.url}/repositories/{number}{request.path.removeprefix(f'/repos/{full_name}')}"
            return Reply(301, {"message": "Moved Permanently"}, {"Location": moved}) if number else NOT_FOUND

        route("GET", rf"/repos/([^/]+/[^/]+)/{pattern}")(by_name)
        route("GET", rf"/repositories/(\d+)/{pattern}")(by_id)
        return answer

    return register


@content_route(r"commits/([^/]+)")
def tip(github: "GitHubServer", request: Request, repository: GitRepository, ref: str) -> Reply:
    if request.headers.get("accept") not in SHA:
        return UNSUPPORTED  # the long form is never needed
    commit = find(repository, f"{ref}^{{commit}}")
    if commit is None:
        return invalid(f"No commit found for SHA: {ref}")
    return Reply(200, commit.encode(), {"Content-Type": "application/vnd.github.sha; charset=utf-8"})


@content_route(r"git/commits/([0-9a-f]{40})")
def commit(github: "GitHubServer", request: Request, repository: GitRepository, oid: str) -> Reply:
    form = "%T%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%P%x00%B"
    if find(repository, f"{oid}^{{commit}}") is None:
        return NOT_FOUND
    fields = run(repository, "log", "-1", "--encoding=UTF-8", f"--format={form}", oid).decode("utf-8", "replace")
    tree, name, address, at, committer, committer_address, committed_at, parents, message = fields.split("\0")
    body = {
        "sha": oid,
        "tree": {"sha": tree},
        "author": {"name": name, "email": address, "date": utc(at)},
        "committer": {"name": committer, "email": committer_address, "date": utc(committed_at)},
        "parents": [{"sha": parent} for parent in parents.split()],
        "message": message.rstrip("\n"),
    }
    return Reply(200, body)


@content_route(r"git/trees/([^/]+)")
def tree(github: "GitHubServer", request: Request, repository: GitRepository, ref: str) -> Reply:
    oid = find(repository, f"{ref}^{{tree}}")
    if oid is None:
        return NOT_FOUND
    options = ["-r", "-t"] if "recursive" in request.query else []
    every = entries(repository, oid, *options)
    listed = every[: github.most_entries]
    told = [{"path": one.path, "mode": one.mode, "type": one.type, "sha": one.oid} | size_of(one) for one in listed]
    return Reply(200, {"sha": oid, "tree": told, "truncated": len(listed) < len(every)})


@content_route(r"git/blobs/([0-9a-f]{40})")
def blob(github: "GitHubServer", request: Request, repository: GitRepository, oid: str) -> Reply:
    if find(repository, f"{oid}^{{blob}}") is None:
        return NOT_FOUND
    content = read(github, repository, oid)
    if len(content) > github.largest_file:
        return TOO_LARGE
    if request.headers.get("accept") in RAW:
        return Reply(200, content, {"Content-Type": "application/vnd.github.raw+json"})
    return Reply(200, {"sha": oid, "size": len(content), "encoding": "base64", "content": base64_lines(content)})


@content_route(r"contents/?(.*)")
def contents(github: "GitHubServer", request: Request, repository: GitRepository, path: str) -> Reply:
    if request.headers.get("accept") not in JSON:
        return UNSUPPORTED
    root = find(repository, f"{request.query.get('ref', 'HEAD')}^{{tree}}")
    if root is None:
        return NOT_FOUND
    known = {entry.path: entry for entry in entries(repository, root, "-r", "-t")}
    entry = known.get(path)
    if path == "" or (entry and entry.type == "tree"):
        inside = [one for one in known.values() if str(PurePosixPath(one.path).parent) == (path or ".")]
        return Reply(200, [{"type": "dir" if one.type == "tree" else "file", "path": one.path} for one in inside])
    return described(github, repository, entry, known) if entry else NOT_FOUND


def described(github: "GitHubServer", repository: GitRepository, entry: Entry, known: dict[str, Entry]) -> Reply:
    """One file; a symbolic link to a file of the repository is answered with that file (REST documentation)."""
    facts = {"path": entry.path, "name": PurePosixPath(entry.path).name, "sha": entry.oid, "size": entry.size or 0}
    if entry.type == "commit":
        return Reply(200, {"type": "submodule", **facts})
    if entry.mode == SYMLINK:
        target = read(github, repository, entry.oid).decode()
        aim = known.get(str(PurePosixPath(entry.path).parent / target))
        if aim is None or aim.type != "blob" or aim.mode == SYMLINK:
            return Reply(200, {"type": "symlink", "target": target, **facts})
        entry, facts = aim, facts | {"sha": aim.oid, "size": aim.size}
    content = read(github, repository, entry.oid)
    if len(content) > github.largest_file:
        return TOO_LARGE
    if len(content) > MEGABYTE:
        return Reply(200, {"type": "file", "encoding": "none", "content": "", **facts})
    return Reply(200, {"type": "file", "encoding": "base64", "content": base64_lines(content), **facts})


def read(github: "GitHubServer", repository: GitRepository, oid: str) -> bytes:
    content = run(repository, "cat-file", "blob", oid)
    return content + b" " if oid in github.damaged else content


def entries(repository: GitRepository, oid: str, *options: str) -> list[Entry]:
    found = []
    for line in run(repository, "ls-tree", "-l", "-z", *options, oid).split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, kind, child, size = head.decode().split()
        found.append(Entry(mode, kind, child, None if size == "-" else int(size), path.decode("utf-8", "replace")))
    return found


def size_of(entry: Entry) -> dict[str, int]:
    return {} if entry.size is None else {"size": entry.size}


def find(repository: GitRepository, revision: str) -> str | None:
    """An object's id; None where there is none."""
    found = subprocess.run(
        ["git", f"--git-dir={repository.path}", "rev-parse", "--quiet", "--verify", "--end-of-options", revision],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return found.stdout.decode().strip() if found.returncode == 0 else None


def run(repository: GitRepository, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", f"--git-dir={repository.path}", *arguments], stdout=subprocess.PIPE, check=True
    ).stdout


def utc(seconds: str) -> str:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def base64_lines(content: bytes) -> str:
    """As GitHub wraps it."""
    return base64.encodebytes(content).decode()
