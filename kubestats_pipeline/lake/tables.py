"""The contract of every table: what a row is, its key, its columns with type and sentence, and how it is partitioned.

Parquet schemas, asset schemas, checks, DuckDB comments and the data dictionary derive from this module,
`scan_tables.py` and `applied_tables.py`, and from nothing else.
"""

from kubestats_pipeline.lake.applied_tables import APPLIED_EVENTS, APPLIED_RESOURCES
from kubestats_pipeline.lake.contract import Column, Partitioning, Table, Type, required
from kubestats_pipeline.lake.scan_tables import (
    FULL_NAME,
    HELM_VALUES,
    REPOSITORY_ID,
    RESOURCE_EVENTS,
    RESOURCES,
    RUN_ID,
    SCAN_PROBLEMS,
)
from kubestats_pipeline.lake.vocabulary import (
    GitOpsEngine,
    RepositoryStatus,
    RetiredBecause,
    ScanStatus,
    SyncStatus,
    one_of,
)

__all__ = (
    "APPLIED_EVENTS",
    "APPLIED_RESOURCES",
    "ECOSYSTEM_STATS",
    "HELM_VALUES",
    "REPOSITORIES",
    "REPOSITORY_METRICS",
    "RESOURCES",
    "RESOURCE_EVENTS",
    "SCANS",
    "SCAN_PROBLEMS",
    "SNAPSHOTS",
    "TABLES",
)

_RETIRED_BECAUSE = (
    "CASE WHEN status <> 'retired' THEN NULL WHEN status_reason LIKE 'deleted by the administrator%' THEN 'deleted' "
    "WHEN status_reason LIKE 'its name now belongs to %' THEN 'name_taken' ELSE 'gone' END"
)
_LIMIT = (
    "CASE WHEN sync_status = 'too_large' "
    "THEN TRY_CAST(split_part(split_part(sync_error, 'max_repository_mb = ', 2), ';', 1) AS BIGINT) END"
)
"""Earlier versions kept these two in their sentences alone. Only files that they wrote are read so."""

REPOSITORIES = Table(
    name="repositories",
    grain="one row per repository ever seen",
    stage="discover",
    partitioning=Partitioning.WHOLE,
    key=("repository_id",),
    sort=("repository_id",),
    columns=(
        REPOSITORY_ID,
        required("host", Type.TEXT, "`github.com`, another host's name, or `local` for a path on this machine"),
        FULL_NAME,
        required("owner", Type.TEXT, "owner or group, the path's last folder but one for a local repository"),
        required("name", Type.TEXT, "name without its owner"),
        required(
            "clone_url", Type.TEXT, "what git fetches from, without credentials. Of one that is refused only the scheme"
        ),
        Column("html_url", Type.TEXT, "the page for people, of a path on this machine that of its `origin`, or null"),
        Column("description", Type.TEXT, "the owner's description"),
        Column("language", Type.TEXT, "main language as the host sees it"),
        required("topics", Type.TEXTS, "all topics of the repository, empty where the host knows none"),
        Column("license_name", Type.TEXT, "SPDX id or name of the licence"),
        Column("default_branch", Type.TEXT, "default branch as the host states it"),
        Column("is_archived", Type.BOOLEAN, "read-only on the host, or null where the host does not say"),
        Column("is_fork", Type.BOOLEAN, "a fork, or null where the host does not say"),
        Column("is_template", Type.BOOLEAN, "a template repository, or null where the host does not say"),
        Column("created_at", Type.TIME, "when it was created on the host"),
        Column("pushed_at", Type.TIME, "last push as of the last discovery"),
        required("discovery_tags", Type.TEXTS, "the topics that found it, or `list` for one that the user named"),
        required("discovered_at", Type.TIME, "first discovery"),
        required("last_seen_at", Type.TIME, "last time that a source found it or its host reported it"),
        Column("retired_at", Type.TIME, "when it was retired, or null while it lives"),
        required("status", Type.TEXT, one_of(RepositoryStatus)),
        Column("status_reason", Type.TEXT, "why, where status is not active"),
        Column(
            "retired_because",
            Type.TEXT,
            f"{one_of(RetiredBecause)}: the administrator deleted it, another repository has its name, or its host has "
            "it no longer. Null while it lives",
            earlier=_RETIRED_BECAUSE,
        ),
        Column("is_approved", Type.BOOLEAN, "the administrator approved it, so that its size does not count, or null"),
        Column(
            "previous_names", Type.TEXTS, "full names that it had before, the latest last, or null where it had none"
        ),
        Column("topic_lost_at", Type.TIME, "when it no longer carried a topic that found it, or null while it does"),
        Column("missed_searches", Type.INTEGER, "discoveries in a row that should have found it and did not, or null"),
    ),
)

REPOSITORY_METRICS = Table(
    name="repository_metrics",
    grain="one row per repository and day",
    stage="discover",
    partitioning=Partitioning.DATE,
    key=("repository_id", "date"),
    sort=("repository_id",),
    columns=(
        REPOSITORY_ID,
        required("date", Type.DATE, "day (UTC) of the numbers"),
        required("recorded_at", Type.TIME, "when they were read. The day's last reading wins"),
        Column("stars_count", Type.INTEGER, "stars"),
        Column("forks_count", Type.INTEGER, "forks"),
        Column("watchers_count", Type.INTEGER, "real subscribers, never stars, or null when not known"),
        Column("open_issues_count", Type.INTEGER, "open issues, pull requests included"),
        Column("size_kb", Type.INTEGER, "size on the host, KB"),
        Column("updated_at", Type.TIME, "last change of the host's record"),
        Column("pushed_at", Type.TIME, "last push"),
    ),
)

SNAPSHOTS = Table(
    name="snapshots",
    grain="one row per repository: the outcome of its last sync",
    stage="sync",
    partitioning=Partitioning.REPOSITORY,
    key=("repository_id",),
    columns=(
        REPOSITORY_ID,
        FULL_NAME,
        Column("default_branch", Type.TEXT, "branch that the remote's HEAD points to"),
        Column("head_commit", Type.TEXT, "commit that the mirror holds. Kept when a later sync fails"),
        Column("head_committed_at", Type.TIME, "committer time of head_commit"),
        Column("history_since", Type.TIME, "committer time of the oldest first-parent commit of the mirror"),
        required("sync_status", Type.TEXT, one_of(SyncStatus)),
        Column("sync_error", Type.TEXT, "what failed and what to do, or null when nothing did"),
        Column("size_limit_mb", Type.INTEGER, "limit that a too_large mirror passed, MB, or null", earlier=_LIMIT),
        required("last_sync_at", Type.TIME, "when the last attempt ended"),
        required("consecutive_failures", Type.INTEGER, "failed attempts since the last success"),
        Column("next_attempt_at", Type.TIME, "a sweep leaves a failing repository alone until then"),
        Column("unsupported_head", Type.TEXT, "remote's head in a format that cannot be read, not fetched again"),
        RUN_ID,
    ),
)

SCANS = Table(
    name="scans",
    grain="one row per repository: the outcome of its last scan",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("repository_id",),
    columns=(
        REPOSITORY_ID,
        FULL_NAME,
        required("scan_status", Type.TEXT, one_of(ScanStatus)),
        Column("scan_error", Type.TEXT, "what failed and what to do, or null when nothing did"),
        Column("scanned_commit", Type.TEXT, "commit of the rows of resources. Kept when a later scan fails"),
        required("last_scan_at", Type.TIME, "when the last scan began"),
        required("resources_count", Type.INTEGER, "active resources"),
        required("events_count", Type.INTEGER, "events of its history, retired ones included"),
        Column(
            "complete_from",
            Type.INTEGER,
            "`sequence` from which on `resource_events` has all events. Of earlier ones, that retention has archived, "
            "only the last of each resource, or 0 where none is missing",
        ),
        required("problems_count", Type.INTEGER, "open problems"),
        Column("gitops_engine", Type.TEXT, one_of(GitOpsEngine)),
        RUN_ID,
    ),
)

ECOSYSTEM_STATS = Table(
    name="ecosystem_stats",
    grain="one row per day, computed from the event log",
    stage="warehouse",
    partitioning=Partitioning.YEAR,
    key=("date",),
    sort=("date",),
    columns=(
        required("date", Type.DATE, "day (UTC). The row describes its end"),
        required("total_repositories", Type.INTEGER, "repositories known and not retired"),
        required("active_repositories", Type.INTEGER, "repositories with a change of a resource in the last 30 days"),
        required("repositories_with_resources", Type.INTEGER, "repositories with at least one active resource"),
        required("total_resources", Type.INTEGER, "resources ever seen"),
        required("active_resources", Type.INTEGER, "resources that exist"),
        required("total_resource_events", Type.INTEGER, "events up to the day"),
        required(
            "daily_created_resources",
            Type.INTEGER,
            "resources created or resurrected on the day, without the first commit of each log",
        ),
        required("daily_modified_resources", Type.INTEGER, "modifications on the day"),
        required("daily_deleted_resources", Type.INTEGER, "deletions on the day"),
        required("resource_type_breakdown", Type.COUNTS, "active resources by kind"),
        required("popular_helm_charts", Type.COUNTS, "repositories by chart, the 50 commonest"),
        required("language_breakdown", Type.COUNTS, "repositories by main language"),
        required("popular_topics", Type.COUNTS, "repositories by topic, the 50 commonest"),
        Column("total_stars", Type.INTEGER, "sum over the day's metrics, or null when none were recorded"),
        Column("total_forks", Type.INTEGER, "sum over the day's metrics, or null when none were recorded"),
        Column("total_watchers", Type.INTEGER, "sum over the day's metrics, or null when none were recorded"),
        Column("total_open_issues", Type.INTEGER, "sum over the day's metrics, or null when none were recorded"),
        Column(
            "repository_growth",
            Type.INTEGER,
            "total_repositories less the day before, without those that joined the data",
        ),
        Column("resource_growth", Type.INTEGER, "active_resources less the day before, without joined_resources"),
        Column("star_growth", Type.INTEGER, "growth of stars since the day before, of repositories recorded on both"),
        Column(
            "total_joined_repositories",
            Type.INTEGER,
            "repositories that joined the data up to the day: the first that is known is not their creation on the "
            "host. This and the columns below are null in rows of earlier versions",
        ),
        Column("total_left_repositories", Type.INTEGER, "repositories that were retired up to the day"),
        Column("joined_resources", Type.INTEGER, "those of active_resources whose repository's log begins on the day"),
        Column("joined_resources_in_week", Type.INTEGER, "the same, where the log begins in the 7 days up to the day"),
        Column("joined_resources_in_month", Type.INTEGER, "the same, where it begins in the 30 days up to the day"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        REPOSITORIES,
        REPOSITORY_METRICS,
        SNAPSHOTS,
        SCANS,
        RESOURCES,
        APPLIED_RESOURCES,
        HELM_VALUES,
        RESOURCE_EVENTS,
        APPLIED_EVENTS,
        SCAN_PROBLEMS,
        ECOSYSTEM_STATS,
    )
}
"""All tables by name, in the order of the flow."""
