"""Directories and files of a repository as GitHub tells of them, against a server that reads real git repositories."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubestats_pipeline.git.objects import object_id
from kubestats_pipeline.hosts.errors import (
    BlockedError,
    EmptyRepositoryError,
    ForbiddenError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from kubestats_pipeline.hosts.github import contents as github_contents
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.contents import (
    NoDirectoryError,
    NotAFileError,
    TreeEntry,
    decode_text,
    get_file_content,
    get_repository_contents,
)
from kubestats_pipeline.hosts.github.objects import DamagedAnswerError, get_blob, get_commit, get_head
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline_tests.builders import EXECUTABLE, FILE, SUBMODULE, SYMLINK, GitRepository
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.hosts.github_wire import BLOCKED, Reply

OPS = "owner/ops"
ODD = 'odd/sp ace#?&"%2e é+.yaml'


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        server.add(OPS, number=1)
        yield server


@pytest.fixture
def remote(github: GitHubServer, tmp_path: Path) -> GitRepository:
    github.git[1] = GitRepository(tmp_path / "ops.git")
    return github.git[1]


@pytest.fixture
def client(github: GitHubServer) -> Iterator[GitHubClient]:
    with GitHubClient(GitHubSettings(api_url=github.url, max_wait_seconds=0), sleep=lambda _: None) as client:
        yield client


def test_a_listing_has_everything_with_its_mode_and_follows_nothing(remote: GitRepository, client: GitHubClient):
    remote.commit({"apps/a.yaml": "kind: A", "apps/deep/b.yaml": "kind: B"})
    remote.symlink("link", "apps")
    remote.submodule("sub")
    remote.set_mode("apps/a.yaml", EXECUTABLE)
    told = {entry.path: (entry.mode, entry.type, entry.size) for entry in get_repository_contents(client, OPS)}
    assert told == {
        "apps": ("040000", "tree", None),
        "apps/a.yaml": (EXECUTABLE, "blob", 7),
        "apps/deep": ("040000", "tree", None),
        "apps/deep/b.yaml": (FILE, "blob", 7),
        "link": (SYMLINK, "blob", 4),
        "sub": (SUBMODULE, "commit", None),
    }


def test_a_folder_is_listed_alone_and_at_any_ref(remote: GitRepository, client: GitHubClient):
    first = remote.commit({"apps/a.yaml": "kind: A", "apps/deep/b.yaml": "kind: B", "c.yaml": "kind: C"})
    remote.branch("release/1.0")
    remote.commit({"apps/a.yaml": None})
    for ref in (first, "release/1.0"):
        paths = [entry.path for entry in get_repository_contents(client, OPS, ref=ref, path="/apps/")]
        assert paths == ["apps/a.yaml", "apps/deep", "apps/deep/b.yaml"]
    alone = get_repository_contents(client, OPS, path="apps", recursive=False)
    assert alone == (TreeEntry("apps/deep", "040000", "tree", remote.git("rev-parse", "HEAD:apps/deep"), None),)


@pytest.mark.parametrize(
    ("path", "error"), [("a.yaml", NoDirectoryError), ("b", NotFoundError), ("../x", NotFoundError)]
)
def test_what_is_no_directory_is_told(remote: GitRepository, client: GitHubClient, path: str, error: type[Exception]):
    remote.commit({"a.yaml": "kind: A"})
    with pytest.raises(error, match=path):
        get_repository_contents(client, OPS, path=path)


def test_a_truncated_listing_is_walked_folder_by_folder(
    remote: GitRepository, client: GitHubClient, github: GitHubServer
):
    remote.commit({f"{top}/{sub}/{name}": "x" for top in "ab" for sub in "cd" for name in "efg"})
    whole = get_repository_contents(client, OPS)
    assert len(whole) == 18
    for most in (4, 8):
        github.most_entries = most
        assert sorted(get_repository_contents(client, OPS), key=lambda entry: entry.path) == list(whole)


def test_the_walk_has_an_end(
    remote: GitRepository, client: GitHubClient, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
):
    remote.commit({f"{number}/{name}": "x" for number in range(5) for name in "ab"})
    github.most_entries = 5
    monkeypatch.setattr(github_contents, "MOST_TREES", 5)
    with pytest.raises(TooLargeError, match="Fetch it with git"):
        get_repository_contents(client, OPS)
    monkeypatch.setattr(github_contents, "MOST_TREES", 6)
    assert len(get_repository_contents(client, OPS)) == 15


@pytest.mark.parametrize("path", ["a.yaml", ODD, "deep/er/b.yaml"])
def test_a_file_comes_whatever_its_path_holds(remote: GitRepository, client: GitHubClient, path: str):
    remote.commit({path: "kind: A\n"})
    file = get_file_content(client, OPS, path)
    assert (file.path, file.text, file.encoding) == (path, "kind: A\n", "utf-8")
    assert file.oid == object_id("blob", file.content)


def test_a_file_is_read_at_a_ref(remote: GitRepository, client: GitHubClient):
    first = remote.commit({"a.yaml": "one"})
    remote.commit({"a.yaml": "two"})
    assert (get_file_content(client, OPS, "a.yaml", ref=first).text, get_file_content(client, OPS, "a.yaml").text) == (
        "one",
        "two",
    )


@pytest.mark.parametrize("size", [0, 999_999, 1_000_001, 5_000_000])
def test_a_file_of_any_size_arrives_whole(remote: GitRepository, client: GitHubClient, size: int):
    content = os.urandom(size)
    remote.commit({"file": content})
    assert get_file_content(client, OPS, "file").content == content


def test_a_file_beyond_what_github_hands_out_is_told_from_a_forbidden_one(
    remote: GitRepository, client: GitHubClient, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
):
    remote.commit({"deep/large": os.urandom(3_000), "small": b"x"})
    github.largest_file = 2_000
    monkeypatch.setattr(github_contents, "LARGEST_FILE", 2_000)
    with pytest.raises(TooLargeError, match="deep/large"):
        get_file_content(client, OPS, "deep/large")
    github.fail(f"/repos/{OPS}/contents/small", Reply(403, {"message": "Resource not accessible"}))
    with pytest.raises(ForbiddenError) as error:
        get_file_content(client, OPS, "small")
    assert not isinstance(error.value, TooLargeError)


def test_what_is_no_file_is_refused(remote: GitRepository, client: GitHubClient):
    remote.commit({"folder/a.yaml": "kind: A"})
    remote.symlink("to-folder", "folder")
    remote.symlink("to-nowhere", "../../etc/passwd")
    remote.submodule("sub")
    for path in ("folder", "", "to-folder", "to-nowhere", "sub"):
        with pytest.raises(NotAFileError):
            get_file_content(client, OPS, path)


def test_github_itself_follows_a_link_to_a_file_and_the_id_tells(remote: GitRepository, client: GitHubClient):
    remote.commit({"folder/a.yaml": "kind: A"})
    remote.symlink("folder/link", "a.yaml")
    assert get_file_content(client, OPS, "folder/link").oid == remote.git("rev-parse", "HEAD:folder/a.yaml")


@pytest.mark.parametrize("path", ["b.yaml", "../../other/repository/contents/a.yaml", "a/./b"])
def test_a_path_that_no_repository_holds_is_not_found(remote: GitRepository, client: GitHubClient, path: str):
    remote.commit({"a.yaml": "kind: A"})
    with pytest.raises(NotFoundError):
        get_file_content(client, OPS, path)


@pytest.mark.parametrize("size", [10, 1_500_000])
def test_other_content_than_announced_is_an_error(
    remote: GitRepository, client: GitHubClient, github: GitHubServer, size: int
):
    remote.commit({"a": b"a" * size})
    github.damaged.add(remote.git("rev-parse", "HEAD:a"))
    with pytest.raises(DamagedAnswerError, match="other content"):
        get_file_content(client, OPS, "a")


def test_an_answer_without_its_fields_is_an_error_that_names_them(
    remote: GitRepository, client: GitHubClient, github: GitHubServer
):
    remote.commit({"a": "x"})
    for answer in (
        {"type": "file", "sha": "secret"},
        7,
        {"type": "file", "sha": "1" * 40, "encoding": "base64", "content": "é"},
    ):
        github.fail(f"/repos/{OPS}/contents/a", Reply(200, answer))
        with pytest.raises(DamagedAnswerError) as error:
            get_file_content(client, OPS, "a")
        assert "secret" not in str(error.value)


def test_an_empty_repository_has_an_error_of_its_own(client: GitHubClient, remote: GitRepository):
    for ask in (
        lambda: get_head(client, OPS),
        lambda: get_repository_contents(client, OPS),
        lambda: get_file_content(client, OPS, "a"),
    ):
        with pytest.raises(EmptyRepositoryError):
            ask()


def test_a_repository_that_is_not_there_or_blocked_is_told(client: GitHubClient, github: GitHubServer):
    with pytest.raises(NotFoundError):
        get_repository_contents(client, "owner/other")
    github.refuse(1, BLOCKED)
    with pytest.raises(BlockedError):
        get_file_content(client, OPS, "a")


def test_head_commit_and_blob_are_gits_own(remote: GitRepository, client: GitHubClient, github: GitHubServer):
    head = remote.commit({"a.yaml": "kind: A"}, message="subject\n\nbody")
    commit = get_commit(client, OPS, head)
    assert get_head(client, OPS) == head
    assert (commit.tree.sha, commit.committer.date, commit.message) == (
        remote.git("rev-parse", "HEAD^{tree}"),
        remote.time,
        "subject\n\nbody",
    )
    oid = remote.git("rev-parse", "HEAD:a.yaml")
    assert get_blob(client, OPS, oid) == b"kind: A"
    with pytest.raises(TooLargeError):
        get_blob(client, OPS, oid, limit_bytes=3)
    github.fail(f"/repos/{OPS}/commits/HEAD", Reply(200, b"<html>"))
    with pytest.raises(UnavailableError, match="no commit id"):
        get_head(client, OPS)


TEXT = "name: café ☕\n"


@pytest.mark.parametrize(
    ("content", "declared", "expected"),
    [
        (TEXT.encode(), None, (TEXT, "utf-8")),
        (TEXT.encode("utf-8-sig"), None, (TEXT, "utf-8-sig")),
        (TEXT.encode("utf-16"), None, (TEXT, "utf-16")),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), None, (TEXT, "utf-16")),
        (TEXT.encode("utf-32"), None, (TEXT, "utf-32")),
        ("café".encode("latin-1"), None, ("café", "latin-1")),
        ("5 €".encode("cp1252"), "cp1252", ("5 €", "cp1252")),
        (TEXT.encode(), "cp1252", (TEXT, "utf-8")),
        ("дом".encode("koi8-r"), "ascii", ("дом".encode("koi8-r").decode("latin-1"), "latin-1")),
        (b"\x89PNG\r\n\0\0", None, (None, None)),
        (b"\xff\xfe\0\xd8", None, (None, None)),
        (b"", None, ("", "utf-8")),
    ],
)
def test_a_text_says_in_which_encoding_it_was(content: bytes, declared: str | None, expected: tuple[str, str]):
    assert decode_text(content, declared) == expected


def test_an_encoding_that_nobody_knows_is_an_error():
    with pytest.raises(LookupError):
        decode_text(b"\xff", "klingon")
