"""A storage holds objects by name, and replaces each one as a whole."""

from pathlib import Path

import pytest

from kubestats_pipeline.lake import storage as module
from kubestats_pipeline.lake.storage import FolderStorage


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "data")


def content(storage: FolderStorage, name: str) -> bytes:
    with storage.read(name) as stream:
        return stream.read()


def test_a_storage_lists_the_names_that_begin_with_a_prefix(storage: FolderStorage) -> None:
    for name in ("lake/a/part.parquet", "lake/ab/part.parquet", "lake/b", "decisions.yaml"):
        storage.put(name, b"")
    assert storage.list("") == ["decisions.yaml", "lake/a/part.parquet", "lake/ab/part.parquet", "lake/b"]
    assert storage.list("lake/a") == ["lake/a/part.parquet", "lake/ab/part.parquet"]
    assert storage.list("lake/a/") == storage.list("lake/a/part.parquet") == ["lake/a/part.parquet"]
    assert storage.list("nothing/") == storage.list("lake/b/") == []


def test_a_reader_goes_on_with_the_bytes_that_it_opened(storage: FolderStorage) -> None:
    storage.put("lake/a", b"old bytes")
    with storage.read("lake/a") as stream:
        storage.put("lake/a", b"new")
        storage.delete("lake/a")
        assert stream.read() == b"old bytes"
    with pytest.raises(FileNotFoundError):
        storage.read("lake/a")


def test_a_put_that_fails_leaves_the_old_object_and_nothing_else(
    storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put("lake/a", b"old")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "flush", full)
    with pytest.raises(OSError, match="No space"):
        storage.put("lake/a", b"new")
    assert content(storage, "lake/a") == b"old"
    assert storage.list("") == ["lake/a"]


def test_a_move_replaces_and_a_deletion_takes_the_empty_folder_along(storage: FolderStorage) -> None:
    storage.put("lake/a/one", b"1")
    storage.put("lake/a/two", b"2")
    storage.move("lake/a/one", "lake/a/two")
    assert content(storage, "lake/a/two") == b"1"
    storage.delete("lake/a/two")
    storage.delete("lake/a/two")
    assert storage.list("") == []
    assert not storage.local_path("lake/a").exists()
