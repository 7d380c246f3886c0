"""Objects as bytes are what git itself reads, and an id tells what a name was before JSON could not hold it."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubestats_pipeline.git.objects import Child, GitObject, UnlikeItsIdError, build_pack, build_tree, object_id
from kubestats_pipeline_tests.builders import GitRepository

BLOB = object_id("blob", b"kind: A\n")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    return GitRepository(tmp_path_factory.mktemp("objects") / "objects.git")


def make_tree(repository: GitRepository, *entries: tuple[str, bytes, str]) -> str:
    """A tree that git itself makes; nothing in it needs to be there."""
    kinds = {"040000": b"tree", "160000": b"commit"}
    lines = [
        b"%s %s %s\t%s\0" % (mode.encode(), kinds.get(mode, b"blob"), oid.encode(), name) for mode, name, oid in entries
    ]
    return repository.git("mktree", "-z", "--missing", stdin=b"".join(lines))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=5_000), min_size=1, max_size=20, unique=True))
def test_git_reads_any_blobs_from_a_pack(repository: GitRepository, contents: list[bytes]):
    blobs = [GitObject("blob", content) for content in contents]
    repository.git("index-pack", "--stdin", stdin=build_pack(blobs))
    command = ["git", f"--git-dir={repository.path}", "cat-file", "--batch"]
    question = "".join(f"{blob.oid}\n" for blob in blobs).encode()
    answer = subprocess.run(command, input=question, stdout=subprocess.PIPE, check=True).stdout
    assert answer == b"".join(
        b"%s blob %d\n%s\n" % (each.oid.encode(), len(each.content), each.content) for each in blobs
    )


def test_git_reads_a_large_blob_from_a_pack(repository: GitRepository):
    blob = GitObject("blob", bytes(range(256)) * 5_000)
    repository.git("index-pack", "--stdin", stdin=build_pack([blob]))
    assert repository.git("cat-file", "-s", blob.oid) == str(len(blob.content))


def test_a_tree_has_gits_order_and_modes(repository: GitRepository):
    """A directory sorts as if its name ended with a slash."""
    entries = [
        ("100644", b"a.b", BLOB),
        ("040000", b"a", "2" * 40),
        ("100755", b"a0", BLOB),
        ("160000", b"b", "3" * 40),
    ]
    oid = make_tree(repository, *entries)
    tree = build_tree(oid, [Child(mode, name.decode(), child) for mode, name, child in reversed(entries)])
    assert (tree.kind, tree.oid) == ("tree", oid)


def test_an_empty_directory_is_a_tree_too(repository: GitRepository):
    assert build_tree(make_tree(repository), []).content == b""


@pytest.mark.parametrize("name", [b"caf\xe9.yaml", b"\xff\xfe.yaml", "ü\ufffd.yaml".encode()], ids=repr)
def test_a_name_that_json_cannot_hold_is_found_from_the_id(repository: GitRepository, name: bytes):
    oid = make_tree(repository, ("100644", name, BLOB), ("100644", b"z", BLOB))
    told = [Child("100644", name.decode("utf-8", "replace"), BLOB), Child("100644", "z", BLOB)]
    tree = build_tree(oid, told)
    assert tree.oid == oid
    assert name in tree.content


def test_names_with_more_unknown_bytes_than_can_be_tried_are_refused(repository: GitRepository):
    oid = make_tree(repository, ("100644", b"\xe9\xe8\xe7.yaml", BLOB))
    with pytest.raises(UnlikeItsIdError, match=oid):
        build_tree(oid, [Child("100644", "\ufffd" * 3 + ".yaml", BLOB)])


def test_a_missing_or_changed_entry_is_seen(repository: GitRepository):
    oid = make_tree(repository, ("100644", b"a", BLOB), ("100644", b"b", BLOB))
    for children in ([Child("100644", "a", BLOB)], [Child("100644", "a", BLOB), Child("100755", "b", BLOB)]):
        with pytest.raises(UnlikeItsIdError, match=oid):
            build_tree(oid, children)


def test_ids_are_gits_own(repository: GitRepository, tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(b"kind: A\n")
    assert repository.git("hash-object", str(file)) == BLOB
