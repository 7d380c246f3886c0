"""What the little GitHub answers about repositories, searches, limits and the token's owner.

The grammar of a search is that of GitHub's, as far as it is used: `topic:`, `user:`, `fork:true`, `created:a..b` with
inclusive ends; anything else is refused.
"""

import datetime
import functools
import re
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from kubestats_pipeline_tests.hosts.github_wire import NOT_FOUND, Reply, Request, invalid, route

if TYPE_CHECKING:
    from kubestats_pipeline_tests.hosts.github_server import GitHubServer

Hit = dict[str, Any]

PARAMETERS = {"q", "sort", "order", "per_page", "page"}
SORTS = {"stars": "stargazers_count", "forks": "forks_count", "updated": "updated_at"}


@route("GET", r"/search/repositories", bucket="search")
def search(github: "GitHubServer", request: Request) -> Reply:
    if set(request.query) - PARAMETERS or request.query.get("sort", "stars") not in SORTS:
        return invalid()
    try:
        keep = _filters(request.query.get("q", ""))
        per_page = min(int(request.query.get("per_page", "30")), 100, github.largest_page)
        page = int(request.query.get("page", "1"))
    except ValueError:
        return invalid()
    if per_page * (page - 1) >= github.reachable:
        return invalid(f"Only the first {github.reachable} search results are available")
    hits = _sorted([one for one in github.repositories.values() if all(fits(one) for fits in keep)], request.query)
    hits = [one for one in hits if one["id"] not in github.refusals]
    listed = hits[: github.reachable]
    items = [one for one in listed[per_page * (page - 1) : per_page * page] if not _is_omitted(github, request, one)]
    headers = _link(github, request, page) if per_page * page < len(listed) else {}
    return Reply(200, _search_body(github, hits, items), headers)


def _filters(query: str) -> list[Callable[[Hit], bool]]:
    """What each word of a query asks for.

    Raises:
        ValueError: a word that GitHub would not understand, or none at all.
    """
    words = query.split()
    if not any(re.fullmatch(r"(topic|user):[A-Za-z0-9-]+", word) for word in words):
        raise ValueError(query)
    filters = [_filter(word) for word in words]
    return filters if "fork:true" in words else [*filters, lambda one: not one["fork"]]


def _filter(word: str) -> Callable[[Hit], bool]:
    name, _, value = word.partition(":")
    if name == "topic":
        return lambda one: value in one["topics"]
    if name == "user":
        return lambda one: one["owner"]["login"].lower() == value.lower()
    if name == "created":
        first, last = (_seconds(end) for end in value.split(".."))
        return lambda one: first <= _seconds(one["created_at"]) <= last
    if word == "fork:true":
        return lambda one: True
    raise ValueError(word)


@functools.cache
def _seconds(text: str) -> float:
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp()


def _sorted(hits: list[Hit], query: Any) -> list[Hit]:
    key, is_ascending = SORTS[query.get("sort", "stars")], query.get("order") == "asc"
    return sorted(sorted(hits, key=lambda one: one["id"]), key=lambda one: one[key], reverse=not is_ascending)


def _is_omitted(github: "GitHubServer", request: Request, one: Hit) -> bool:
    """The same hits every time, and others in another order."""
    seed = f"{request.query.get('sort')} {request.query.get('order')} {one['id']}"
    return github.omitted_one_in > 0 and zlib.crc32(seed.encode()) % github.omitted_one_in == 0


def _search_body(github: "GitHubServer", hits: list[Hit], items: list[Hit]) -> dict[str, Any]:
    incomplete, github.incomplete_answers = github.incomplete_answers > 0, max(github.incomplete_answers - 1, 0)
    told = [{name: fact for name, fact in one.items() if name != "subscribers_count"} for one in items]
    total = len(hits) if github.total_count is None else github.total_count
    return {"total_count": total, "incomplete_results": incomplete, "items": told}


def _link(github: "GitHubServer", request: Request, page: int) -> dict[str, str]:
    query = urlencode({**request.query, "page": str(page + 1)})
    following = github.next_link or f"{github.url}{request.path}?{query}"
    return {"Link": f'<{github.url}{request.path}?page=1>; rel="first", <{following}>; rel="next"'}


@route("GET", r"/repos/([^/]+/[^/]+)")
def by_name(github: "GitHubServer", request: Request, full_name: str) -> Reply:
    repository = github.find(full_name)
    if repository:
        return github.refusals.get(repository["id"]) or Reply(200, repository)
    number = github.old_names.get(full_name.lower())
    if number in github.repositories:
        return Reply(301, {"message": "Moved Permanently"}, {"Location": f"{github.url}/repositories/{number}"})
    return NOT_FOUND


@route("GET", r"/repositories/(\d+)")
def by_id(github: "GitHubServer", request: Request, number: str) -> Reply:
    repository = github.repositories.get(int(number))
    return github.refusals.get(int(number)) or (Reply(200, repository) if repository else NOT_FOUND)


@route("GET", r"/rate_limit", bucket=None)
def rate_limit(github: "GitHubServer", request: Request) -> Reply:
    return Reply(200, {"resources": {bucket: _rate(github, bucket) for bucket in github.limits}})


def _rate(github: "GitHubServer", bucket: str) -> dict[str, int]:
    limit, remaining = github.limits[bucket], github.remaining[bucket]
    return {"limit": limit, "used": limit - remaining, "remaining": remaining, "reset": int(github.resets[bucket])}


@route("GET", r"/user")
def user(github: "GitHubServer", request: Request) -> Reply:
    if "authorization" not in request.headers:
        return Reply(401, {"message": "Requires authentication"})
    headers = {} if github.scopes is None else {"X-OAuth-Scopes": github.scopes}
    return Reply(200, {"login": github.login, "id": 7, "type": "User"}, headers)
