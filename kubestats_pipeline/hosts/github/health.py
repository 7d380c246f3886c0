"""The health of a GitHub in one sentence: the owner of the token, its scopes, and the calls left in each bucket.

For `kubestats doctor`, which shows it. Three calls at most, none of which is waited for.
"""

import datetime

from kubestats_pipeline.hosts.errors import ForbiddenError
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.rates import Bucket, TokenOwner, read_buckets, read_token_owner
from kubestats_pipeline.setting_sections import GitHubSettings

BUCKETS = ("core", "search", "graphql")
"""The buckets that Kubestats takes calls from."""


def describe_github(settings: GitHubSettings) -> str:
    """Describe the caller as GitHub sees it.

    Raises:
        HostError: it does not answer, or does not accept the token.
        SettingsError: the token cannot be one.
    """
    impatient = settings.model_copy(update={"max_wait_seconds": 0.0})
    with GitHubClient(impatient, sleep=lambda seconds: None) as client:
        buckets = read_buckets(client)
        who = _describe_caller(client)
        rates = [f"{name}: {_describe_bucket(buckets[name])}" for name in BUCKETS if name in buckets]
    return f"{settings.api_url} as {who}, {', '.join(rates) or 'it does not name its limits'}"


def _describe_caller(client: GitHubClient) -> str:
    if not client.has_token:
        return "nobody (set GITHUB_TOKEN for higher limits)"
    try:
        return _describe_owner(read_token_owner(client))
    except ForbiddenError as error:
        return f"somebody whom it does not name ({error})"


def _describe_owner(owner: TokenOwner) -> str:
    if owner.scopes is None:
        return f"{owner.login} (a token that does not name its scopes)"
    return f"{owner.login} (scopes: {', '.join(owner.scopes) or 'none, which suffices'})"


def _describe_bucket(bucket: Bucket) -> str:
    left = f"{bucket.remaining} of {bucket.limit} calls left"
    if bucket.remaining:
        return left
    return f"{left} until {datetime.datetime.fromtimestamp(bucket.reset, datetime.UTC):%X} UTC"
