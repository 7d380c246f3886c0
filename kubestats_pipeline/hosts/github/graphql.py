"""Reads answers of GitHub's GraphQL API: data for some parts of a query, problems with others, or a failure as a whole.

GraphQL answers 200 whatever happened. Failures are listed in `errors`, whose `type` is GitHub's own addition. The
client (`github/client.py`) sends the queries, `github/repositories.py` writes them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, Field, ValidationError

from kubestats_pipeline.hosts.errors import (
    HostError,
    QueryTooComplexError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from kubestats_pipeline.hosts.messages import Call, RawAnswer

NOT_FOUND = "NOT_FOUND"
"""GitHub does not have it, or the token may not see it."""

TOO_MUCH = {"MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED", "EXCESSIVE_PAGINATION"}
LIMITED = {"RATE_LIMITED", "RATE_LIMIT"}
TOO_SLOW = "something went wrong while executing your query"
"""How the message begins with which GitHub ends a query after ten seconds, without a type."""


@dataclass(frozen=True)
class QueryAnswer:
    """The answer to a query.

    Attributes:
        data: the answer to each alias. Null where there is a problem.
        problems: the type of what went wrong with an alias, such as `NOT_FOUND`.
    """

    data: Mapping[str, object]
    problems: Mapping[str, str]


class _Error(BaseModel):
    type: str = ""
    message: str = ""
    path: list[str | int] = Field(default_factory=list)


class _Body(BaseModel):
    data: dict[str, object] | None = None
    errors: list[_Error] = Field(default_factory=list)


def read_query_answer(call: Call, answer: RawAnswer) -> QueryAnswer:
    """Distinguish a whole or partial answer from a failure.

    Raises:
        RateLimitedError: the points of this hour are used up.
        QueryTooComplexError: the query took too long or asks for too much.
        RejectedError: the query is wrong.
        UnavailableError: the answer is not one of GraphQL.
    """
    path = call.url.path
    try:
        body = _Body.model_validate(json.loads(answer.body))
    except (ValidationError, ValueError, RecursionError):
        raise UnavailableError(f"{path} gave no GraphQL answer. Check github.api_url") from None
    problems = {str(error.path[0]): error.type or "UNKNOWN" for error in body.errors if error.path}
    whole = next((error for error in body.errors if not error.path or body.data is None), None)
    if whole or body.data is None:
        raise _failure(whole, path)
    return QueryAnswer(body.data, problems)


def _failure(error: _Error | None, path: str) -> HostError:
    if error is None:
        return UnavailableError(f"{path} answered without data. The next discovery asks again")
    if error.type in LIMITED:
        return RateLimitedError(f"{path}: the graphql rate limit is used up for a while. Wait", "graphql", None)
    if error.type in TOO_MUCH or error.message.lower().startswith(TOO_SLOW):
        return QueryTooComplexError(f"{path}: the query is too much for GitHub at once. Ask for less")
    return RejectedError(f"{path}: GitHub does not accept the query ({error.type or 'invalid'}). Update Kubestats")
