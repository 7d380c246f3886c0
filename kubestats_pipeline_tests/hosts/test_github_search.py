"""Search against a real HTTP server: pages, incomplete and dropped results, and slices by creation time."""

import datetime
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubestats_pipeline.discover.github import GitHubTopics
from kubestats_pipeline.hosts.client import ATTEMPTS
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.search import FIRST_DAY, SearchAnswer, Slice, search_repositories
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline_tests.hosts.github_server import GitHubServer, Reply, html, rate_limited

SEARCH = "/search/repositories"
NOW = datetime.datetime(2025, 6, 15, 15, 6, 40, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)


@pytest.fixture
def github():
    with GitHubServer(largest_page=2) as server:
        for number in range(1, 6):
            server.add(f"ada/cluster-{number}", number=number, topics=("kubesearch", "flux"), stargazers_count=number)
        yield server


def connect(github: GitHubServer, **given) -> GitHubClient:
    return GitHubClient(GitHubSettings(api_url=github.url, **given), sleep=lambda _: None, clock=NOW.timestamp)


def find(github: GitHubServer, query: str = "topic:kubesearch", reachable: int = 1000) -> SearchAnswer:
    github.reachable = reachable
    with connect(github) as client:
        return search_repositories(client, query, now=NOW, reachable=reachable)


def find_topic(github: GitHubServer, topic: str, *, forks: bool = False):
    return GitHubTopics((topic,), "https://github.com", lambda: connect(github), forks).find()


def names(answer: SearchAnswer) -> list[str]:
    return sorted(repository.full_name for repository in answer.repositories)


def stamp(time: datetime.datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def test_all_pages_are_read_by_following_the_links(github):
    answer = find(github)
    assert names(answer) == [f"ada/cluster-{number}" for number in range(1, 6)]
    assert answer.shortfalls == ()
    assert [request.query.get("page") for request in github.requests] == [None, "2", "3"]
    assert github.requests[0].query == {"q": "topic:kubesearch", "sort": "stars", "order": "desc", "per_page": "100"}


def test_the_repositories_of_a_user_are_a_search_too(github):
    github.add("bob/ops", number=9)
    assert names(find(github, "user:bob")) == ["bob/ops"]


def test_a_search_result_tells_its_facts_but_never_stars_as_watchers(github):
    github.add("bob/ops", number=9, topics=("rare", "b", "a"), pushed_at=None, license=None, stargazers_count=77)
    (found,) = find_topic(github, "rare").repositories
    assert (found.repository_id, found.host, found.owner, found.name) == ("github:9", "github.com", "bob", "ops")
    assert found.clone_url == "https://github.com/bob/ops.git"
    assert (found.topics, found.discovery_tags) == (("a", "b", "rare"), ("rare",))
    assert (found.stars_count, found.forks_count, found.size_kb) == (77, 2, 5120)
    assert found.watchers_count is None
    assert (found.pushed_at, found.license_name) == (None, None)
    assert found.created_at.isoformat() == "2021-03-04T05:06:07+00:00"


def test_a_licence_that_github_does_not_recognise_keeps_its_name(github):
    github.add("bob/ops", number=9, topics=("rare",), license={"name": "Other", "spdx_id": "NOASSERTION"})
    assert find_topic(github, "rare").repositories[0].license_name == "Other"


def test_forks_are_left_out_unless_they_are_wanted(github):
    github.add("eve/fork", number=8, topics=("rare",), fork=True)
    assert find_topic(github, "rare").repositories == ()
    assert [one.full_name for one in find_topic(github, "rare", forks=True).repositories] == ["eve/fork"]


def test_private_repositories_that_a_token_may_see_are_left_out_of_a_topic(github):
    github.add("eve/private", number=9, topics=("rare",), private=True)
    found = find_topic(github, "rare")
    assert found.repositories == ()
    assert "Correct github.topics" in found.failures[0].reason


def test_a_topic_without_results_is_told(github):
    found = find_topic(github, "kubesaerch")
    assert found.repositories == ()
    assert found.failures[0].source == "topic:kubesaerch"
    assert "Correct github.topics" in found.failures[0].reason


def test_incomplete_results_are_asked_for_again(github):
    github.incomplete_answers = 2
    answer = find(github)
    assert (len(answer.repositories), answer.shortfalls) == (5, ())
    assert len(github.requests) == 5


def test_results_that_stay_incomplete_are_taken_and_told(github):
    github.incomplete_answers = 100
    answer = find(github)
    assert len(answer.repositories) == 5
    assert "incomplete 3 times" in answer.shortfalls[0]
    assert len(github.requests) == 9


def test_results_that_one_order_drops_are_found_by_another(github):
    github.omitted_one_in = 5
    answer = find(github)
    assert (len(answer.repositories), answer.shortfalls) == (5, ())
    assert {request.query["sort"] for request in github.requests} >= {"stars", "forks"}


def test_results_that_are_counted_and_never_listed_are_asked_for_a_bounded_number_of_times_and_told(github):
    github.total_count = 8
    answer = find(github)
    assert len(answer.repositories) == 5
    assert "counts 3 repositories that it did not list in any order" in answer.shortfalls[0]
    assert [request.query["sort"] for request in github.requests] == ["stars"] * 3 + ["forks"] * 3 + ["updated"] * 3


def test_more_than_a_thousand_results_are_found_slice_by_slice():
    with GitHubServer() as github:
        for number in range(1, 1051):
            created = stamp(FIRST_DAY + datetime.timedelta(days=number * 6))
            github.add(f"ada/cluster-{number}", number=number, topics=("many",), created_at=created)
        answer = find(github, "topic:many")
        assert len(answer.repositories) == 1050
        assert answer.shortfalls == ()
        assert len(github.requests) <= 14


def test_a_repository_of_this_minute_is_found_even_where_our_clock_is_late(github):
    for number in range(6, 9):
        github.add(f"bob/ops-{number}", number=number, topics=("kubesearch",), created_at=stamp(NOW + 60 * SECOND))
    assert len(find(github, reachable=5).repositories) == 8


def test_a_second_with_more_results_than_one_search_can_reach_is_named(github):
    answer = find(github, reachable=4)
    assert len(answer.repositories) == 4
    (reason,) = answer.shortfalls
    assert "5 repositories match created:2021-03-04T05:06:07Z..2021-03-04T05:06:07Z, 1 are out of reach" in reason


times = st.one_of(
    st.integers(0, 6).map(lambda seconds: NOW - seconds * SECOND),
    st.integers(0, 10**4).map(lambda hours: NOW - datetime.timedelta(hours=hours)),
    st.datetimes(datetime.datetime(2008, 1, 1), datetime.datetime(2025, 6, 15), timezones=st.just(datetime.UTC)),
)


@pytest.fixture(scope="module")
def crowded():
    with GitHubServer(largest_page=3) as server:
        yield server


@settings(max_examples=25, deadline=None)
@given(st.lists(times, max_size=9), st.integers(1, 5))
def test_every_repository_is_found_or_its_second_named_and_no_slice_is_asked_for_twice(crowded, created, reachable):
    crowded.repositories.clear()
    crowded.requests.clear()
    for number, time in enumerate(created, start=1):
        crowded.add(f"ada/cluster-{number}", number=number, topics=("many",), created_at=stamp(time))
    answer = find(crowded, "topic:many", reachable)
    found = {repository.id for repository in answer.repositories}
    assert len(found) == len(answer.repositories)
    lost = {stamp(time) for number, time in enumerate(created, start=1) if number not in found}
    named = {match[1] for text in answer.shortfalls for match in [re.search(r"created:(\S+)\.\.\1,", text)] if match}
    assert lost <= named
    assert len(named) == len(answer.shortfalls)
    asked = [(request.query["q"], request.query.get("page")) for request in crowded.requests]
    assert len(set(asked)) == len(asked)


@given(st.lists(times, max_size=20), st.integers(2, 7), times, times)
def test_the_cuts_of_a_slice_lie_end_to_end(created, parts, one, other):
    whole = Slice(min(one, other).replace(microsecond=0), max(one, other).replace(microsecond=0))
    cuts = whole.cut(created, parts)
    assert (cuts[0].first, cuts[-1].last) == (whole.first, whole.last)
    assert all(earlier.last + SECOND == later.first for earlier, later in itertools.pairwise(cuts))
    assert all(cut.first <= cut.last for cut in cuts)
    assert len(cuts) > 1 or whole.first == whole.last


def test_a_page_that_fails_keeps_the_pages_before_it(github):
    github.fail(SEARCH, None, None, *[html(502)] * ATTEMPTS)
    answer = find(github)
    assert len(answer.repositories) == 4
    assert answer.shortfalls[0].startswith("page 3 of the search failed")


def test_a_slice_that_fails_keeps_the_others(github):
    for number in range(6, 9):
        github.add(f"bob/ops-{number}", number=number, topics=("kubesearch",), created_at="2024-01-01T00:00:00Z")
    github.fail(SEARCH, None, *[html(502)] * ATTEMPTS)
    answer = find(github, reachable=5)
    assert {"ada/cluster-1", "bob/ops-6"} & set(names(answer)) == {"bob/ops-6"}
    assert answer.shortfalls[0].startswith("page 1 of the search failed")


def test_a_host_that_answers_no_slice_is_given_up(github):
    for number in range(12, 26):
        created = f"20{number - 2:02}-01-01T00:00:00Z"
        topics = ("kubesearch",)
        github.add(f"bob/ops-{number}", number=number, topics=topics, created_at=created, stargazers_count=number * 9)
    github.fail(SEARCH, None, *[html(502)] * 100)
    answer = find(github, reachable=5)
    assert "parts of the search were not asked for" in answer.shortfalls[-1]
    assert len(github.requests) == 1 + 2 * ATTEMPTS
    assert len(answer.repositories) == 2


def test_an_exhausted_search_limit_is_a_failure_of_the_topic(github):
    github.fail(SEARCH, rate_limited(NOW.timestamp() + 3600, resource="search"))
    found = find_topic(github, "kubesearch")
    assert found.repositories == ()
    assert "search rate limit" in found.failures[0].reason


def test_a_next_page_that_points_back_ends_the_search(github):
    github.next_link = f"{github.url}{SEARCH}?q=topic:kubesearch"
    answer = find(github)
    assert answer.repositories
    assert "points back" in answer.shortfalls[0]
    assert len(github.requests) == 2


def test_a_next_page_on_another_host_ends_the_search_and_keeps_what_came(github):
    github.next_link = "https://example.org/search/repositories?page=2"
    answer = find(github)
    assert len(answer.repositories) == 2
    assert "points to example.org" in answer.shortfalls[0]


def test_a_result_that_is_no_repository_is_told_and_the_others_stay(github):
    github.add("bob/ops", number=9, topics=("kubesearch",), size="large")
    answer = find(github)
    assert len(answer.repositories) == 5
    assert answer.shortfalls == ("one search result is no repository object (wrong: size). It was left out",)


def test_an_answer_that_is_no_page_of_results_is_told(github):
    github.fail(SEARCH, Reply(200, ["nothing"]))
    assert "not a page of search results" in find(github).shortfalls[0]


def test_half_a_character_in_a_description_is_replaced(github):
    github.add("bob/ops", number=9, topics=("rare",), description="broken \ud83d emoji")
    assert find(github, "topic:rare").repositories[0].description == "broken ? emoji"
