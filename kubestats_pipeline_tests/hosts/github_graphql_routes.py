"""The GraphQL side of the little GitHub: enough of the language for queries of repositories by name, and no leniency.

A query is parsed and checked against a small schema before anything is answered: unknown fields, missing or undeclared
variables, a missing selection and trailing text are errors of the whole query, as at GitHub.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubestats_pipeline_tests.hosts.github_wire import Reply, Request, html, route

if TYPE_CHECKING:
    from kubestats_pipeline_tests.hosts.github_server import GitHubServer

TOKEN = re.compile(r"[\s,]*(\.\.\.|[A-Za-z_]\w*|\$\w+|\d+|[{}():!])")

NAMED, COUNTED = {"name": None}, {"totalCount": None}
PLAIN = [
    "databaseId",
    "nameWithOwner",
    "isPrivate",
    "url",
    "description",
    "isArchived",
    "isFork",
    "isTemplate",
    "createdAt",
    "pushedAt",
    "updatedAt",
    "stargazerCount",
    "forkCount",
    "diskUsage",
]
REPOSITORY: dict[str, Any] = dict.fromkeys(PLAIN) | {
    "primaryLanguage": NAMED,
    "licenseInfo": {"name": None, "spdxId": None},
    "defaultBranchRef": NAMED,
    "repositoryTopics": {"nodes": {"topic": NAMED}},
    "watchers": COUNTED,
    "issues": COUNTED,
    "pullRequests": COUNTED,
}
"""The fields of a repository, those with fields of their own below them."""

ARGUMENTS = {
    "repository": {"owner", "name", "followRenames"},
    "repositoryTopics": {"first"},
    "issues": {"states"},
    "pullRequests": {"states"},
}


@dataclass(frozen=True)
class Field:
    """`alias: name(arguments) { selection }`."""

    alias: str
    name: str
    arguments: Mapping[str, str]
    selection: tuple["Field | str", ...]


class QueryError(Exception):
    """The query is wrong."""


@route("POST", r"/(?:api/)?graphql", bucket="graphql")
def graphql(github: "GitHubServer", request: Request) -> Reply:
    if "authorization" not in request.headers:
        return Reply(401, {"message": "This endpoint requires you to be authenticated."})
    try:
        if set(request.body) != {"query", "variables"}:
            raise QueryError("give a query and its variables")
        return _answer(github, request.body["query"], request.body["variables"])
    except QueryError as error:
        return Reply(200, {"errors": [{"message": str(error), "extensions": {"code": "invalid"}}]})


def _answer(github: "GitHubServer", text: str, variables: Mapping[str, Any]) -> Reply:
    fields, fragments = _Parser(text).document(set(variables))
    for each in fields:
        _check(each, {"repository": REPOSITORY}, fragments)
    if len(fields) > github.most_aliases:
        return html(502)
    data: dict[str, Any] = {}
    errors = []
    for each in fields:
        owner, name = (variables[each.arguments[part].removeprefix("$")] for part in ("owner", "name"))
        repository = _resolve(github, f"{owner}/{name}", each.arguments["followRenames"] == "true")
        data[each.alias] = repository and _select(_facts(repository), each.selection, fragments)
        if repository is None:
            message = f"Could not resolve to a Repository with the name '{owner}/{name}'."
            errors.append({"type": "NOT_FOUND", "path": [each.alias], "message": message})
    return Reply(200, {"data": data, "errors": errors} if errors else {"data": data})


def _resolve(github: "GitHubServer", full_name: str, follow: bool) -> dict[str, Any] | None:
    number = github.old_names.get(full_name.lower()) if follow else None
    repository = github.find(full_name) or github.repositories.get(number or 0)
    return None if repository is None or repository["id"] in github.refusals else repository


OURS = (
    *("id", "full_name", "private", "html_url", "description", "archived", "fork", "is_template"),
    *("created_at", "pushed_at", "updated_at", "stargazers_count", "forks_count", "size"),
)
"""The names of REST for those of GraphQL in `PLAIN`."""


def _facts(one: dict[str, Any]) -> dict[str, Any]:
    """A repository as GraphQL tells it; half of what is open are pull requests."""
    named = {"primaryLanguage": "language", "defaultBranchRef": "default_branch"}
    facts = {theirs: one[ours] for theirs, ours in zip(PLAIN, OURS, strict=True)}
    facts |= {theirs: one[ours] and {"name": one[ours]} for theirs, ours in named.items()}
    license_info, pulls = one["license"], one["open_issues_count"] // 2
    return facts | {
        "licenseInfo": license_info and {"name": license_info["name"], "spdxId": license_info.get("spdx_id")},
        "repositoryTopics": {"nodes": [{"topic": {"name": topic}} for topic in one["topics"]]},
        "watchers": {"totalCount": one["subscribers_count"]},
        "issues": {"totalCount": one["open_issues_count"] - pulls},
        "pullRequests": {"totalCount": pulls},
    }


def _check(one: "Field | str", schema: Mapping[str, Any], fragments: Mapping[str, tuple[Any, ...]]) -> None:
    if isinstance(one, str):
        if one not in fragments:
            raise QueryError(f"Fragment {one} was used, but not defined")
        for each in fragments[one]:
            _check(each, schema, fragments)
        return
    if one.name not in schema:
        raise QueryError(f"Field '{one.name}' doesn't exist")
    if set(one.arguments) != ARGUMENTS.get(one.name, set()):
        raise QueryError(f"Field '{one.name}' has wrong arguments")
    below = schema[one.name]
    if (below is None) != (not one.selection):
        raise QueryError(f"Field '{one.name}' must have a selection, or must not")
    for each in one.selection:
        _check(each, below, fragments)


def _select(value: Any, selection: tuple["Field | str", ...], fragments: Mapping[str, tuple[Any, ...]]) -> Any:
    if value is None or not selection:
        return value
    if isinstance(value, list):
        return [_select(each, selection, fragments) for each in value]
    flat = [field for one in selection for field in (fragments[one] if isinstance(one, str) else (one,))]
    return {field.alias: _select(value[field.name], field.selection, fragments) for field in flat}


class _Parser:
    """Reads one document: a query with declared variables, then fragments on Repository."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0

    def document(self, variables: set[str]) -> tuple[tuple[Field, ...], dict[str, tuple[Any, ...]]]:
        self._take("query", "(")
        declared = set()
        while self._peek() != ")":
            declared.add(self._next().removeprefix("$"))
            self._take(":", "String", "!")
        self._take(")")
        if declared != variables:
            raise QueryError("Variables are missing or not declared")
        fields, fragments = self._selection(), {}
        while self._peek():
            self._take("fragment")
            name = self._next()
            self._take("on", "Repository")
            fragments[name] = self._selection()
        if not all(isinstance(each, Field) for each in fields):
            raise QueryError("Fragment on Query")
        return fields, fragments  # type: ignore[return-value]

    def _selection(self) -> tuple[Field | str, ...]:
        self._take("{")
        chosen: list[Field | str] = []
        while self._peek() != "}":
            chosen.append(self._spread() if self._peek() == "..." else self._field())
        self._take("}")
        return tuple(chosen)

    def _spread(self) -> str:
        self._take("...")
        return self._next()

    def _field(self) -> Field:
        alias = name = self._next()
        if self._peek() == ":":
            self._take(":")
            name = self._next()
        arguments: dict[str, str] = {}
        if self._peek() == "(":
            self._take("(")
            while self._peek() != ")":
                argument = self._next()
                self._take(":")
                arguments[argument] = self._next()
            self._take(")")
        return Field(alias, name, arguments, self._selection() if self._peek() == "{" else ())

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _next(self) -> str:
        self._place += 1
        if self._place > len(self._tokens):
            raise QueryError("Expected more, actual: end of file")
        return self._tokens[self._place - 1]

    def _take(self, *expected: str) -> None:
        for each in expected:
            if (found := self._next()) != each:
                raise QueryError(f"Expected {each}, actual: {found}")


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text.rstrip()):
        match = TOKEN.match(text, place)
        if not match:
            raise QueryError("Parse error")
        yield match[1]
        place = match.end()
