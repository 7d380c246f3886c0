"""Reader of GitHub's JSON of one repository. No raw dictionary goes past it.

Search results and single repositories share a shape, but only the latter hold `subscribers_count`. `watchers_count` is
never read: in every listing it repeats the stars (GitHub REST documentation, "starring").
"""

from pydantic import BaseModel, Field, ValidationError

from kubestats_pipeline.hosts.errors import PermanentError
from kubestats_pipeline.hosts.fields import Text, Time


class PayloadError(PermanentError):
    """JSON that is not a repository. The text names the fields, never their content."""


class _License(BaseModel):
    name: Text | None = None
    spdx_id: Text | None = None

    @property
    def label(self) -> str | None:
        return self.spdx_id if self.spdx_id and self.spdx_id != "NOASSERTION" else self.name


class RepositoryPayload(BaseModel):
    """The fields of GitHub's repository object that are used here. All others are ignored."""

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
    """The failure of a repository object, by the names of its wrong fields alone."""
    fields = sorted({str(problem["loc"][0]) if problem["loc"] else "all" for problem in error.errors()})
    return PayloadError(f"no repository object (wrong: {', '.join(fields)})")
