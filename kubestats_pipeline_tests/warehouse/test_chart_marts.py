"""Pages of charts, images and groups of resources, worked out by hand from `small_lake.py`."""

from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.lake.tables import REPOSITORIES, SCANS
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import day, repository, scan, write_small_lake, write_story

CHART = "oci://ghcr.io/bjw-s/app-template"
PLEX_OF_ALICE = ("alice/home", 12, "plex", "3.1.0", 3, 10)
SONARR_OF_ALICE = ("alice/home", 12, "sonarr", "3.0.0", 3, 7)
PLEX_OF_BOB = ("bob/homelab", 5, "plex", "3.1.0", 3, 5)


@pytest.fixture
def ask(small_warehouse: duckdb.DuckDBPyConnection):
    return lambda query: small_warehouse.execute(query).fetchall()


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("'app-template'", [PLEX_OF_ALICE, SONARR_OF_ALICE, PLEX_OF_BOB]),
        (f"'{CHART}'", [PLEX_OF_ALICE, SONARR_OF_ALICE, PLEX_OF_BOB]),
        ("'app-template', major := 3, app := 'plex'", [PLEX_OF_ALICE]),
        ("'app-template', major := 2", []),
        ("'nothing'", []),
    ],
)
def test_a_charts_page_shows_who_runs_it_most_starred_first(ask, call, found):
    """Ages count to 9 March. The archived release at 2.0.0 and carol's retired repository are left out."""
    assert (
        ask(f"SELECT full_name, stars_count, name, version, major_version, age_days FROM chart_page({call})") == found
    )


def test_a_charts_page_links_to_the_file_at_the_scanned_commit(tmp_path: Path):
    """An Enterprise server is known by the identity that it gave."""
    lake = write_small_lake(tmp_path)
    page = {"html_url": "https://github.com/alice/home"}
    elsewhere = {"html_url": "https://git.example.org/bob/homelab", "host": "git.example.org"}
    rows = [repository(1, "alice/home", **page), repository(2, "bob/homelab", **elsewhere)]
    lake.write(REPOSITORIES, None, rows)
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        found = connection.execute("SELECT full_name, source_url FROM chart_page('app-template', app := 'plex')")
        assert found.fetchall() == [("alice/home", "https://github.com/alice/home/blob/c9/apps/plex.yaml")]
        bob = "SELECT source_url FROM resource_overview WHERE full_name = 'bob/homelab' AND name = 'plex'"
        assert connection.execute(bob).fetchall() == [("https://git.example.org/bob/homelab/blob/c8/apps/plex.yaml",)]
        deleted = "SELECT DISTINCT source_url FROM resource_overview WHERE status = 'DELETED'"
        assert connection.execute(deleted).fetchall() == [(None,)]


def test_a_link_leads_to_the_line_of_the_document(tmp_path: Path):
    """What an earlier scan has read has no line, and leads to the file."""
    lake = write_small_lake(tmp_path)
    lake.write(REPOSITORIES, None, [repository(9, "zoe/lab", html_url="https://github.com/zoe/lab")])
    steps = [("CREATED", day(3, 5), "1")]
    chart = {"chart_name": "web", "resolution": "exact"}
    write_story(lake, 9, "zoe/lab", {"web": (steps, {"line": 12, **chart}), "old": (steps, chart)})
    lake.write(SCANS, "zoe/lab", [scan(9, "zoe/lab")])
    folder = "https://github.com/zoe/lab/blob/c9/apps"
    marts = "resource_overview", "releases", "chart_page('web')", "who_runs('web')"
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        for mart in marts:
            query = f"SELECT source_url FROM {mart} WHERE full_name = 'zoe/lab' ORDER BY name DESC"
            found = connection.execute(query).fetchall()
            assert found == [(f"{folder}/web.yaml#L12",), (f"{folder}/old.yaml",)], mart


def test_what_else_runs_where_a_chart_runs(ask):
    """Alice is one of two who run app-template, and the one who runs thing."""
    assert ask("FROM also_runs('app-template')") == [("thing", None, 1, 0.5, 1)]
    assert ask("FROM also_runs('thing')") == [("app-template", CHART, 1, 1.0, 2)]
    assert ask("FROM also_runs('nothing')") == []


def test_an_image_is_found_by_any_part_of_its_name(ask):
    columns = "image, tag, role, full_name, stars_count, kind, name, app_name"
    assert ask(f"SELECT {columns} FROM search_images('HOME/plex')") == [
        ("ghcr.io/home/plex", "1.40", "main", "alice/home", 12, "HelmRelease", "plex", "plex"),
        ("ghcr.io/home/plex", "1.40", "main", "bob/homelab", 5, "HelmRelease", "plex", None),
    ]
    assert ask("FROM search_images('nginx')") == [], "its Deployment was deleted"


def test_uses_of_images_are_there_in_every_context_and_say_what_counts(ask):
    query = "SELECT full_name, tag, context, in_scope FROM image_uses WHERE image = 'ghcr.io/home/sonarr' ORDER BY tag"
    assert ask(query) == [("alice/home", "3.0", "archived", False), ("alice/home", "4.0", "active", True)]


def test_resources_of_one_kind_and_name_are_counted_for_each_repository(ask):
    assert ask("FROM resource_groups WHERE name IN ('plex', 'dns') ORDER BY name") == [
        ("apps", "Deployment", "dns", 1, 1, [], {"bob/homelab": 1}, day(3, 9)),
        (
            "helm.toolkit.fluxcd.io",
            "HelmRelease",
            "plex",
            2,
            2,
            ["media"],
            {"alice/home": 1, "bob/homelab": 1},
            day(3, 5),
        ),
    ]
