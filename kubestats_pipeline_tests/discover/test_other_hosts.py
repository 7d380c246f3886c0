"""Hosts beside GitHub: GitLab's topics and project ids, and a source that another package brings."""

import datetime
import json
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from kubestats_pipeline.discover import configured
from kubestats_pipeline.discover.configured import sources_from, witnesses_from
from kubestats_pipeline.discover.discover import DiscoveryReport, discover
from kubestats_pipeline.discover.gitlab import to_record
from kubestats_pipeline.discover.membership import MISSES
from kubestats_pipeline.discover.records import Found, FoundRepository
from kubestats_pipeline.hosts.client import ATTEMPTS
from kubestats_pipeline.hosts.gitlab import Project
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import read_repositories
from kubestats_pipeline.lake.tables import REPOSITORIES, REPOSITORY_METRICS
from kubestats_pipeline.settings import Settings, SettingsError
from kubestats_pipeline_tests.builders import settings_for
from kubestats_pipeline_tests.hosts.gitlab_server import API, GitLabServer

NOON = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
DOCUMENT = (Path(__file__).parents[2] / "docs/discovery.md").read_text(encoding="utf-8")


@pytest.fixture
def gitlab() -> Iterator[GitLabServer]:
    with GitLabServer() as server:
        for number, path in enumerate(("ada/ops", "group/sub/cluster", "bob/flux"), start=1):
            server.add(path, number=number)
        yield server


@pytest.fixture
def settings(gitlab, tmp_path) -> Settings:
    return settings_with(gitlab, tmp_path)


def settings_with(gitlab: GitLabServer, tmp_path: Path, **given) -> Settings:
    options = {
        "api_url": f"{gitlab.origin}{API}",
        "topics": ["kubesearch"],
        "max_wait_seconds": 0,
        "timeout_seconds": 5,
    }
    return settings_for(tmp_path, github={"topics": []}, gitlab={**options, **given})


def ask(settings: Settings, hours: int = 0) -> DiscoveryReport:
    lake, now = Lake(Layout(settings.data_dir)), NOON + datetime.timedelta(hours=hours)
    return discover(lake, sources_from(settings), now, witnesses=witnesses_from(settings))


def rows(settings: Settings) -> dict[str, dict]:
    found = Lake(Layout(settings.data_dir)).read(REPOSITORIES)
    return {row["repository_id"]: row for row in found.rows.to_dicts()}


def test_the_projects_of_a_topic_are_repositories_with_gitlabs_ids(settings, gitlab):
    report = ask(settings)
    assert (report.failures, report.found, report.metrics_rows) == ((), 3, 3)
    row = rows(settings)["gitlab:2@127.0.0.1"]
    assert (row["full_name"], row["owner"], row["name"]) == ("127.0.0.1/group/sub/cluster", "group/sub", "cluster")
    assert row["clone_url"] == f"{gitlab.origin}/group/sub/cluster.git"
    assert (row["topics"], row["discovery_tags"], row["is_fork"]) == (["kubesearch"], ["kubesearch"], False)
    assert row["pushed_at"] is None, "GitLab does not tell it; an activity is no push"
    metrics = Lake(Layout(settings.data_dir)).read(REPOSITORY_METRICS, NOON.date()).rows
    assert metrics["stars_count"].to_list() == [7] * 3
    assert metrics["watchers_count"].null_count() == 3
    assert gitlab.requests == [f"{API}/projects"] * 2


def test_forks_and_projects_that_are_not_public_are_left_out(gitlab, tmp_path):
    gitlab.projects[1]["forked_from_project"] = {"id": 9}
    gitlab.projects[2]["visibility"] = "internal"
    assert ask(settings_with(gitlab, tmp_path)).found == 1
    assert ask(settings_with(gitlab, tmp_path, forks=True)).found == 2


def test_a_moved_project_keeps_its_id_and_a_deleted_one_retires_when_gitlab_says_so(settings, gitlab):
    ask(settings)
    gitlab.projects[1]["path_with_namespace"] = "ada/home-ops"
    del gitlab.projects[3]
    for hours in range(1, MISSES + 1):
        assert rows(settings)["gitlab:3@127.0.0.1"]["status"] == "active"
        assert ask(settings, hours).failures == ()
    assert rows(settings)["gitlab:1@127.0.0.1"]["previous_names"] == ["127.0.0.1/ada/ops"]
    gone = rows(settings)["gitlab:3@127.0.0.1"]
    assert (gone["status"], gone["status_reason"]) == ("retired", "GitLab answers 404: deleted or private")


def test_a_gitlab_that_fails_or_limits_leaves_what_is_known(settings, gitlab):
    ask(settings)
    before = rows(settings)
    gitlab.failures = [502] * ATTEMPTS
    (failure,) = ask(settings, 1).failures
    assert failure.source == "gitlab topic:kubesearch"
    assert "502" in failure.reason
    gitlab.failures = [429]
    assert "rate limit" in ask(settings, 2).failures[0].reason
    assert rows(settings) == before


def test_a_token_is_sent_and_a_wrong_one_told_without_repeating_it(gitlab, tmp_path):
    gitlab.tokens = {"glpat-right"}
    assert ask(settings_with(gitlab, tmp_path, token="glpat-right")).failures == ()
    (failure,) = ask(settings_with(gitlab, tmp_path, token="glpat-wrong")).failures
    assert "Renew gitlab.token" in failure.reason
    assert "glpat" not in failure.reason
    with pytest.raises(SettingsError, match=r"gitlab\.token"):
        ask(settings_with(gitlab, tmp_path, token="two words"))


REFUSED = {
    "/srv/git/ops.git": "file:",
    "../ops.git": "file:",
    "file:///srv/git/ops.git": "file:",
    "FILE:///srv/git/ops.git": "file:",
    "file://localhost/srv/git/ops.git": "file:",
    "ssh://git@git.example.org/ops.git": "ssh:",
    "git@git.example.org:ann/ops.git": "ssh:",
    "git.example.org:ann/ops.git": "ssh:",
    "git://git.example.org/ann/ops.git": "git:",
    "ext::true": "ext:",
    "ftp://git.example.org/ann/ops.git": "ftp:",
    "https://git.example.org@127.0.0.1/ann/ops.git": "https:",
    "https://ann:planted@git.example.org/ann/ops.git": "https:",
    "https://ann:plan/ted@git.example.org/ann/ops.git": "https:",
    "https://git.example.org\\\\@127.0.0.1/ann/ops.git": "https:",
    "https://git.example.org\\n.elsewhere.example/ann/ops.git": "https:",
    "https://git.example.org\\u202e/ann/ops.git": "https:",
    "https:///ann/ops.git": "https:",
    "https://git.example.org/../ops.git": "https:",
    "--upload-pack=true": "file:",
}
"""Clone URLs that no API may tell, and what is kept of each."""


@pytest.mark.parametrize("url", REFUSED)
def test_a_clone_url_that_is_no_address_of_the_web_is_a_row_with_the_reason(settings, gitlab, url: str):
    gitlab.projects[1]["http_url_to_repo"] = json.loads(f'"{url}"')
    report = ask(settings)
    assert (report.found, report.failures) == (3, ()), "no stranger makes a discovery fail"
    row = rows(settings)["gitlab:1@127.0.0.1"]
    assert (row["status"], row["clone_url"]) == ("blocked", REFUSED[url])
    assert "its host gives a clone URL that" in row["status_reason"]
    assert "List it in `repositories`" in row["status_reason"]
    assert "planted" not in str(row)
    assert len(read_repositories(Lake(Layout(settings.data_dir)))) == 2, "it is not synced"


def test_a_project_whose_clone_url_turns_and_turns_back_is_followed(settings, gitlab):
    good = gitlab.projects[1]["http_url_to_repo"]
    for hours, url in enumerate((good, "/srv/git/ops.git", good)):
        gitlab.projects[1]["http_url_to_repo"] = url
        ask(settings, hours)
        row = rows(settings)["gitlab:1@127.0.0.1"]
        assert row["status"] == ("active" if url == good else "blocked")
    assert (row["clone_url"], row["status_reason"]) == (good, None)


def test_http_is_only_for_a_gitlab_that_is_reached_by_it(gitlab):
    project = Project.model_validate(gitlab.projects[1])
    assert to_record(project).clone_url == "http:"
    assert to_record(project, ("https", "http")).clone_url == gitlab.projects[1]["http_url_to_repo"]


def test_a_source_of_another_package_tells_https_alone(monkeypatch, tmp_path):
    def found(number: int, clone_url: str) -> FoundRepository:
        name = f"ops{number}"
        place = {"host": "h", "full_name": f"h/a/{name}", "owner": "a", "name": name}
        return FoundRepository(repository_id=f"fleet:{number}", clone_url=clone_url, discovery_tags=("fleet",), **place)

    class Fleet:
        def find(self) -> Found:
            urls = ("https://h/a/ops0.git", "http://h/a/ops1.git", tmp_path.as_uri())
            return Found(tuple(found(number, url) for number, url in enumerate(urls)))

    offer(monkeypatch, "fleet", lambda options: Fleet())
    settings = settings_for(tmp_path, github={"topics": []}, sources={"fleet": {}})
    ask(settings)
    told = {row["repository_id"]: (row["status"], row["clone_url"]) for row in rows(settings).values()}
    assert told == {
        "fleet:0": ("active", "https://h/a/ops0.git"),
        "fleet:1": ("blocked", "http:"),
        "fleet:2": ("blocked", "file:"),
    }


def offer(monkeypatch: pytest.MonkeyPatch, name: str, made: object) -> None:
    class Point:
        def __init__(self) -> None:
            self.name = name

        def load(self):
            return made

    def entry_points(*, group: str, name: str | None = None) -> list[EntryPoint]:
        assert group == "kubestats.sources"
        point = Point()
        return [point] if name in (None, point.name) else []  # type: ignore[list-item]

    monkeypatch.setattr(configured, "entry_points", entry_points)


def test_the_example_of_a_source_of_another_package_works(monkeypatch, tmp_path):
    code, config = (re.findall(rf"^```{kind}\n(.*?)^```", DOCUMENT, re.M | re.S)[-1] for kind in ("python", "yaml"))
    space: dict = {"__name__": "example"}
    exec(compile(code, "discovery.md", "exec"), space)  # noqa: S102 - our own document
    offer(monkeypatch, "fleet", space["make_source"])
    settings = settings_for(tmp_path, github={"topics": []}, **yaml.safe_load(config))
    assert ask(settings).found == 2
    assert {row["full_name"] for row in rows(settings).values()} == {
        "git.example.org/clusters/paris",
        "git.example.org/clusters/oslo",
    }
    assert len(sources_from(settings, ["fleet"])) == 1


def test_a_source_that_no_package_offers_is_named_with_those_that_are(monkeypatch, tmp_path):
    offer(monkeypatch, "fleet", None)
    with pytest.raises(SettingsError, match=r"sources\.flet: no installed package offers it. Offered are fleet"):
        sources_from(settings_for(tmp_path, github={"topics": []}, sources={"flet": {}}))
