"""The files that builds have read last are read once, within bounds."""

import pytest

from kubestats_pipeline.scan.build import sources
from kubestats_pipeline.scan.build.sources import RecentTexts


def test_a_file_is_read_once_while_it_is_among_the_last_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "KEPT_BYTES", 10)
    blobs, read = {"a": b"12345", "b": b"1234", "c": b"1234", "large": b"1" * 11, "gone": None}, list[str]()
    texts = RecentTexts(lambda oid: read.append(oid) or blobs[oid])
    assert [texts.read(oid) for oid in ("a", "b", "a", "c", "b", "large", "gone", "gone")] == [
        blobs[oid] for oid in ("a", "b", "a", "c", "b", "large", "gone", "gone")
    ]
    assert read == ["a", "b", "c", "b", "large", "gone"]


def test_files_that_are_empty_or_missing_are_bounded_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "KEPT_TEXTS", 2)
    read = list[str]()
    texts = RecentTexts(lambda oid: read.append(oid))
    assert [texts.read(oid) for oid in "abca"] == [None] * 4
    assert read == ["a", "b", "c", "a"]
