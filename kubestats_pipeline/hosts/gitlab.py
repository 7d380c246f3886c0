"""GitLab's dialect of the client, and the two questions that discovery asks: who carries a topic, and who has an id.

GitLab's REST API needs no token for public projects. The calls themselves are made by `client.py`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from kubestats_pipeline.hosts.client import HostClient
from kubestats_pipeline.hosts.errors import HostError, MisdirectedError, UnavailableError, rate_limited
from kubestats_pipeline.hosts.fields import Text, Time
from kubestats_pipeline.hosts.limits import Rate
from kubestats_pipeline.hosts.messages import Host, Response
from kubestats_pipeline.setting_sections import GitLabSettings
from kubestats_pipeline.settings import SettingsError

PER_PAGE = "100"
LONGEST_WAIT = 86_400.0
"""Longest wait that is believed, in seconds."""


class GitLabClient(HostClient):
    """A connection to one GitLab.

    Raises:
        SettingsError: the token cannot be one.
    """

    def __init__(
        self,
        settings: GitLabSettings,
        *,
        folder: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        host = Host(
            name="GitLab",
            section="gitlab",
            token_name="gitlab.token",  # noqa: S106 - what it is called, not what it is
            api_url=settings.api_url,
            headers=_headers(settings),
            timeout_seconds=settings.timeout_seconds,
            max_wait_seconds=settings.max_wait_seconds,
        )
        super().__init__(host, folder=folder, sleep=sleep, clock=clock)

    def rate_of(self, response: Response) -> Rate | None:
        """Its headers, where an instance has limits (GitLab documentation, "rate limits")."""
        remaining = response.headers.get("ratelimit-remaining", "")
        reset = response.headers.get("ratelimit-reset", "")
        if not (remaining.isdecimal() and reset.isdecimal()):
            return None
        return Rate("core", int(remaining), min(float(reset) + 1, self.clock() + LONGEST_WAIT))

    def failure_of(self, response: Response) -> HostError:
        """A 429 says how long to wait."""
        retry_after = response.headers.get("retry-after", "")
        if response.status == 429 and retry_after.isdecimal():
            wait = min(float(retry_after), LONGEST_WAIT)
            return rate_limited(response.url.path, "core", wait, self.clock() + wait, self.host)
        return super().failure_of(response)


class _ProjectLicense(BaseModel):
    name: Text | None = None


class Project(BaseModel):
    """The fields of GitLab's project object that are used here. All others are ignored."""

    id: int
    path_with_namespace: Text = Field(pattern=r"^[^/\s]+(/[^/\s]+)+$")
    http_url_to_repo: Text
    web_url: Text
    visibility: str = "public"
    description: Text | None = None
    topics: list[Text] = Field(default_factory=list)
    license: _ProjectLicense | None = None
    default_branch: Text | None = None
    archived: bool | None = None
    forked_from_project: dict[str, object] | None = None
    created_at: Time | None = None
    last_activity_at: Time | None = None
    star_count: int | None = None
    forks_count: int | None = None
    open_issues_count: int | None = None


@dataclass(frozen=True)
class ProjectSearch:
    """The projects that were found, each once, and why there may be more."""

    projects: tuple[Project, ...]
    shortfalls: tuple[str, ...]


def search_topic(client: GitLabClient, topic: str) -> ProjectSearch:
    """All public projects with a topic. A failure is reported beside the projects that came before it."""
    found: dict[int, Project] = {}
    shortfalls: list[str] = []
    address: str | None = "/projects"
    parameters: dict[str, str] | None = {
        **{"topic": topic, "visibility": "public", "per_page": PER_PAGE},
        **{"pagination": "keyset", "order_by": "id", "sort": "asc"},
    }
    asked: set[str] = set()
    try:
        while address:
            if address in asked:
                raise MisdirectedError("its link to the next page points back. Check gitlab.api_url")
            asked.add(address)
            answer = client.get(address, parameters)
            projects = _read_page(answer.content)
            found |= {project.id: project for project in projects if project}
            shortfalls += ["one result is not a project. It was left out"] * projects.count(None)
            address, parameters = answer.next_url, None
    except HostError as error:
        shortfalls.append(f"page {len(asked)} of the search failed: {error}")
    return ProjectSearch(tuple(found.values()), tuple(shortfalls))


def get_project(client: GitLabClient, number: int) -> Project:
    """The project with an id, whatever its path.

    Raises:
        NotFoundError: it does not exist, or the token may not see it.
        HostError: any other failure of the call.
    """
    project = _read_project(client.get(f"/projects/{number}", {"license": "true"}).content)
    if project is None:
        raise UnavailableError(f"/projects/{number} gave no project. Check gitlab.api_url")
    return project


def _read_page(content: object) -> list[Project | None]:
    if not isinstance(content, list):
        raise UnavailableError("the answer is not a list of projects. Check gitlab.api_url")
    return [_read_project(item) for item in content]


def _read_project(content: object) -> Project | None:
    try:
        return Project.model_validate(content)
    except ValidationError:
        return None


def _headers(settings: GitLabSettings) -> dict[str, str]:
    token = settings.token.get_secret_value().strip() if settings.token else ""
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingsError("gitlab.token: holds blanks, line breaks or letters that no token has")
    return {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
