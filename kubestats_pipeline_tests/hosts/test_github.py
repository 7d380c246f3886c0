"""The client against a real HTTP server: paging, tokens, retries, limits, redirects."""

import logging
import socket

import httpx
import pytest

from kubestats_pipeline.hosts.client import ATTEMPTS
from kubestats_pipeline.hosts.errors import (
    BlockedError,
    ForbiddenError,
    GoneError,
    MisdirectedError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline.settings import SettingsError
from kubestats_pipeline_tests.hosts.github_server import (
    GitHubServer,
    Reply,
    broken_json,
    html,
    rate_limited,
    secondary_limit,
)

TOKEN = "ghp_secret0123456789"
NOW = 1_750_000_000.0
PATH = "/repos/ada/cluster"


class Naps(list):
    """Records what would have been slept, in seconds."""


@pytest.fixture
def github():
    with GitHubServer() as server:
        server.add("ada/cluster", number=1, topics=("kubesearch",))
        yield server


@pytest.fixture
def naps():
    return Naps()


@pytest.fixture
def client(github, naps):
    with connect(github.url, naps) as opened:
        yield opened


def connect(url: str, naps: Naps, **settings) -> GitHubClient:
    return GitHubClient(GitHubSettings(api_url=url, **settings), sleep=naps.append, clock=lambda: NOW)


def test_an_anonymous_call_works_and_names_its_sender_but_sends_no_token(github, client):
    assert client.get(PATH).content["full_name"] == "ada/cluster"
    (request,) = github.requests
    assert request.headers["user-agent"].startswith("kubestats/")
    assert request.headers["accept"] == "application/vnd.github+json"
    assert request.headers["x-github-api-version"] == "2022-11-28"
    assert "authorization" not in request.headers


def test_the_little_github_refuses_callers_without_a_user_agent(github):
    with httpx.Client() as anonymous:
        request = anonymous.build_request("GET", f"{github.url}{PATH}")
        del request.headers["User-Agent"]
        assert anonymous.send(request).status_code == 403


def test_a_token_travels_only_as_a_header_and_is_never_shown(github, naps, caplog):
    github.tokens.add(TOKEN)
    settings = GitHubSettings(api_url=github.url, token=f"{TOKEN}\n")
    with caplog.at_level(logging.DEBUG), GitHubClient(settings, sleep=naps.append) as client:
        client.get(PATH)
        assert TOKEN not in repr(client)
    (request,) = github.requests
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in f"{request.path} {request.query}"
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "clé"])
def test_a_token_that_cannot_be_one_stops_before_any_call_and_is_not_quoted(token):
    with pytest.raises(SettingsError, match="GITHUB_TOKEN") as caught:
        GitHubClient(GitHubSettings(token=token))
    assert token not in str(caught.value)


def test_a_wrong_token_is_told_as_such_and_not_retried(github, naps):
    with connect(github.url, naps, token=TOKEN) as client, pytest.raises(UnauthorizedError, match="Renew") as caught:
        client.get(PATH)
    assert TOKEN not in str(caught.value)
    assert (len(github.requests), naps) == (1, [])


def test_a_next_page_on_another_host_is_refused_and_never_asked(github, naps):
    github.tokens.add(TOKEN)
    with GitHubServer() as stranger, connect(github.url, naps, token=TOKEN) as client:
        for address in (f"{stranger.url}{PATH}", f"https://127.0.0.1{PATH}", "http://localhost/x"):
            with pytest.raises(MisdirectedError, match="points to"):
                client.get(address)
        assert stranger.requests == []


def test_a_redirect_to_another_host_is_refused_and_never_followed(github, naps):
    github.tokens.add(TOKEN)
    with GitHubServer() as stranger, connect(github.url, naps, token=TOKEN) as client:
        github.fail(PATH, Reply(301, {}, {"Location": f"{stranger.url}{PATH}"}))
        with pytest.raises(MisdirectedError):
            client.get(PATH)
        assert stranger.requests == []


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(301, {}, {"Location": "http://x:port/"}), UnavailableError),
        (Reply(200, {}, {"Link": '<http://x:port/>; rel="next"'}), MisdirectedError),
    ],
)
def test_a_link_that_is_no_url_is_a_failure_of_the_call(github, client, reply, kind):
    github.fail(PATH, *[reply] * ATTEMPTS)
    with pytest.raises(kind):
        client.get(PATH)


def test_a_renamed_repository_is_found_through_its_id(github, client):
    github.rename(1, "ada/home-ops")
    assert client.get(PATH).content["full_name"] == "ada/home-ops"
    assert [request.path for request in github.requests] == [PATH, "/repositories/1"]


def test_a_redirect_in_circles_ends(github, client):
    github.fail(PATH, *[Reply(302, {}, {"Location": PATH})] * 20)
    with pytest.raises(MisdirectedError, match="more than 5 times"):
        client.get(PATH)
    assert len(github.requests) == 6


@pytest.mark.parametrize("fault", [html(502), Reply(500, {}), broken_json(), html(200), Reply(503, b"")])
def test_a_passing_trouble_is_retried_until_the_answer_comes(github, client, naps, fault):
    github.fail(PATH, fault, fault)
    assert client.get(PATH).content["id"] == 1
    assert len(naps) == 2
    assert 1 <= naps[0] <= 1.5
    assert 2 <= naps[1] <= 3


@pytest.mark.parametrize("fault", [html(502), broken_json()])
def test_a_lasting_trouble_ends_after_a_bounded_number_of_attempts(github, client, naps, fault):
    github.fail(PATH, *[fault] * 10)
    with pytest.raises(UnavailableError, match="The next discovery asks again"):
        client.get(PATH)
    assert len(github.requests) == ATTEMPTS
    assert sum(naps) <= 1.5 + 3 + 6


def test_a_dead_host_is_unavailable(naps):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with connect(url, naps) as client, pytest.raises(UnavailableError, match="Check the network"):
            client.get(PATH)
    assert len(naps) == ATTEMPTS - 1


def test_a_silent_host_is_given_up_after_the_time_out(naps):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with connect(url, naps, timeout_seconds=0.05) as client, pytest.raises(UnavailableError, match="ReadTimeout"):
            client.get(PATH)


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_that_ends_soon_is_waited_for(github, client, naps, status):
    github.fail(PATH, rate_limited(NOW + 40, status=status))
    assert client.get(PATH).content["id"] == 1
    assert naps == [41]


def test_a_limit_that_ends_late_fails_at_once_and_says_when_it_ends(github, client, naps):
    github.fail(PATH, rate_limited(NOW + 3000))
    with pytest.raises(
        RateLimitedError, match=r"core rate limit is used up until 2025-06-15 15:56:41 UTC.*GITHUB_TOKEN"
    ):
        client.get(PATH)
    assert (len(github.requests), naps) == (1, [])


def test_waits_for_limits_are_bounded_in_sum(github, client, naps):
    github.fail(PATH, *[rate_limited(NOW + 49)] * 5)
    with pytest.raises(RateLimitedError):
        client.get(PATH)
    assert naps == [50, 50]


def test_a_secondary_limit_waits_as_long_as_it_asks(github, client, naps):
    github.fail(PATH, secondary_limit(7), secondary_limit(9, status=429))
    assert client.get(PATH).content["id"] == 1
    assert naps == [7, 9]


def test_a_secondary_limit_without_a_time_waits_a_minute_then_longer_then_gives_up(github, naps):
    github.fail(PATH, *[secondary_limit()] * 5)
    with connect(github.url, naps, max_wait_seconds=200) as client, pytest.raises(RateLimitedError, match="secondary"):
        client.get(PATH)
    assert naps == [60, 120]


BLOCK = Reply(403, {"message": "Repository access blocked", "block": {"reason": "tos"}})


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (BLOCK, BlockedError),
        (Reply(403, {"message": "Resource not accessible"}), ForbiddenError),
        (Reply(404, {"message": "Not Found"}), NotFoundError),
        (Reply(410, {"message": "Gone"}), GoneError),
        (Reply(451, {"message": "Repository access blocked"}), GoneError),
        (Reply(422, {"message": "Validation Failed"}), RejectedError),
    ],
)
def test_a_permanent_no_has_its_own_type_and_is_asked_once(github, client, naps, reply, kind):
    github.fail(PATH, reply)
    with pytest.raises(kind, match=rf"{PATH} answered {reply.status}"):
        client.get(PATH)
    assert (len(github.requests), naps) == (1, [])


def test_an_api_below_a_path_is_asked_below_that_path(github, naps):
    with connect(f"{github.url}/api/v3/", naps) as client, pytest.raises(NotFoundError):
        client.get(PATH)
    assert github.requests[0].path == f"/api/v3{PATH}"
