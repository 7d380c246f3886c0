"""A scan looks for garbage in cycles seldom, and leaves Python as it found it."""

import gc
from pathlib import Path

import pytest

from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.scan.parallel.gc_tuning import OBJECTS, seldom_collected
from kubestats_pipeline.scan.parallel.workers import Worker
from kubestats_pipeline.scan.scan import scan_repository
from kubestats_pipeline_tests.scan.world import World, config


def thresholds(_: object = None) -> tuple[int, int, int]:
    return gc.get_threshold()


def test_a_scan_collects_seldom_and_afterwards_all_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    before, read, seen = thresholds(), BlobReader.read, []

    def observed(self: BlobReader, oid: str) -> bytes | None:
        seen.append(thresholds())
        return read(self, oid)

    monkeypatch.setattr(BlobReader, "read", observed)
    world.git.commit({"a.yaml": config("a")})
    scan_repository(world.job())
    assert {first for first, *_ in seen} == {OBJECTS}
    assert thresholds() == before


def test_an_error_leaves_python_as_it_was_too() -> None:
    before = thresholds()
    with pytest.raises(ValueError, match="no"), seldom_collected():
        raise ValueError("no")
    assert thresholds() == before


def test_a_worker_collects_seldom() -> None:
    worker = Worker(thresholds)
    try:
        assert worker.call(None)[0] == OBJECTS
    finally:
        worker.close()
