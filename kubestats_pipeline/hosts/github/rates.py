"""The caller as GitHub sees it: the calls left in each rate bucket, and the owner of the token.

The first costs nothing, the second one call. Repositories are `github/repositories.py`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from kubestats_pipeline.hosts.errors import UnavailableError
from kubestats_pipeline.hosts.github.client import GitHubClient


class Bucket(BaseModel):
    """One rate bucket: the calls of a full one, those that are left, and when it is full again in epoch seconds."""

    limit: int
    remaining: int
    reset: int


class _Rates(BaseModel):
    resources: dict[str, Bucket]


class _User(BaseModel):
    login: str


@dataclass(frozen=True)
class TokenOwner:
    """The owner of a token.

    Attributes:
        scopes: what a classic token may do. None for a fine-grained one, which does not say.
    """

    login: str
    scopes: tuple[str, ...] | None


def read_buckets(client: GitHubClient) -> Mapping[str, Bucket]:
    """Every rate bucket by name. GitHub does not count this call.

    Raises:
        HostError: GitHub gives no usable answer.
    """
    try:
        return _Rates.model_validate(client.get("/rate_limit", remember=False).content).resources
    except ValidationError:
        raise UnavailableError("/rate_limit does not name the limits. Check github.api_url") from None


def read_rates(client: GitHubClient) -> dict[str, int]:
    """The calls that are left in each bucket. Raises as `read_buckets` does."""
    return {name: bucket.remaining for name, bucket in read_buckets(client).items()}


def read_token_owner(client: GitHubClient) -> TokenOwner:
    """The owner of the token, for one call of the core bucket.

    Raises:
        UnauthorizedError: the token is missing, or GitHub does not accept it.
        HostError: any other failure of the call.
    """
    answer = client.get("/user", remember=False)
    try:
        login = _User.model_validate(answer.content).login
    except ValidationError:
        raise UnavailableError("/user does not say who the token is. Check github.api_url") from None
    scopes = answer.headers.get("x-oauth-scopes")
    return TokenOwner(login, None if scopes is None else tuple(s.strip() for s in scopes.split(",") if s.strip()))
