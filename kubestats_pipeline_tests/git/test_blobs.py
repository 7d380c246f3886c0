"""Blobs come right in whatever order they are expected and read."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.git.blobs import AHEAD, SET_ASIDE, BlobReader
from kubestats_pipeline.git.command import GitError
from kubestats_pipeline_tests.builders import GitRepository

COUNT = AHEAD + SET_ASIDE + 50
LARGE = b"#" * 1024 * 1024


@pytest.fixture(scope="module")
def blobs(tmp_path_factory) -> tuple[Path, list[str]]:
    """A repository, and the ids of its blobs: number N says N, and the last one is too large."""
    path = tmp_path_factory.mktemp("blobs") / "repository.git"
    repository = GitRepository(path)
    repository.commit({f"{n:04}.yaml": f"{n}\n" for n in range(COUNT)} | {"large.yaml": LARGE})
    lines = repository.git("ls-tree", "-r", "HEAD").splitlines()
    return path, [line.split()[2] for line in lines]


numbers = st.lists(st.integers(0, COUNT), max_size=60)


@given(expected=numbers, read=numbers)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_expected_what_is_read_is_right(blobs, expected, read):
    path, oids = blobs
    with BlobReader(path) as reader:
        reader.expect(oids[number] for number in expected)
        for number in read:
            said = reader.read(oids[number])
            assert said == (None if number == COUNT else f"{number}\n".encode())


def test_more_is_expected_than_is_kept_and_all_is_read_in_the_end(blobs):
    path, oids = blobs
    with BlobReader(path) as reader:
        reader.expect(oids)
        assert reader.read(oids[COUNT]) is None
        assert [reader.read(oid) for oid in oids[:COUNT]] == [f"{number}\n".encode() for number in range(COUNT)]


def test_what_is_no_blob_is_an_error(blobs):
    path, _ = blobs
    head = GitRepository(path).head
    with BlobReader(path) as reader, pytest.raises(GitError, match="not a readable blob"):
        reader.read(head)
