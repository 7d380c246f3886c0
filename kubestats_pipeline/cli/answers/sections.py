"""The sections that tell about a chart, an app, an image, a repository or a text, each the rows of one question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Subject = Literal["chart", "app", "image", "repo", "grep"]


@dataclass(frozen=True)
class SubjectSection:
    """A part of an answer.

    Attributes:
        title: for people.
        question: its query in `ask/queries/`.
        columns: those that people see. Programs get all.
        given: the parameter that takes the name.
        values: its other parameters.
        is_record: one row, or a few, that stand one value a line.
    """

    title: str
    question: str
    columns: tuple[str, ...]
    given: str = "name"
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    is_record: bool = False


@dataclass(frozen=True)
class SubjectOutline:
    """The answer about one kind of subject.

    Attributes:
        sections: in their order.
        main: the question whose rows are the answer where only one table has room, as in CSV.
    """

    sections: tuple[SubjectSection, ...]
    main: str


NEWEST = ("name", "newest_version", "repositories", "all_repositories", "first_seen_at")
TAGS = ("image", "tag", "repositories", "resources")
RECEIVED = (
    "version",
    "repositories_now",
    "repositories_ever",
    "held_by",
    "gone_back_by",
    "skipped_by",
    "confidence",
    "first_seen_at",
)

ANSWERS: Mapping[Subject, SubjectOutline] = {
    "chart": SubjectOutline(
        (
            SubjectSection(
                "In short",
                "families",
                ("chart_name", "family_url", "repositories", "releases", "versions", "newest_version"),
                is_record=True,
            ),
            SubjectSection("Versions, newest first", "received", RECEIVED, values={"subject": "chart"}),
            SubjectSection(
                "How far behind",
                "lag",
                ("lag_status", "majors_behind", "repositories", "releases", "median_versions_behind"),
            ),
            SubjectSection(
                "Who runs it",
                "chart_releases",
                ("full_name", "namespace", "name", "version", "age_days"),
                values={"major": None},
            ),
            SubjectSection(
                "Common values", "settings", ("path", "repositories", "common_values"), "chart", {"path": ""}
            ),
        ),
        "chart_releases",
    ),
    "app": SubjectOutline(
        (
            SubjectSection("In short", "newest", NEWEST, values={"subject": "app"}, is_record=True),
            SubjectSection("How it is installed", "app_charts", ("kind", "chart_name", "repositories", "resources")),
            SubjectSection(
                "Versions", "tags", ("image", "tag", "repositories", "resources"), values={"subject": "app"}
            ),
            SubjectSection(
                "Who runs it",
                "who_runs",
                ("full_name", "kind", "name", "chart_name", "version", "tag"),
                values={"subject": "app"},
            ),
        ),
        "who_runs",
    ),
    "image": SubjectOutline(
        (
            SubjectSection("In short", "newest", NEWEST, values={"subject": "image"}, is_record=True),
            SubjectSection("Tags", "tags", TAGS, values={"subject": "image"}),
            SubjectSection(
                "How versions were received, newest first", "received", ("name", *RECEIVED), values={"subject": "image"}
            ),
            SubjectSection(
                "Who runs it",
                "who_runs",
                ("full_name", "kind", "name", "image", "tag"),
                values={"subject": "image"},
            ),
        ),
        "who_runs",
    ),
    "repo": SubjectOutline(
        (
            SubjectSection(
                "In short",
                "repository",
                (
                    "full_name",
                    "html_url",
                    "description",
                    "status",
                    "gitops_engine",
                    "stars_count",
                    "resources",
                    "releases",
                    "charts",
                    "apps",
                    "problems_count",
                    "last_event_at",
                    "log_begins_at",
                    "last_scan_at",
                ),
                is_record=True,
            ),
            SubjectSection(
                "Releases, furthest behind first",
                "repository_releases",
                ("name", "chart_name", "version", "newest_version", "versions_behind", "lag_status"),
            ),
            SubjectSection(
                "Latest changes of versions",
                "repository_changes",
                ("changed_at", "kind", "name", "version_before", "version_after", "author_kind"),
            ),
            SubjectSection("Files that could not be read", "repository_problems", ("problem", "file_path", "message")),
        ),
        "repository_releases",
    ),
    "grep": SubjectOutline(
        (SubjectSection("Lines", "grep", ("full_name", "kind", "name", "line"), "text"),),
        "grep",
    ),
}
