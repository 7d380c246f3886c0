"""Reads GitHub's JSON of one repository into a record; the last place that sees a raw dictionary.

Search results and single repositories share a shape, but only the latter hold `subscribers_count`. `watchers_count` is
never read: in every listing it repeats the stars (GitHub REST documentation, "starring").
"""

from pydantic import BaseModel, Field, ValidationError

from kubestats_pipeline.discover.records import FoundRepository
from kubestats_pipeline.git.command import without_credentials
from kubestats_pipeline.hosts.errors import PermanentError
from kubestats_pipeline.hosts.fields import Text, Time


class PayloadError(PermanentError):
    """JSON that is no repository; the text names the fields, never their content."""


class _License(BaseModel):
    name: Text | None = None
    spdx_id: Text | None = None

    @property
    def label(self) -> str | None:
        return self.spdx_id if self.spdx_id and self.spdx_id != "NOASSERTION" else self.name


class RepositoryPayload(BaseModel):
    """The fields of GitHub's repository object that are used here; all others are ignored."""

    id: int
    full_name: Text = Field(pattern=r"^[^/\s]+/[^/\s]+$")
    private: bool = False
    html_url: Text | None = None
    description: Text | None = None
    language: Text | None = None
    topics: list[Text] = Field(default_factory=list)
    license: _License | None = None
    default_branch: Text | None = None
    archived: bool | None = None
    fork: bool | None = None
    is_template: bool | None = None
    created_at: Time | None = None
    pushed_at: Time | None = None
    updated_at: Time | None = None
    stargazers_count: int | None = None
    forks_count: int | None = None
    subscribers_count: int | None = None
    open_issues_count: int | None = None
    size: int | None = None


def read_payload(content: object) -> RepositoryPayload:
    """Check one repository object.

    Raises:
        PayloadError: a field that identifies it is missing, or one has another type.
    """
    try:
        return RepositoryPayload.model_validate(content)
    except ValidationError as error:
        raise unreadable(error) from None


def unreadable(error: ValidationError) -> PayloadError:
    """What is wrong with a repository object, by its fields' names alone."""
    fields = sorted({str(problem["loc"][0]) if problem["loc"] else "all" for problem in error.errors()})
    return PayloadError(f"no repository object (wrong: {', '.join(fields)})")


def to_record(payload: RepositoryPayload, *, git_url: str, tags: tuple[str, ...] = ()) -> FoundRepository:
    """The record of a repository that `tags` found; git fetches it below `git_url`."""
    owner, name = payload.full_name.split("/")
    return FoundRepository(
        repository_id=f"github:{payload.id}",
        host=_host(payload.html_url),
        full_name=payload.full_name,
        owner=owner,
        name=name,
        clone_url=f"{without_credentials(git_url).rstrip('/')}/{payload.full_name}.git",
        discovery_tags=tags,
        html_url=payload.html_url,
        description=payload.description,
        language=payload.language,
        topics=tuple(sorted(payload.topics)),
        license_name=payload.license.label if payload.license else None,
        default_branch=payload.default_branch,
        is_archived=payload.archived,
        is_fork=payload.fork,
        is_template=payload.is_template,
        created_at=payload.created_at,
        pushed_at=payload.pushed_at,
        stars_count=payload.stargazers_count,
        forks_count=payload.forks_count,
        watchers_count=payload.subscribers_count,
        open_issues_count=payload.open_issues_count,
        size_kb=payload.size,
        updated_at=payload.updated_at,
    )


def _host(html_url: str | None) -> str:
    """The host that people know; git and the API may be reached elsewhere, through a mirror or a proxy."""
    host = html_url.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0].lower() if html_url else ""
    return host or "github.com"
