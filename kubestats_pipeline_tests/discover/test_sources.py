"""The list source: every kind of entry, with real git repositories and a real HTTP server."""

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from kubestats_pipeline.discover.entries import ListSource
from kubestats_pipeline.discover.github import GitHubTopics
from kubestats_pipeline.discover.records import Found
from kubestats_pipeline.hosts.client import ATTEMPTS
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline_tests.hosts.github_server import GitHubServer, broken_json, html, rate_limited

GIT_URL = "https://git.example.org"


@pytest.fixture
def github():
    with GitHubServer() as server:
        server.add("ada/ops", number=7, topics=("kubesearch",))
        yield server


def connect_to(github: GitHubServer):
    settings = GitHubSettings(api_url=github.url)
    return partial(GitHubClient, settings, sleep=lambda _: None, clock=lambda: 1_750_000_000.0)


def ask(github: GitHubServer, *entries: object, git_url: str = GIT_URL) -> Found:
    return ListSource(tuple(str(entry) for entry in entries), git_url, connect_to(github)).find()


def init(path: Path, *arguments: str) -> Path:
    subprocess.run(["git", "init", "-q", *arguments, str(path)], check=True, timeout=20)
    return path


def test_a_name_is_looked_up_on_github_with_its_real_watchers(github):
    (found,) = ask(github, "ada/ops").repositories
    assert (found.repository_id, found.full_name, found.host) == ("github:7", "ada/ops", "github.com")
    assert found.clone_url == f"{GIT_URL}/ada/ops.git"
    assert (found.stars_count, found.watchers_count) == (40, 3)
    assert found.discovery_tags == ("list",)


@pytest.mark.parametrize(
    "entry",
    [
        "ada/ops.git",
        " ada/ops ",
        "https://github.com/ada/ops",
        "https://www.github.com/ada/ops.git/",
        "https://me:s3cret@github.com/ada/ops.git",
        "git@github.com:ada/ops.git",
        "ssh://git@github.com/ada/ops",
        "ssh://git@ssh.github.com:443/ada/ops.git",
        "https://git.example.org/ada/ops",
        "git@git.example.org:ada/ops",
        "ssh://git@git.example.org:2222/ada/ops",
        "github.com/ada/ops",
        "www.github.com/ada/ops.git",
        "git.example.org/ada/ops/",
        "https://github.com/ada/ops/tree/main",
        "https://github.com/ada/ops/blob/main/clusters/home/flux.yaml#L3",
        "github.com/ada/ops/tree/main/kubernetes",
        "https://github.com/ada/ops/pull/7",
    ],
)
def test_every_spelling_of_a_github_repository_is_one_repository(github, entry):
    found = ask(github, entry)
    assert [repository.repository_id for repository in found.repositories] == ["github:7"]
    assert found.failures == ()


def test_a_mirror_of_github_below_a_path_is_recognised_by_it(github):
    git_url = "http://127.0.0.1:3000/mirror/"
    (found,) = ask(github, "http://127.0.0.1:3000/mirror/ada/ops", git_url=git_url).repositories
    assert (found.repository_id, found.clone_url) == ("github:7", "http://127.0.0.1:3000/mirror/ada/ops.git")


def test_another_port_of_the_same_host_is_another_host(github):
    (found,) = ask(github, "http://127.0.0.1:4000/ada/ops", git_url="http://127.0.0.1:3000").repositories
    assert found.repository_id.startswith("git:")
    assert github.requests == []


def test_a_git_url_elsewhere_needs_no_api_and_has_no_facts(github):
    (found,) = ask(github, "https://me:s3cret@gitlab.com/Group/Sub/ops.git").repositories
    assert found.repository_id.startswith("git:")
    assert len(found.repository_id) == len("git:") + 16
    assert (found.host, found.owner, found.name) == ("gitlab.com", "Group/Sub", "ops")
    assert found.full_name == "gitlab.com/Group/Sub/ops"
    assert found.clone_url == "https://gitlab.com/Group/Sub/ops.git"
    assert found.html_url == "https://gitlab.com/Group/Sub/ops"
    assert (found.description, found.topics, found.is_fork, found.has_numbers) == (None, (), None, False)
    assert "s3cret" not in repr(found)
    assert github.requests == []


@pytest.mark.parametrize(
    "entry",
    [
        "gitlab.com/team/tree/ops",
        "https://gitlab.com/team/tree/ops/-/tree/main/clusters",
        "gitlab.com/team/tree/ops/-/blob/main/a.yaml?ref_type=heads#L1",
        "https://gitlab.com/team/tree/ops/src/branch/main/clusters",
    ],
)
def test_a_page_inside_a_repository_elsewhere_is_the_repository(github, entry):
    (found,) = ask(github, entry).repositories
    assert (found.full_name, found.clone_url) == ("gitlab.com/team/tree/ops", "https://gitlab.com/team/tree/ops")


def test_a_clone_on_this_machine_is_named_as_its_origin_is(github, tmp_path):
    """users.md 15: it was called after its last two folders, such as local/src/checkout."""
    path = init(tmp_path / "src" / "checkout")
    subprocess.run(["git", "-C", str(path), "config", "remote.origin.url", "git@github.com:ada/ops.git"], check=True)
    assert [one.full_name for one in ask(github, path).repositories] == ["local/ada/ops"]


def test_a_renamed_repository_is_found_under_its_new_name(github):
    github.rename(7, "ada/home-ops")
    assert ask(github, "ada/ops").repositories[0].full_name == "ada/home-ops"


@pytest.mark.parametrize("arguments", [(), ("--bare",)])
def test_a_repository_on_this_machine_is_named_by_its_folders(github, tmp_path, arguments):
    path = init(tmp_path / "team" / "ops.git", *arguments)
    (found,) = ask(github, path).repositories
    assert (found.host, found.full_name) == ("local", "local/team/ops")
    assert (found.owner, found.name) == ("team", "ops")
    assert found.clone_url == f"file://{path}"
    assert (found.discovery_tags, found.has_numbers) == (("list",), False)


@pytest.mark.parametrize(
    ("origin", "page"),
    [
        ("https://me:s3cret@codeberg.org/team/ops.git", "https://codeberg.org/team/ops"),
        ("git@github.com:team/ops.git", "https://github.com/team/ops"),
        ("/srv/git/ops.git", None),
        ("", None),
    ],
)
def test_a_repository_on_this_machine_has_the_page_of_its_origin_and_its_own_identity(github, tmp_path, origin, page):
    path = init(tmp_path / "team" / "ops")
    (alone,) = ask(github, path).repositories
    subprocess.run(["git", "-C", str(path), "config", "remote.origin.url", origin], check=True, timeout=20)
    (found,) = ask(github, path).repositories
    assert (alone.html_url, found.html_url) == (None, page)
    assert (found.repository_id, found.full_name, found.clone_url) == (
        alone.repository_id,
        "local/team/ops",
        f"file://{path}",
    )


def test_all_ways_to_one_folder_are_one_repository(github, tmp_path, monkeypatch):
    path = init(tmp_path / "team" / "ops")
    (tmp_path / "link").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    ways = [path, f"file://{path}", f"{path}/.git", "./team/ops", "team/ops", "~/team/ops", "link", "team/../team/ops"]
    found = ask(github, *ways)
    assert found.failures == ()
    assert len(found.repositories) == len(ways)
    assert len({repository.repository_id for repository in found.repositories}) == 1
    assert github.requests == []


def test_a_path_that_exists_wins_over_a_name_on_github(github, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    init(tmp_path / "ada" / "ops")
    assert ask(github, "ada/ops").repositories[0].host == "local"


@pytest.mark.parametrize("entry", ["./ada/ops", "../ada/ops", "/ada/ops", "~/ada/ops", "~nobody-here/ops", ".ada"])
def test_what_looks_like_a_path_is_never_asked_of_github(github, tmp_path, monkeypatch, entry):
    monkeypatch.chdir(tmp_path)
    (failure,) = ask(github, entry).failures
    assert failure.source == entry
    assert github.requests == []


def test_a_directory_gives_the_repositories_up_to_three_levels_below_it(github, tmp_path):
    for path in ("a", "host/owner/name", "host/owner/deep/too-deep", "a/vendored", ".hidden/secret"):
        init(tmp_path / path)
    (tmp_path / "plain" / "folder").mkdir(parents=True)
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "host" / "owner" / "deep" / "too-deep")
    found = ask(github, tmp_path)
    urls = [repository.clone_url.removeprefix(f"file://{tmp_path}/") for repository in found.repositories]
    assert urls == ["a", "host/owner/name", "host/owner/deep/too-deep"]
    assert found.failures == ()


def test_a_linked_work_tree_counts_as_a_repository(github, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / ".git").write_text("gitdir: /elsewhere\n")
    assert [repository.name for repository in ask(github, tree).repositories] == ["tree"]


@pytest.mark.parametrize("entry", ["empty", "a-file", "missing", "empty/missing"])
def test_a_path_without_repositories_is_told(github, tmp_path, entry):
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    (tmp_path / "a-file").write_text("x")
    found = ask(github, tmp_path / entry)
    assert found.repositories == ()
    (failure,) = found.failures
    assert failure.source == str(tmp_path / entry)
    assert failure.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_told_and_the_others_stay(github, tmp_path):
    init(tmp_path / "open")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    found = ask(github, tmp_path)
    assert [repository.name for repository in found.repositories] == ["open"]
    assert str(closed) in found.failures[0].reason


def test_a_folder_whose_name_is_no_text_still_gives_a_name_that_a_table_can_hold(github, tmp_path):
    folder = init(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    (found,) = ask(github, tmp_path).repositories
    assert found.name == "caf\ufffd"
    assert found.clone_url == f"file://{tmp_path}/caf%E9"
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("entry", "shown", "hint"),
    [
        ("", "", "Give owner/name"),
        ("just-a-word", "just-a-word", "neither a path that exists nor a name"),
        ("https://github.com/ada", "https://github.com/ada", "as owner/name"),
        ("https://github.com/ada/ops/rest/of/it", "https://github.com/ada/ops/rest/of/it", "as owner/name"),
        ("https://me:s3/cr@et@example.org/x", "https://example.org/x", "password"),
        ("ftp://me:s3cret@example.org/a/b?key=s3cret", "ftp://example.org/a/b", "git URLs start with"),
        ("file://server/share", "file://server/share", "three slashes"),
        ("x" * 5000, "x" * 5000, "cannot be looked up"),
    ],
)
def test_an_entry_that_means_nothing_is_told_with_what_would_be_right(github, entry, shown, hint):
    (failure,) = ask(github, entry).failures
    assert failure.source == shown
    assert hint in failure.reason
    assert not {"s3", "cr@et", "s3cret"} & set(failure.reason.split())


def test_a_name_that_github_does_not_know_is_told_and_the_others_are_found(github):
    found = ask(github, "ada/gone", "ada/ops")
    assert [repository.full_name for repository in found.repositories] == ["ada/ops"]
    (failure,) = found.failures
    assert failure.source == "ada/gone"
    assert "404: it is deleted, private or misspelt" in failure.reason


def test_an_answer_that_is_no_repository_is_told_without_its_content(github):
    github.add("eve/odd", number=9, description=["s3cret"])
    (failure,) = ask(github, "eve/odd").failures
    assert failure.reason == "GitHub: no repository object (wrong: description)"


def test_a_passing_trouble_with_one_name_does_not_touch_the_others(github):
    github.add("bob/ops", number=8)
    github.fail("/repos/bob/ops", *[html(502)] * ATTEMPTS)
    found = ask(github, "bob/ops", "ada/ops")
    assert [repository.full_name for repository in found.repositories] == ["ada/ops"]
    assert [failure.source for failure in found.failures] == ["bob/ops"]


def test_github_is_asked_no_more_after_two_names_in_a_row_got_no_answer(github, tmp_path):
    path = init(tmp_path / "ops")
    github.fail("/repos/ada/one", *[broken_json()] * ATTEMPTS)
    github.fail("/repos/ada/two", rate_limited(1_750_009_999))
    found = ask(github, "ada/one", "ada/two", "ada/three", "ada/ops", path)
    assert [failure.source for failure in found.failures] == ["ada/one", "ada/two", "ada/three", "ada/ops"]
    assert "not asked" in found.failures[2].reason
    assert len(github.requests) == ATTEMPTS + 1
    assert [repository.host for repository in found.repositories] == ["local"]


def test_answers_in_between_show_that_github_is_there(github):
    for name in ("one", "two", "three"):
        github.fail(f"/repos/ada/{name}", *[html(502)] * ATTEMPTS)
    found = ask(github, "ada/one", "ada/gone", "ada/two", "ada/ops", "ada/three", "ada/ops")
    assert [failure.source for failure in found.failures] == ["ada/one", "ada/gone", "ada/two", "ada/three"]
    assert len(found.repositories) == 2


def test_a_budget_of_one_request_finds_one_name_and_tells_of_the_others(github):
    github.add("bob/ops", number=8)
    github.remaining["core"] = 1
    found = ask(github, "ada/ops", "bob/ops")
    assert [repository.full_name for repository in found.repositories] == ["ada/ops"]
    assert "core rate limit" in found.failures[0].reason


def test_a_topic_that_fails_does_not_stop_the_others(github):
    github.fail("/search/repositories", *[html(502)] * ATTEMPTS)
    found = GitHubTopics(("k8s-at-home", "kubesearch"), GIT_URL, connect_to(github)).find()
    assert [repository.full_name for repository in found.repositories] == ["ada/ops"]
    assert [failure.source for failure in found.failures] == ["topic:k8s-at-home"]
