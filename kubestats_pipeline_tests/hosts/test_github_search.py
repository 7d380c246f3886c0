"""Topic search against a real HTTP server."""

import pytest

from kubestats_pipeline.hosts.github import GitHubClient
from kubestats_pipeline.hosts.github_search import search_topic
from kubestats_pipeline.settings import GitHubSettings
from kubestats_pipeline_tests.hosts.github_server import GitHubServer, Reply, html, rate_limited

SEARCH = "/search/repositories"
NOW = 1_750_000_000.0


@pytest.fixture
def github():
    with GitHubServer(largest_page=2) as server:
        for number in range(1, 6):
            server.add(f"ada/cluster-{number}", number=number, topics=("kubesearch", "flux"), stargazers_count=number)
        yield server


def find(github: GitHubServer, topic: str = "kubesearch"):
    settings = GitHubSettings(api_url=github.url)
    with GitHubClient(settings, sleep=lambda _: None, clock=lambda: NOW) as client:
        return search_topic(client, topic, git_url="https://github.com")


def names(found) -> list[str]:
    return [repository.full_name for repository in found.repositories]


def test_all_pages_are_read_by_following_the_links(github):
    found = find(github)
    assert sorted(names(found)) == [f"ada/cluster-{number}" for number in range(1, 6)]
    assert found.failures == ()
    assert [request.query.get("page") for request in github.requests] == [None, "2", "3"]
    assert github.requests[0].query == {"q": "topic:kubesearch", "sort": "stars", "order": "desc", "per_page": "100"}


def test_a_search_result_tells_its_facts_but_never_stars_as_watchers(github):
    github.add("bob/ops", number=9, topics=("rare", "b", "a"), pushed_at=None, license=None, stargazers_count=77)
    (found,) = find(github, "rare").repositories
    assert (found.repository_id, found.host, found.owner, found.name) == ("github:9", "github.com", "bob", "ops")
    assert found.clone_url == "https://github.com/bob/ops.git"
    assert (found.topics, found.discovery_tags) == (("a", "b", "rare"), ("rare",))
    assert (found.stars_count, found.forks_count, found.size_kb) == (77, 2, 5120)
    assert found.watchers_count is None
    assert (found.pushed_at, found.license_name) == (None, None)
    assert found.created_at.isoformat() == "2021-03-04T05:06:07+00:00"


def test_a_licence_that_github_does_not_recognise_keeps_its_name(github):
    github.add("bob/ops", number=9, topics=("rare",), license={"name": "Other", "spdx_id": "NOASSERTION"})
    assert find(github, "rare").repositories[0].license_name == "Other"


def test_forks_and_private_repositories_are_left_out(github):
    github.add("eve/fork", number=8, topics=("rare",), fork=True)
    github.add("eve/private", number=9, topics=("rare",), private=True)
    assert find(github, "rare").repositories == ()


def test_a_topic_without_results_is_told(github):
    found = find(github, "kubesaerch")
    assert found.repositories == ()
    assert "correct github.topics" in found.failures[0].reason


def test_incomplete_results_are_asked_for_again(github):
    github.incomplete_answers = 2
    found = find(github)
    assert (len(found.repositories), found.failures) == (5, ())
    assert len(github.requests) == 5


def test_results_that_stay_incomplete_are_taken_and_told(github):
    github.incomplete_answers = 100
    found = find(github)
    assert len(found.repositories) == 5
    (failure,) = found.failures
    assert failure.source == "topic:kubesearch"
    assert "incomplete 3 times" in failure.reason
    assert len(github.requests) == 9


def test_what_one_search_cannot_reach_is_counted(github):
    github.total_count = 1234
    found = find(github)
    assert len(found.repositories) == 5
    assert "234 are out of reach" in found.failures[0].reason


def test_the_thousandth_result_is_the_last_and_the_page_behind_it_is_never_asked():
    with GitHubServer() as server:
        for number in range(1, 1051):
            server.add(f"ada/cluster-{number}", number=number, topics=("many",))
        found = find(server, "many")
        assert len(found.repositories) == 1000
        assert "50 are out of reach" in found.failures[0].reason
        assert len(server.requests) == 10


def test_a_page_that_fails_keeps_the_pages_before_it(github):
    original = github.search

    def failing_third_page(request):
        return html(502) if request.query.get("page") == "3" else original(request)

    github.search = failing_third_page
    found = find(github)
    assert len(found.repositories) == 4
    assert found.failures[0].reason.startswith("page 3 of the search failed")


def test_an_exhausted_search_limit_is_a_failure_of_the_topic(github):
    github.fail(SEARCH, rate_limited(NOW + 3600, resource="search"))
    found = find(github)
    assert found.repositories == ()
    assert "search rate limit" in found.failures[0].reason


def test_a_next_page_that_points_back_ends_the_search(github):
    github.next_link = f"{github.url}{SEARCH}?q=topic:kubesearch"
    found = find(github)
    assert found.repositories
    assert "points back" in found.failures[0].reason
    assert len(github.requests) == 2


def test_a_next_page_on_another_host_ends_the_search_and_keeps_what_came(github):
    github.next_link = "https://example.org/search/repositories?page=2"
    found = find(github)
    assert len(found.repositories) == 2
    assert "points to example.org" in found.failures[0].reason


def test_a_result_that_is_no_repository_is_told_and_the_others_stay(github):
    github.add("bob/ops", number=9, topics=("kubesearch",), size="large")
    found = find(github)
    assert len(found.repositories) == 5
    assert found.failures[0].reason == "one search result is no repository object (wrong: size); it was left out"


def test_an_answer_that_is_no_page_of_results_is_told(github):
    github.fail(SEARCH, Reply(200, ["nothing"]))
    assert "no page of search results" in find(github).failures[0].reason


def test_half_a_character_in_a_description_is_replaced(github):
    github.add("bob/ops", number=9, topics=("rare",), description="broken \ud83d emoji")
    assert find(github, "rare").repositories[0].description == "broken ? emoji"
