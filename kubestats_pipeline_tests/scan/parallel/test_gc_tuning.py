"""Garbage collection is rare during a scan, and the thresholds are restored afterwards."""

import gc
from pathlib import Path

import pytest

from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.scan.parallel.gc_tuning import OBJECTS, loading, relaxed_gc
from kubestats_pipeline.scan.parallel.workers import Worker
from kubestats_pipeline.scan.scan import scan_repository
from kubestats_pipeline_tests.scan.world import World, config


def thresholds(_: object = None) -> tuple[int, int, int]:
    return gc.get_threshold()


def test_a_scan_raises_the_thresholds_and_restores_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_error_restores_the_thresholds_too() -> None:
    before = thresholds()
    with pytest.raises(ValueError, match="no"), relaxed_gc():
        raise ValueError("no")
    assert thresholds() == before


def test_a_worker_raises_the_thresholds() -> None:
    worker = Worker(thresholds)
    try:
        assert worker.call(None)[0] == OBJECTS
    finally:
        worker.close()


def test_modules_are_loaded_without_collections_and_stay_out_of_later_ones() -> None:
    gc.unfreeze()
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
