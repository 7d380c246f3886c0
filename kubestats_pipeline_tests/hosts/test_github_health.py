"""What the doctor is told of a GitHub: who the token is, its scopes, what is left; never the token."""

import pytest

from kubestats_pipeline.hosts.errors import UnauthorizedError
from kubestats_pipeline.hosts.github.health import describe_github
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline_tests.hosts.github_server import GitHubServer, Reply

TOKEN = "ghp_0123456789abcdef"


@pytest.fixture
def github():
    with GitHubServer() as server:
        server.tokens = {TOKEN}
        yield server


def described(github: GitHubServer, token: str | None = TOKEN) -> str:
    text = describe_github(GitHubSettings(api_url=github.url, token=token))
    assert TOKEN not in text
    return text


def test_a_token_is_told_by_its_owner_and_its_scopes(github):
    assert "as ada (scopes: public_repo), core: 4999 of 5000" not in described(github)  # the limits are read first
    assert "as ada (scopes: public_repo), core: 4999 of 5000 calls left" in described(github)
    github.scopes = ""
    assert "as ada (scopes: none, which suffices)" in described(github)
    github.scopes = None
    assert "as ada (a token that does not name its scopes)" in described(github)


def test_what_is_left_of_every_bucket_is_told_and_when_an_empty_one_is_full_again(github):
    github.empty("search", 4_000_000_000)
    text = described(github, None)
    assert "as nobody (set GITHUB_TOKEN for higher limits)" in text
    assert "search: 0 of 5000 calls left until 07:06:40 UTC" in text
    assert "graphql: 5000 of 5000 calls left" in text


def test_a_token_of_an_app_that_is_nobody_can_still_be_used(github):
    github.fail("/user", Reply(403, {"message": "Resource not accessible by integration"}))
    assert "as somebody whom it does not name" in described(github)


def test_a_wrong_token_is_an_error_that_does_not_repeat_it(github):
    with pytest.raises(UnauthorizedError, match="Renew") as error:
        describe_github(GitHubSettings(api_url=github.url, token="ghp_wrong"))
    assert "ghp_wrong" not in str(error.value)
