"""A folder holds objects by name, and replaces each one as a whole."""

from pathlib import Path

import pytest

from kubestats_pipeline.storage import folder as module
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.storage.objects import StaleError
from kubestats_pipeline_tests.storage.races import Takes, put_new, put_unchanged, winners_of


@pytest.fixture
def storage(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "data")


def content(storage: FolderStore, name: str) -> bytes:
    with storage.read(name) as stream:
        return stream.read()


def test_a_storage_lists_the_names_that_begin_with_a_prefix(storage: FolderStore) -> None:
    for name in ("lake/a/part.parquet", "lake/ab/part.parquet", "lake/b", "decisions.yaml"):
        storage.put(name, b"")
    assert storage.list("") == ["decisions.yaml", "lake/a/part.parquet", "lake/ab/part.parquet", "lake/b"]
    assert storage.list("lake/a") == ["lake/a/part.parquet", "lake/ab/part.parquet"]
    assert storage.list("lake/a/") == storage.list("lake/a/part.parquet") == ["lake/a/part.parquet"]
    assert storage.list("nothing/") == storage.list("lake/b/") == []


def test_a_reader_goes_on_with_the_bytes_that_it_opened(storage: FolderStore) -> None:
    storage.put("lake/a", b"old bytes")
    with storage.read("lake/a") as stream:
        storage.put("lake/a", b"new")
        storage.delete("lake/a")
        assert stream.read() == b"old bytes"
    with pytest.raises(FileNotFoundError):
        storage.read("lake/a")


def test_a_put_that_fails_leaves_the_old_object_and_nothing_else(
    storage: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put("lake/a", b"old")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "flush", full)
    with pytest.raises(OSError, match="No space"):
        storage.put("lake/a", b"new")
    assert content(storage, "lake/a") == b"old"
    assert storage.list("") == ["lake/a"]


def test_a_move_replaces_and_a_deletion_takes_the_empty_folder_along(storage: FolderStore) -> None:
    storage.put("lake/a/one", b"1")
    storage.put("lake/a/two", b"2")
    storage.move("lake/a/one", "lake/a/two")
    assert content(storage, "lake/a/two") == b"1"
    storage.delete("lake/a/two")
    storage.delete("lake/a/two")
    assert storage.list("") == []
    assert not storage.local_path("lake/a").exists()


def test_an_object_is_new_once(storage: FolderStore) -> None:
    version = storage.put_new("leases/a", b"one")
    assert storage.fetch("leases/a") == (b"one", version)
    with pytest.raises(FileExistsError):
        storage.put_new("leases/a", b"two")
    assert (content(storage, "leases/a"), storage.list("")) == (b"one", ["leases/a"])


def test_a_stale_writer_changes_nothing(storage: FolderStore) -> None:
    first = storage.put_new("leases/a", b"one")
    second = storage.put_unchanged("leases/a", b"two", first)
    assert storage.version("leases/a") == second != first
    with pytest.raises(StaleError, match="written by another process"):
        storage.put_unchanged("leases/a", b"three", first)
    assert content(storage, "leases/a") == b"two"
    storage.delete("leases/a")
    assert storage.version("leases/a") is None
    with pytest.raises(StaleError, match="removed by another process"):
        storage.put_unchanged("leases/a", b"three", second)
    assert storage.list("") == []


@pytest.mark.parametrize("takes", [put_new, put_unchanged])
def test_of_several_processes_exactly_one_wins(storage: FolderStore, takes: Takes) -> None:
    assert winners_of(storage, takes, races=10) == [1] * 10
