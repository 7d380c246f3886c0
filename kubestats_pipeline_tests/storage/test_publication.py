"""Readers get all of one publication, or are told to wait."""

from pathlib import Path

import pytest

from kubestats_pipeline.storage import fetched as module
from kubestats_pipeline.storage.bucket import LakeBucket, StoreError
from kubestats_pipeline.storage.fetched import fetch_publication
from kubestats_pipeline.storage.objects import StaleError
from kubestats_pipeline.storage.publication import MANIFEST, PUBLISHED, _before, publish


def site(folder: Path, **pages: str) -> dict[str, Path]:
    """Files of a publication by their names."""
    folder.mkdir(exist_ok=True)
    files = {}
    for name, text in pages.items():
        path = folder / name
        path.write_text(text)
        files["kubestats.duckdb" if name == "file" else f"report/{name}/index.html"] = path
    return files


def found(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_a_reader_has_the_file_and_its_pages_and_asks_for_what_is_new(bucket: str, tmp_path: Path) -> None:
    store, target = LakeBucket(bucket), tmp_path / "reader"
    with pytest.raises(StoreError, match="nothing is published"):
        fetch_publication(store, target)
    assert publish(store, site(tmp_path / "site", file="one", a="page a", b="page b")) == 3
    assert fetch_publication(store, target).transferred == 3
    assert publish(store, site(tmp_path / "site", file="two", a="page a", c="page c")) == 2
    assert fetch_publication(store, target).transferred == 2
    assert found(target) == {
        "kubestats.duckdb": "two",
        "report/a/index.html": "page a",
        "report/c/index.html": "page c",
    }
    assert [*store.list(PUBLISHED)] == sorted(PUBLISHED + name for name in (*found(target), MANIFEST))


def test_a_machine_that_did_not_publish_has_the_file_alone(bucket: str, tmp_path: Path) -> None:
    store, target = LakeBucket(bucket), tmp_path / "worker"
    publish(store, site(tmp_path / "site", file="one", a="page a"))
    site(target, b="a page of its own")
    assert fetch_publication(store, target, only="kubestats.duckdb").transferred == 1
    assert found(target) == {"b": "a page of its own", "kubestats.duckdb": "one"}


def test_a_reader_has_nothing_of_a_publication_that_was_killed(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, target = LakeBucket(bucket), tmp_path / "reader"
    publish(store, site(tmp_path / "site", file="one", a="page a"))
    fetch_publication(store, target)
    before = found(target)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    with monkeypatch.context() as patch:
        put = LakeBucket.put

        def killed(self: LakeBucket, key: str, data: object, version: str | None) -> str:
            if key.endswith(MANIFEST):
                raise KeyboardInterrupt
            return put(self, key, data, version)

        patch.setattr(LakeBucket, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(store, site(tmp_path / "site", file="two", a="page a of two"))
    (tmp_path / "other").mkdir()
    with pytest.raises(StoreError, match=r"is not complete\. The next one mends it"):
        fetch_publication(store, tmp_path / "other")
    assert found(tmp_path / "other").keys() <= {".fetched/kubestats.duckdb", ".fetched/report/a/index.html"}
    assert (fetch_publication(store, target).transferred, found(target)) == (0, before)
    assert publish(store, site(tmp_path / "site", file="three", a="page a of two")) == 2
    fetch_publication(store, target)
    assert found(target) == {"kubestats.duckdb": "three", "report/a/index.html": "page a of two"}


def test_what_a_late_publication_has_left_is_replaced_by_the_next(bucket: str, tmp_path: Path) -> None:
    """Its manifest was refused, but not each of its objects."""
    store, target = LakeBucket(bucket), tmp_path / "reader"
    files = site(tmp_path / "site", file="one", a="page a")
    publish(store, files)
    late = PUBLISHED + "report/a/index.html"
    store.put(late, b"page of another", store.version(late))
    store.put(PUBLISHED + "report/late/index.html", b"page of another", None)
    publish(store, files)
    fetch_publication(store, target)
    assert found(target) == {"kubestats.duckdb": "one", "report/a/index.html": "page a"}
    assert PUBLISHED + "report/late/index.html" not in store.list(PUBLISHED)


def test_a_damaged_manifest_is_told_to_readers_and_replaced_by_the_next(bucket: str, tmp_path: Path) -> None:
    store, files = LakeBucket(bucket), site(tmp_path / "site", file="one")
    publish(store, files)
    manifest = PUBLISHED + MANIFEST
    store.put(manifest, b"{", store.version(manifest))
    with pytest.raises(StoreError, match=r"is damaged\. The next publication replaces it"):
        fetch_publication(store, tmp_path / "reader")
    publish(store, files)
    fetch_publication(store, tmp_path / "reader")
    assert found(tmp_path / "reader") == {"kubestats.duckdb": "one"}


def test_of_two_publishers_the_second_is_told(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LakeBucket(bucket)
    files = site(tmp_path / "site", file="one")
    publish(store, files)
    before = _before(store)
    publish(store, site(tmp_path / "site", file="two"))
    monkeypatch.setattr("kubestats_pipeline.storage.publication._before", lambda _: before)
    with pytest.raises(StaleError):
        publish(store, site(tmp_path / "site", file="three"))
