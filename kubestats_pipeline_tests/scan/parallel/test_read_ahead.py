"""Helpers that read ahead of a replay change its time and nothing else, even where they die."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import read_tree
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.files import FileVersion
from kubestats_pipeline.scan.manifests.manifests import FileContent
from kubestats_pipeline.scan.outcomes import Scanned
from kubestats_pipeline.scan.parallel import read_ahead as module
from kubestats_pipeline.scan.parallel.read_ahead import ReadAhead, read_batch
from kubestats_pipeline.scan.scan import scan_repository
from kubestats_pipeline_tests.scan.store.test_crash import digests
from kubestats_pipeline_tests.scan.world import World, config, documents

FILES = 120


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for number in range(4):
        text = {f"{each}.yaml": documents(config(f"c{each}", f"{number}-{each}"), "a: [") for each in range(FILES // 4)}
        world.git.commit({f"{number}/{path}": content for path, content in text.items()})
    return world


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Helpers begin at once, with small batches."""
    monkeypatch.setattr(module, "BLOBS_BEFORE_HELPERS", 10)
    monkeypatch.setattr(module, "BLOBS_AT_ONCE", 5)


def files_of(world: World) -> list[FileVersion]:
    return [FileVersion(path, oid) for path, oid in read_tree(world.mirror, "head").items()]


@pytest.fixture
def blobs(world: World) -> Iterator[BlobReader]:
    with BlobReader(world.mirror) as reader:
        yield reader


def take_all(ahead: ReadAhead, files: list[FileVersion], world: World) -> tuple[list[FileContent], int]:
    """What each blob says, read by a helper or here, and how many helpers have read."""
    taken = [ahead.take(file.key) for file in files]
    own = [each or read_batch([file], world.mirror, Bounds())[0] for each, file in zip(taken, files, strict=True)]
    return own, sum(each is not None for each in taken)


def test_helpers_say_what_the_replay_would_have_read(world: World, blobs: BlobReader) -> None:
    files = files_of(world)
    expected = read_batch(files, world.mirror, Bounds())
    with ReadAhead(world.mirror, Bounds(), 2, blobs) as ahead:
        for start in range(0, len(files), 3):
            ahead.expect(files[start : start + 3])
        deadline = time.monotonic() + 60
        while not any(batch.is_done for batch in ahead._batches.values()) and time.monotonic() < deadline:
            time.sleep(0.01)
        contents, helped = take_all(ahead, files, world)
    assert contents == expected
    assert helped > 0


def test_helpers_wait_where_what_they_have_read_takes_much_memory(
    world: World, blobs: BlobReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two thousand versions of a long document were 500 MB."""
    monkeypatch.setattr(module, "BYTES_AHEAD", 1)
    files = files_of(world)
    with ReadAhead(world.mirror, Bounds(), 1, blobs) as ahead:
        ahead.expect(files)
        deadline = time.monotonic() + 60
        while not any(batch.is_done for batch in ahead._batches.values()) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        assert len({id(batch) for batch in ahead._batches.values() if batch.is_begun}) == 1
        contents, helped = take_all(ahead, files, world)
        assert ahead._bytes <= module.BLOBS_AT_ONCE * max(content.memory for content in contents)
    assert contents == read_batch(files, world.mirror, Bounds())
    assert helped >= module.BLOBS_AT_ONCE


def test_a_blob_is_given_once_and_what_nobody_expected_not_at_all(world: World, blobs: BlobReader) -> None:
    files = files_of(world)
    with ReadAhead(world.mirror, Bounds(), 1, blobs) as ahead:
        assert ahead.take(files[0].key) is None
        ahead.expect(files)
        take_all(ahead, files, world)
        ahead.expect(files)
        assert [ahead.take(file.key) for file in files] == [None] * len(files)


def test_helpers_that_die_cost_nothing_but_time(world: World, blobs: BlobReader) -> None:
    files = files_of(world)
    with ReadAhead(world.mirror, Bounds(), 1, blobs) as ahead:
        ahead.expect(files)
        deadline = time.monotonic() + 60
        while (process := ahead._crew[0]._process) is None and time.monotonic() < deadline:
            time.sleep(0.001)
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        contents, _ = take_all(ahead, files, world)
    assert contents == read_batch(files, world.mirror, Bounds())


@pytest.mark.parametrize("helpers", [1, 2])
def test_a_scan_with_helpers_writes_the_same_bytes(world: World, tmp_path: Path, helpers: int) -> None:
    alone = World(tmp_path / "alone", mirror=world.mirror)
    for each, count in ((alone, 0), (world, helpers)):
        assert isinstance(scan_repository(each.job(world.git.head, helpers=count)), Scanned)
    assert digests(world.lake) == digests(alone.lake)
