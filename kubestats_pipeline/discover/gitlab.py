"""GitLab as a second host: its topics as a source, its project ids as a witness.

The source and the witness are those of `sources.py`. This is all that a further host takes. A GitLab
gives neither pushes nor subscribers nor sizes, so those stay null, and the sweeps of sync find what is new.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from kubestats_pipeline.discover.clone_urls import WEB, screened_url
from kubestats_pipeline.discover.records import Found, FoundRepository, SourceFailure, join_found
from kubestats_pipeline.discover.sources import CONFIRMATIONS, Known, Testimony
from kubestats_pipeline.hosts.errors import GoneError, HostError, NotFoundError, PermanentError
from kubestats_pipeline.hosts.gitlab import GitLabClient, Project, get_project, search_topic

PUBLIC_GITLAB = "gitlab.com"

Connect = Callable[[], GitLabClient]


@dataclass(frozen=True)
class GitLabTopics:
    """The public projects of one GitLab that carry one of some topics."""

    topics: tuple[str, ...]
    connect: Connect
    forks: bool = False

    def find(self) -> Found:
        """Search each topic. A topic that fails does not stop the others."""
        with self.connect() as client:
            return join_found([self._search(client, topic) for topic in self.topics])

    def _search(self, client: GitLabClient, topic: str) -> Found:
        answer = search_topic(client, topic)
        kept = [project for project in answer.projects if self.forks or project.forked_from_project is None]
        nothing = "GitLab knows no public project with this topic. Correct gitlab.topics"
        reasons = answer.shortfalls or (() if kept else (nothing,))
        tag = frozenset({topic})
        return Found(
            tuple(to_record(project, _schemes(client), tags=(topic,)) for project in kept),
            tuple(SourceFailure(f"gitlab topic:{topic}", reason) for reason in reasons),
            asked=tag,
            complete=frozenset() if reasons else tag,
        )


@dataclass(frozen=True)
class GitLabWitness:
    """One GitLab, asked for projects by their ids, one call each."""

    host: str
    connect: Connect
    name: str = "gitlab"
    gives_watchers: bool = False

    def knows(self, repository_id: str) -> bool:
        """True if this GitLab gave the id."""
        kind, _, rest = repository_id.partition(":")
        return kind == "gitlab" and (rest.partition("@")[2] or PUBLIC_GITLAB) == self.host

    def describe(self, known: Sequence[Known]) -> Testimony:
        """The same as `confirm`, because GitLab has no query for many."""
        return self.confirm(known)

    def confirm(self, known: Sequence[Known]) -> Testimony:
        """One call each. A first failure that asking again might mend ends it."""
        testimony = Testimony()
        if not known:
            return testimony
        with self.connect() as client:
            for repository in known[:CONFIRMATIONS]:
                try:
                    project = get_project(client, _number(repository.repository_id))
                    self._take(testimony, repository, project, _schemes(client))
                except (NotFoundError, GoneError):
                    testimony.gone[repository.repository_id] = "GitLab answers 404: deleted or private"
                except PermanentError as error:
                    testimony.failures.append(f"{repository.full_name}: {error}")
                except HostError as error:
                    testimony.failures.append(f"{error} (it was asked about {repository.full_name})")
                    break
        return testimony

    def _take(self, testimony: Testimony, known: Known, project: Project, schemes: Sequence[str]) -> None:
        if project.visibility != "public" and not known.is_listed:
            testimony.gone[known.repository_id] = "GitLab says that it is not public now"
        else:
            testimony.found.append(to_record(project, schemes))


def to_record(project: Project, schemes: Sequence[str] = WEB, *, tags: tuple[str, ...] = ()) -> FoundRepository:
    """The record of a project that `tags` found. Git may fetch it by `schemes`.

    The id of a GitLab other than the public one ends with its host.
    """
    host = (urlsplit(project.web_url).hostname or PUBLIC_GITLAB).lower()
    owner, _, name = project.path_with_namespace.rpartition("/")
    return FoundRepository(
        repository_id=f"gitlab:{project.id}" + ("" if host == PUBLIC_GITLAB else f"@{host}"),
        host=host,
        full_name=f"{host}/{project.path_with_namespace}",
        owner=owner,
        name=name,
        clone_url=screened_url(project.http_url_to_repo, schemes),
        discovery_tags=tags,
        html_url=project.web_url,
        description=project.description,
        topics=tuple(sorted(project.topics)),
        license_name=project.license.name if project.license else None,
        default_branch=project.default_branch,
        is_archived=project.archived,
        is_fork=project.forked_from_project is not None,
        created_at=project.created_at,
        stars_count=project.star_count,
        forks_count=project.forks_count,
        open_issues_count=project.open_issues_count,
        updated_at=project.last_activity_at,
    )


def _schemes(client: GitLabClient) -> tuple[str, ...]:
    """A GitLab that the user reaches without TLS may hand out such addresses too."""
    return (*WEB, "http") if client.host.api_url.lower().startswith("http://") else WEB


def _number(repository_id: str) -> int:
    return int(repository_id.partition(":")[2].partition("@")[0])
