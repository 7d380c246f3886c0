"""A build writes what changed, swaps the whole, and leaves the last site where it fails or dies."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.report import render
from kubestats_pipeline.report.build import build_site
from kubestats_pipeline.report.parts.published import ReportError
from kubestats_pipeline.warehouse.build import build_warehouse, schema_version
from kubestats_pipeline_tests.report.site_reader import files_of
from kubestats_pipeline_tests.warehouse.small_lake import BOB, day, write_small_lake, write_story

SCHEMA = schema_version()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """The small lake, published."""
    lake = write_small_lake(tmp_path)
    build_warehouse(lake)
    return lake


def build(lake: Lake) -> int:
    """Make the site of a lake. Gives how many files were written."""
    return build_site(lake.layout.warehouse, lake.layout.report, SCHEMA).written


def change_bob(lake: Lake) -> None:
    """One more event in bob/homelab, and a new publication."""
    steps, changes = BOB["dns"]
    write_story(lake, 2, "bob/cluster", {**BOB, "dns": ([*steps, ("MODIFIED", day(3, 9), "1.12")], changes)})
    build_warehouse(lake)


def inodes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_a_second_build_of_the_same_publication_writes_nothing_and_moves_nothing(lake: Lake):
    assert build(lake) > 50
    place = lake.layout.report.readlink()
    assert build(lake) == 0
    assert lake.layout.report.readlink() == place


@pytest.mark.parametrize("lost", ["repositories/bob/homelab/index.json", "search/words.txt"])
def test_files_that_somebody_removed_are_there_after_the_next_publication(lake: Lake, lost: str):
    build(lake)
    (lake.layout.report / lost).unlink()
    build_warehouse(lake)
    build(lake)
    whole = lake.layout.report.with_name("whole")
    build_site(lake.layout.warehouse, whole, SCHEMA)
    assert files_of(lake.layout.report) == files_of(whole)


def test_a_new_publication_of_the_same_rows_writes_only_the_page_that_says_when(lake: Lake):
    build(lake)
    before = files_of(lake.layout.report)
    build_warehouse(lake)
    build(lake)
    after = files_of(lake.layout.report)
    assert {address for address in after if before[address] != after[address]} == {"freshness.html", "freshness.json"}


def test_a_change_of_one_repository_rewrites_only_pages_that_show_it(lake: Lake):
    build(lake)
    before, kept = files_of(lake.layout.report), inodes(lake.layout.report)
    change_bob(lake)
    written = build(lake)
    after = files_of(lake.layout.report)
    changed = {address for address in after if before.get(address) != after[address]}
    assert len(changed) == written
    assert "repositories/bob/homelab/index.html" in changed
    assert not [address for address in changed if address.startswith(("repositories/alice", "repositories/carol"))]
    assert {address for address, inode in inodes(lake.layout.report).items() if kept.get(address) != inode} == changed


def test_a_build_after_a_change_equals_one_from_nothing(lake: Lake, tmp_path: Path):
    build(lake)
    change_bob(lake)
    build(lake)
    build_site(lake.layout.warehouse, tmp_path / "anew", SCHEMA)
    assert files_of(lake.layout.report) == files_of(tmp_path / "anew")


def test_pages_of_what_is_gone_go_and_nothing_leads_to_them(lake: Lake, tmp_path: Path):
    build(lake)
    assert (lake.layout.report / "apps/plex/index.html").is_file()
    for table in (RESOURCES, RESOURCE_EVENTS):
        lake.write(table, "alice/home", lake.read(table, "alice/home").rows.filter(pl.col("resource_id") != "1-plex"))
    without = {name: story for name, story in BOB.items() if name != "plex"}
    write_story(lake, 2, "bob/cluster", without)
    shutil.rmtree(lake.layout.table("helm_values"))
    build_warehouse(lake)
    build(lake)
    assert not (lake.layout.report / "apps/plex/index.html").exists()
    build_site(lake.layout.warehouse, tmp_path / "anew", SCHEMA)
    assert files_of(lake.layout.report) == files_of(tmp_path / "anew")


def test_without_a_published_file_there_is_one_line(tmp_path: Path):
    with pytest.raises(ReportError, match=r"no published file at .*\. Run `kubestats demo`"):
        build_site(tmp_path / "kubestats.duckdb", tmp_path / "report", SCHEMA)


def test_a_file_of_another_schema_or_of_somebody_else_is_refused_and_the_last_site_stays(lake: Lake):
    build(lake)
    before = files_of(lake.layout.report)
    with pytest.raises(ReportError, match=r"has schema .* written for another"):
        build_site(lake.layout.warehouse, lake.layout.report, "another")
    other = lake.layout.warehouse.with_name("other.duckdb")
    duckdb.connect(str(other)).close()
    with pytest.raises(ReportError, match="is not of Kubestats"):
        build_site(other, lake.layout.report, SCHEMA)
    other.write_bytes(b"no database at all, and long enough to look like one" * 1000)
    with pytest.raises(ReportError, match="cannot be opened"):
        build_site(other, lake.layout.report, SCHEMA)
    assert files_of(lake.layout.report) == before


def test_a_full_disk_leaves_the_last_site_and_nothing_beside_it(lake: Lake):
    build(lake)
    before = files_of(lake.layout.report)
    change_bob(lake)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))  # writing on fails as on a full disk
    try:
        with pytest.raises(ReportError, match=r"The last site stays\. See that the disk has room"):
            build(lake)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_of(lake.layout.report) == before
    assert not list(lake.layout.report.with_name("report.sites").glob("*.tmp"))
    assert build(lake) > 0


@pytest.mark.parametrize("broken", ["{{ nothing_of_this_name }}", "{% if %}", "{{ page.title + 1 }}"])
def test_a_template_that_fails_is_named_and_the_last_site_stays(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
):
    build(lake)
    before = files_of(lake.layout.report)
    change_bob(lake)
    templates = shutil.copytree(render.TEMPLATES, tmp_path / "templates")
    (templates / "repository.html").write_text(broken)
    monkeypatch.setattr(render, "TEMPLATES", templates)
    render._environment.cache_clear()
    try:
        with pytest.raises(ReportError, match=r"repository\.html fails for repositories/bob/homelab/index\.html"):
            build(lake)
    finally:
        render._environment.cache_clear()
    assert files_of(lake.layout.report) == before


def test_a_folder_of_somebody_in_the_place_of_the_site_is_not_touched(lake: Lake):
    lake.layout.report.mkdir()
    (lake.layout.report / "mine").write_text("mine")
    with pytest.raises(ReportError, match="is in the way of the pages"):
        build(lake)
    assert (lake.layout.report / "mine").read_text() == "mine"


def test_a_copy_that_followed_the_link_is_replaced(lake: Lake):
    build(lake)
    before = files_of(lake.layout.report)
    copy = shutil.copytree(lake.layout.report, lake.layout.report.with_name("copy"))
    lake.layout.report.unlink()
    copy.rename(lake.layout.report)
    assert build(lake) == len(before)
    assert lake.layout.report.is_symlink()
    assert files_of(lake.layout.report) == before


KILLED = """
import sys
from pathlib import Path
from kubestats_pipeline.report.build import build_site
build_site(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
"""


def test_a_build_that_is_killed_leaves_the_last_site_and_the_next_one_clears_up(lake: Lake):
    build(lake)
    before = files_of(lake.layout.report)
    change_bob(lake)
    sites = lake.layout.report.with_name("report.sites")
    arguments = [str(lake.layout.warehouse), str(lake.layout.report), SCHEMA]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments])
    while not list(sites.glob("*.tmp/site/*")):
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(sites.glob("*.tmp"))
    assert files_of(lake.layout.report) == before
    assert build(lake) > 0
    assert not list(sites.glob("*.tmp"))
    assert len([path for path in sites.iterdir() if path.is_dir()]) == 2, (
        "the new site, and the one before for those who are reading it"
    )
