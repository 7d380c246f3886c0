"""The HEAD of a repository on this machine, read from its files, is the one that git names, or is left to git."""

import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from kubestats_pipeline.git import command as git
from kubestats_pipeline.sync.head_on_disk import head_on_disk
from kubestats_pipeline.sync.mirror import remote_head
from kubestats_pipeline_tests.builders import GitRepository


def run(folder: Path, *arguments: str) -> None:
    environment = {**git.environment(), "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.org"}
    command = ["git", "-C", str(folder), *arguments]
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=20)


@pytest.fixture
def remote(tmp_path: Path) -> GitRepository:
    remote = GitRepository(tmp_path / "ä b%41.git")
    remote.commit({"a.yaml": "kind: A"})
    return remote


def url_of(path: Path) -> str:
    return f"file://{quote(str(path))}"


def told_by_git(path: Path) -> object:
    return remote_head(url_of(path), git.environment(), 20)


def checkout_of(remote: GitRepository, tmp_path: Path) -> Path:
    run(tmp_path, "clone", "--quiet", str(remote.path), "checkout")
    return tmp_path / "checkout"


def test_a_branch_with_a_file_of_its_own(remote: GitRepository):
    assert head_on_disk(url_of(remote.path)) == told_by_git(remote.path) is not None


def test_a_packed_branch_and_a_newer_file_beside_it(remote: GitRepository):
    run(remote.path, "tag", "first")
    run(remote.path, "pack-refs", "--all")
    assert not [path for path in remote.path.glob("refs/heads/**/*") if path.is_file()]
    assert head_on_disk(url_of(remote.path)) == told_by_git(remote.path) is not None
    remote.commit({"a.yaml": "kind: B"})
    assert head_on_disk(url_of(remote.path)) == told_by_git(remote.path) is not None


def test_a_checkout_is_read_from_its_own_folder(remote: GitRepository, tmp_path: Path):
    checkout = checkout_of(remote, tmp_path)
    run(checkout, "switch", "--quiet", "--create", "feature/new")
    assert head_on_disk(url_of(checkout)) == told_by_git(checkout) is not None
    run(checkout, "checkout", "--quiet", "--detach")
    assert head_on_disk(url_of(checkout)) == told_by_git(checkout) is not None


def test_what_is_laid_out_otherwise_is_left_to_git(remote: GitRepository, tmp_path: Path):
    checkout = checkout_of(remote, tmp_path)
    run(checkout, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    assert head_on_disk(url_of(tmp_path / "tree")) is None
    run(remote.path, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    run(remote.path, "symbolic-ref", "HEAD", "refs/heads/alias")
    assert head_on_disk(url_of(remote.path)) is None


@pytest.mark.parametrize(
    "head", ["ref: refs/heads/../../objects/x", "ref: refs/heads/.invalid", "ref: refs/remotes/a/b", "", "\0"]
)
def test_a_strange_head_is_left_to_git(remote: GitRepository, head: str):
    (remote.path / "HEAD").write_text(head)
    assert head_on_disk(url_of(remote.path)) is None


def test_what_is_not_there_is_left_to_git(remote: GitRepository, tmp_path: Path):
    empty = GitRepository(tmp_path / "empty.git")
    for path in (empty.path, tmp_path / "absent", tmp_path, tmp_path / "file"):
        (tmp_path / "file").touch()
        assert head_on_disk(url_of(path)) is None
    (remote.path / "HEAD").unlink()
    (remote.path / "HEAD").symlink_to("refs/heads/main")
    assert head_on_disk(url_of(remote.path)) is None


def test_object_names_of_another_length_are_left_to_git(tmp_path: Path):
    run(tmp_path, "init", "--quiet", "--object-format=sha256", "other")
    run(tmp_path / "other", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "--allow-empty", "-mA")
    assert head_on_disk(url_of(tmp_path / "other")) is None
