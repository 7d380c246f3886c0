"""Macros to begin with: who runs something, its newest version, and where a text stands. Worked out by hand."""

from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.fleet_lake import write_fleet_lake
from kubestats_pipeline_tests.warehouse.small_lake import (
    APP_TEMPLATE,
    day,
    image,
    repository,
    write_small_lake,
    write_story,
)

CHART = APP_TEMPLATE["chart_url"]
DOCUMENT = """{
    "kind": "Deployment",
    "metadata": {"name": "web", "annotations": {"note": "say \\"hello\\""}},
    "spec": {"replicas": 2, "args": ["--auth", "none"], "script": "first\\nsecond"}
}"""


@pytest.fixture
def ask(small_warehouse: duckdb.DuckDBPyConnection):
    return lambda sql: small_warehouse.execute(sql).fetchall()


@pytest.mark.parametrize("wanted", ["plex", "PLEX", "ghcr.io/home/plex", " plex "])
def test_an_app_or_an_image_is_found_by_its_name_or_the_last_part_of_it(ask, wanted: str):
    query = "SELECT full_name, stars_count, name, found_as, chart_name, version, image, tag FROM who_runs"
    shown = ("plex", "app-template", "3.1.0", "ghcr.io/home/plex", "1.40")
    name, *rest = shown
    as_app = ["image"] if "/" in wanted else ["app", "image"]
    assert ask(f"{query}('{wanted}')") == [
        ("alice/home", 12, name, as_app, *rest),
        ("bob/homelab", 5, name, ["image"], *rest),
    ]


@pytest.mark.parametrize("wanted", ["app-template", CHART])
def test_a_chart_is_found_by_name_and_place_with_its_first_main_image(ask, wanted: str):
    """An offer of the chart runs nothing, and the archived release is not in scope."""
    found = ask(f"SELECT full_name, name, found_as, image FROM who_runs('{wanted}')")
    assert found == [
        ("alice/home", "plex", ["chart"], "ghcr.io/home/plex"),
        ("alice/home", "sonarr", ["chart"], "ghcr.io/home/sonarr"),
        ("bob/homelab", "plex", ["chart"], "ghcr.io/home/plex"),
    ]
    assert ask("FROM who_runs('nothing')") == []
    assert ask("FROM who_runs('ple')") == []


def test_a_release_is_found_once_for_each_cluster_and_application(tmp_path: Path):
    with duckdb.connect(str(build_warehouse(write_fleet_lake(tmp_path)).path), read_only=True) as connection:
        query = "SELECT cluster, applied_by, version FROM who_runs('plex') WHERE full_name = 'alice/home'"
        found = connection.execute(query).fetchall()
    assert [cluster for cluster, _, _ in found] == ["clusters/prod/apps.yaml", "clusters/staging/apps.yaml"]
    assert len({version for _, _, version in found}) == 2
    assert all(application for _, application, _ in found)


def test_the_newest_version_is_that_of_everybody_with_how_many_run_it(ask):
    query = (
        "SELECT subject, name, newest_version, repositories, all_repositories, first_seen_at::DATE::VARCHAR FROM newest"
    )
    assert ask(f"{query}('app-template')") == [("chart", "app-template", "3.1.0", 2, 2, "2026-03-04")]
    assert ask(f"{query}('coredns')") == [("image", "registry.k8s.io/coredns", "1.11", 1, 1, "2026-03-06")]
    assert ask(f"{query}('nginx')") == [("image", "docker.io/library/nginx", "1.27", 0, 0, "2026-03-01")]
    assert ask(f"{query}('nothing')") == []


def test_a_pre_release_is_the_newest_only_where_nothing_else_was_seen(tmp_path: Path):
    lake = write_small_lake(tmp_path)
    tags = {"one": "2.0.0-rc.1", "two": "1.9.0", "three": "latest", "four": "v1.10.0"}
    story = {
        name: ([("CREATED", day(3, number), tag)], {"images": [image("ghcr.io/x/tool", tag)]})
        for number, (name, tag) in enumerate(tags.items(), 1)
    }
    only = {"beta": ([("CREATED", day(3, 5), "0.1.0-beta.2")], {"images": [image("ghcr.io/x/beta", "0.1.0-beta.2")]})}
    write_story(lake, 9, "zoe/lab", story | only)
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        query = "SELECT newest_version, scheme, is_lower_bound FROM newest"
        assert connection.execute(f"{query}('tool')").fetchall() == [("1.10.0", "semver", False)]
        assert connection.execute(f"{query}('beta')").fetchall() == [("0.1.0-beta.2", "semver", False)]


@pytest.fixture(scope="module")
def grep(tmp_path_factory: pytest.TempPathFactory):
    lake = write_small_lake(tmp_path_factory.mktemp("grep"))
    known = lake.read_all(REPOSITORIES).to_dicts()
    new = repository(9, "zoe/lab", html_url="https://github.com/zoe/lab")
    lake.write(REPOSITORIES, None, [*known, new])
    steps = [("CREATED", day(3, 5), "1")]
    write_story(
        lake,
        9,
        "zoe/lab",
        {"web": (steps, {"data": DOCUMENT, "line": 7}), "old": (steps, {"context": "archived", "data": DOCUMENT})},
    )
    with duckdb.connect(str(build_warehouse(lake).path), read_only=True) as connection:
        yield lambda text: connection.execute(
            "SELECT name, line_number, line, document_line FROM grep_resources(?)", [text]
        ).fetchall()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("replicas: 2", "replicas: 2"),
        ("REPLICAS", "replicas: 2"),
        ("--auth", "--auth"),
        ("second", r"script: first\nsecond"),
        ("hello", r"note: say \"hello\""),
        ("kind: Deployment", "kind: Deployment"),
    ],
)
def test_a_text_is_found_as_people_write_it(grep, text: str, line: str):
    ((name, number, found, begins_at),) = [row for row in grep(text) if row[0] == "web"]
    assert (name, found, begins_at) == ("web", line, 7)
    assert number > 1


def test_what_is_not_there_or_not_in_scope_is_not_found(grep):
    assert grep("replicas: 3") == []
    assert {row[0] for row in grep("replicas")} == {"web"}


@pytest.mark.parametrize("call", ["who_runs('')", "newest(' ')", "grep_resources('')"])
def test_an_empty_text_is_refused_with_what_would_be_right(ask, call: str):
    with pytest.raises(
        duckdb.Error, match=r"give (the name of a chart, an app or an image|a text to look for), such as"
    ):
        ask(f"FROM {call}")
