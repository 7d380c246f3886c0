"""A new site takes the folder of the one before the last, and the last one stays as it was."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubestats_pipeline.report.parts.site_folder import SiteFolder
from kubestats_pipeline_tests.report.site_reader import files_of

CONSTANT = {f"pages/{number}/index.html": b"always" for number in range(9)} | {"index.html": b"start"}
FILES = st.dictionaries(st.sampled_from(["a", "b/c", "b/d", "e/f/g"]), st.sampled_from([b"1", b"2"]), max_size=4)
OTHERS = st.dictionaries(st.sampled_from(["a/h", "b", "e/f", "e/i"]), st.sampled_from([b"1", b"2"]), max_size=4)
"""Files that stand where others have folders."""


def publish(place: SiteFolder, files: Mapping[str, bytes]) -> int:
    """Publish a site, and give how many files were written."""
    site = place.begin(place.read_state())
    for address, content in files.items():
        site.write(address, content)
    site.publish({})
    return site.written


def inodes_of(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_ino for path in folder.rglob("*")}


@given(st.lists(FILES | OTHERS, min_size=3, max_size=7))
@settings(max_examples=60, deadline=None)
def test_whatever_comes_and_goes_each_site_has_its_own_files(
    tmp_path_factory: pytest.TempPathFactory, sites: list[dict[str, bytes]]
):
    place = SiteFolder(tmp_path_factory.mktemp("sites") / "report")
    last, before = None, {}
    for files in sites:
        publish(place, CONSTANT | files)
        assert files_of(place.target) == CONSTANT | files
        assert {path for path in place.target.rglob("*") if path.is_dir() and not any(path.iterdir())} == set()
        if last is not None:
            assert files_of(last) == before
        last, before = place.target.resolve(), CONSTANT | files


def test_the_folders_of_the_site_before_the_last_are_taken_again(tmp_path: Path):
    place = SiteFolder(tmp_path / "report")
    publish(place, CONSTANT | {"a": b"1"})
    folders = inodes_of(place.target.resolve())
    assert publish(place, CONSTANT | {"a": b"2"}) == 1
    assert inodes_of(place.target.resolve())["pages/0"] != folders["pages/0"]
    assert publish(place, CONSTANT | {"a": b"3"}) == 1
    again = inodes_of(place.target.resolve())
    assert {address for address in again if again[address] != folders[address]} <= {"a"}


def test_where_files_cannot_be_linked_they_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(source: str, target: str) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", source)

    monkeypatch.setattr(os, "link", refuse)
    place = SiteFolder(tmp_path / "report")
    publish(place, CONSTANT | {"a": b"1"})
    for content in (b"2", b"3"):
        before = place.target.resolve()
        assert publish(place, CONSTANT | {"a": content}) == 1
        assert files_of(place.target) == CONSTANT | {"a": content}
        assert files_of(before)["a"] != content


def test_a_file_that_somebody_removed_from_the_taken_folder_is_there_again(tmp_path: Path):
    place = SiteFolder(tmp_path / "report")
    publish(place, CONSTANT | {"a": b"1"})
    oldest = place.target.resolve()
    publish(place, CONSTANT | {"a": b"2"})
    (oldest / "pages/0/index.html").unlink()
    publish(place, CONSTANT | {"a": b"3"})
    assert files_of(place.target) == CONSTANT | {"a": b"3"}
