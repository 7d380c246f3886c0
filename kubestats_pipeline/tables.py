"""The contract of every table: what a row is, its key, its columns with type and meaning, and how it is partitioned.

Parquet schemas, asset schemas, checks, DuckDB comments and the README's data dictionary derive from this module
and from nothing else.
"""

from kubestats_pipeline.contract import Column, Partitioning, Table, Type
from kubestats_pipeline.contract import required as _required

_ID = _required(
    "repository_id", Type.TEXT, "identity of the repository: `github:<numeric id>`, else `git:<hash of URL>`"
)
_FULL_NAME = _required(
    "full_name", Type.TEXT, "`owner/name` on GitHub, `host/owner/name` elsewhere. An attribute that can change"
)
_RUN = Column("sync_run_id", Type.TEXT, "the Dagster run that wrote the row")

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
        _ID,
        _required("host", Type.TEXT, "`github.com`, another host's name, or `local` for a path on this machine"),
        _FULL_NAME,
        _required("owner", Type.TEXT, "owner or group, the path's last folder but one for a local repository"),
        _required("name", Type.TEXT, "name without its owner"),
        _required(
            "clone_url", Type.TEXT, "what git fetches from, without credentials. Of one that is refused only the scheme"
        ),
        Column("html_url", Type.TEXT, "the page for people"),
        Column("description", Type.TEXT, "the owner's description"),
        Column("language", Type.TEXT, "main language as the host sees it"),
        _required("topics", Type.TEXTS, "all topics of the repository, empty where the host knows none"),
        Column("license_name", Type.TEXT, "SPDX id or name of the licence"),
        Column("default_branch", Type.TEXT, "default branch as the host states it"),
        Column("is_archived", Type.BOOLEAN, "read-only on the host, or null where the host does not say"),
        Column("is_fork", Type.BOOLEAN, "a fork, or null where the host does not say"),
        Column("is_template", Type.BOOLEAN, "a template repository, or null where the host does not say"),
        Column("created_at", Type.TIME, "when it was created on the host"),
        Column("pushed_at", Type.TIME, "last push as of the last discovery"),
        _required("discovery_tags", Type.TEXTS, "the topics that found it, or `list` for one that the user named"),
        _required("discovered_at", Type.TIME, "first discovery"),
        _required("last_seen_at", Type.TIME, "last time that a source found it or its host told of it"),
        Column("retired_at", Type.TIME, "when it was retired, or null while it lives"),
        _required("status", Type.TEXT, "active, blocked, pending_approval or retired"),
        Column("status_reason", Type.TEXT, "why, where status is not active"),
        Column(
            "retired_because",
            Type.TEXT,
            "deleted (by the administrator), name_taken (by another repository) or gone, or null while it lives",
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
        _ID,
        _required("date", Type.DATE, "day (UTC) that the numbers stand for"),
        _required("recorded_at", Type.TIME, "when they were read. The day's last reading wins"),
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
        _ID,
        _FULL_NAME,
        Column("default_branch", Type.TEXT, "branch that the remote's HEAD points to"),
        Column("head_commit", Type.TEXT, "commit that the mirror holds. Kept when a later sync fails"),
        Column("head_committed_at", Type.TIME, "committer time of head_commit"),
        Column("history_since", Type.TIME, "committer time of the oldest first-parent commit of the mirror"),
        _required("sync_status", Type.TEXT, "synced, unchanged, error, empty, too_large, gone or unsupported"),
        Column("sync_error", Type.TEXT, "what failed and what to do, or null when nothing did"),
        Column("size_limit_mb", Type.INTEGER, "limit that a too_large mirror passed, MB, or null", earlier=_LIMIT),
        _required("last_sync_at", Type.TIME, "when the last attempt ended"),
        _required("consecutive_failures", Type.INTEGER, "failed attempts since the last success"),
        Column("next_attempt_at", Type.TIME, "a sweep leaves a failing repository alone until then"),
        Column("unsupported_head", Type.TEXT, "remote's head in a format that cannot be read, not fetched again"),
        _RUN,
    ),
)

SCANS = Table(
    name="scans",
    grain="one row per repository: the outcome of its last scan",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("repository_id",),
    columns=(
        _ID,
        _FULL_NAME,
        _required("scan_status", Type.TEXT, "scanned or error"),
        Column("scan_error", Type.TEXT, "what failed and what to do, or null when nothing did"),
        Column("scanned_commit", Type.TEXT, "commit that resources stands for. Kept when a later scan fails"),
        _required("last_scan_at", Type.TIME, "when the last scan began"),
        _required("resources_count", Type.INTEGER, "active resources"),
        _required("events_count", Type.INTEGER, "events of its history, retired ones included"),
        Column(
            "complete_from",
            Type.INTEGER,
            "`sequence` from which on `resource_events` has all events. Of earlier ones, that retention has archived, "
            "only the last of each resource, or 0 where none is missing",
        ),
        _required("problems_count", Type.INTEGER, "open problems"),
        Column("gitops_engine", Type.TEXT, "flux, argocd, fleet, helmfile or none"),
        _RUN,
    ),
)

RESOURCES = Table(
    name="resources",
    grain="one row per Kubernetes resource that a repository declares or has declared",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("resource_id",),
    sort=("kind", "name", "file_path", "resource_id"),
    columns=(
        _required("resource_id", Type.TEXT, "identity. Survives edits, API version bumps, moves, deletion and return"),
        _ID,
        _FULL_NAME,
        _required("api_group", Type.TEXT, "API group, empty for the core group"),
        _required("api_version", Type.TEXT, "version without the group, such as `v2beta1`"),
        _required("kind", Type.TEXT, "kind"),
        _required("name", Type.TEXT, "metadata.name, or generateName with a `*`"),
        Column("namespace", Type.TEXT, "effective namespace, or null when the repository does not say"),
        Column("declared_namespace", Type.TEXT, "metadata.namespace as written"),
        _required("file_path", Type.TEXT, "path in the repository"),
        _required(
            "ordinal", Type.INTEGER, "order among resources of the same kind, namespace and name in one file, from 0"
        ),
        _required("content_hash", Type.TEXT, "hash of the canonical redacted document"),
        Column("version", Type.TEXT, "effective version as written: chart version, source ref or image tag"),
        Column("chart_name", Type.TEXT, "chart that the resource stands for"),
        Column(
            "chart_url", Type.TEXT, "canonical location of the chart: scheme, lower-case host, path, no trailing slash"
        ),
        Column("chart_url_raw", Type.TEXT, "location of the chart as written, without credentials"),
        Column("chart_kind", Type.TEXT, "helm, oci, git or path"),
        Column("app_name", Type.TEXT, "application that the resource runs"),
        _required(
            "images",
            Type.IMAGES,
            "images that it names, in workloads, values and fields of operators: `image` is registry and repository "
            "with what was left out, `role` main, init or sidecar, `raw` as written. Tags are as written too",
        ),
        _required("context", Type.TEXT, "active, archived, template or test, from its path"),
        _required(
            "resolution", Type.TEXT, "exact, ambiguous, unresolved or not_applicable: how its chart reference resolved"
        ),
        Column("resolution_reason", Type.TEXT, "why the reference is ambiguous or unresolved"),
        Column(
            "values_complete",
            Type.BOOLEAN,
            "whether `helm_values` holds all of its values. False where a Secret or a missing file has some, null "
            "where it is deleted or takes no values",
        ),
        _required("status", Type.TEXT, "ACTIVE or DELETED"),
        _required("created_at", Type.TIME, "commit time of its creation, or of the first commit of a bounded history"),
        _required("updated_at", Type.TIME, "commit time of its last event"),
        Column("deleted_at", Type.TIME, "commit time of its deletion, or null while active"),
        _required("created_commit", Type.TEXT, "commit of its creation"),
        _required("updated_commit", Type.TEXT, "commit of its last event"),
        _required("data", Type.JSON, "the decoded document, secrets redacted"),
    ),
)

HELM_VALUES = Table(
    name="helm_values",
    grain="one row per active release and setting of its Helm values",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("resource_id", "path"),
    sort=("resource_id", "path"),
    columns=(
        _ID,
        _FULL_NAME,
        _required("resource_id", Type.TEXT, "the release, an active row of `resources`"),
        _required(
            "path",
            Type.TEXT,
            "the setting, as `ingress.enabled`. Items of lists of named objects go by name, as `env[name=TZ].value`, "
            "others by position, as `hosts[0]`. Keys with dots are quoted, as `annotations['a.b/c']`",
        ),
        _required("value_type", Type.TEXT, "string, integer, float, boolean, null, or map or list where it is empty"),
        Column(
            "value",
            Type.TEXT,
            "the value as text, versions as written, secrets redacted, at most 2,000 characters. Null for null, which "
            "takes the chart's default away, and in the warehouse where it is withheld: see docs/counting.md",
        ),
        _required("origin", Type.TEXT, "`inline`, or the path of the file that it comes from. The last input wins"),
    ),
)

RESOURCE_EVENTS = Table(
    name="resource_events",
    grain="one row per change of one resource in one commit",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("event_id",),
    sort=("resource_id", "sequence"),
    numbered_by="sequence",
    columns=(
        _required(
            "event_id", Type.TEXT, "function of repository, commit and the resource's identity: a replay gives it again"
        ),
        _required("resource_id", Type.TEXT, "the resource"),
        _ID,
        _FULL_NAME,
        _required(
            "sequence",
            Type.INTEGER,
            "position in the repository's log. Fold by it, for commit clocks can run backwards",
        ),
        _required("event_type", Type.TEXT, "CREATED, MODIFIED, DELETED or RESURRECTED"),
        _required("event_timestamp", Type.TIME, "committer time of the commit"),
        _required("commit_sha", Type.TEXT, "commit"),
        _required("commit_subject", Type.TEXT, "first line of its message, at most 200 characters"),
        _required("author_kind", Type.TEXT, "human, renovate, dependabot, flux or other_bot"),
        _required("resource_kind", Type.TEXT, "kind after the event"),
        _required("resource_api_version", Type.TEXT, "group/version after the event"),
        _required("resource_name", Type.TEXT, "name after the event"),
        Column("resource_namespace", Type.TEXT, "effective namespace after the event"),
        _required("file_path", Type.TEXT, "path after the event, or last path of a deleted resource"),
        Column("previous_file_path", Type.TEXT, "path before a move"),
        Column(
            "file_hash_before", Type.TEXT, "the resource's content_hash before, or null for CREATED and RESURRECTED"
        ),
        Column("file_hash_after", Type.TEXT, "the resource's content_hash after, or null for DELETED"),
        Column("version_before", Type.TEXT, "effective version before"),
        Column("version_after", Type.TEXT, "effective version after"),
        Column(
            "chart_name", Type.TEXT, "chart after the event. Of a deleted resource it is the last one, here and below"
        ),
        Column("chart_url", Type.TEXT, "canonical location of the chart after the event"),
        Column("chart_kind", Type.TEXT, "helm, oci, git or path"),
        Column("app_name", Type.TEXT, "application that the resource runs after the event"),
        Column("images", Type.IMAGES, "images that the resource names after the event, as in resources"),
        _required("context", Type.TEXT, "active, archived, template or test, from its path", earlier="'active'"),
        _required(
            "resolution",
            Type.TEXT,
            "exact, ambiguous, unresolved or not_applicable after the event",
            earlier="'not_applicable'",
        ),
        _required(
            "changes_detected",
            Type.TEXTS,
            "what changed: spec, metadata, data, file_path, api_version, version, chart, values (of another file), …",
        ),
        Column("field_changes", Type.JSON, "list of {path, before, after}. Bounded, secrets redacted"),
        Column("resource_data", Type.JSON, "the document after the event, or null for DELETED"),
        _RUN,
    ),
)

SCAN_PROBLEMS = Table(
    name="scan_problems",
    grain="one row per file and class of problem at the scanned commit",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("repository_id", "file_path", "problem"),
    sort=("file_path", "problem"),
    columns=(
        _ID,
        _FULL_NAME,
        _required("file_path", Type.TEXT, "path in the repository"),
        _required(
            "problem",
            Type.TEXT,
            "syntax, template, too_large, too_complex, encoding or encrypted_kind. With encoding_replaced a file was read, "
            "with U+FFFD for bytes that are no text",
        ),
        Column("document_index", Type.INTEGER, "document in the file, from 0, or null when the whole file is meant"),
        _required("message", Type.TEXT, "what is wrong and where. Never quotes the document"),
        _required("commit_sha", Type.TEXT, "commit at which the problem appeared"),
        _required("first_seen_at", Type.TIME, "committer time of that commit"),
    ),
)

ECOSYSTEM_STATS = Table(
    name="ecosystem_stats",
    grain="one row per day, computed from the event log",
    stage="warehouse",
    partitioning=Partitioning.DATE,
    key=("date",),
    columns=(
        _required("date", Type.DATE, "day (UTC). The row stands for its end"),
        _required("total_repositories", Type.INTEGER, "repositories known and not retired"),
        _required("active_repositories", Type.INTEGER, "repositories with a change of a resource in the last 30 days"),
        _required("repositories_with_resources", Type.INTEGER, "repositories with at least one active resource"),
        _required("total_resources", Type.INTEGER, "resources ever seen"),
        _required("active_resources", Type.INTEGER, "resources that exist"),
        _required("total_resource_events", Type.INTEGER, "events up to the day"),
        _required("daily_created_resources", Type.INTEGER, "resources created or resurrected on the day"),
        _required("daily_modified_resources", Type.INTEGER, "modifications on the day"),
        _required("daily_deleted_resources", Type.INTEGER, "deletions on the day"),
        _required("resource_type_breakdown", Type.COUNTS, "active resources by kind"),
        _required("popular_helm_charts", Type.COUNTS, "repositories by chart, the 50 commonest"),
        _required("language_breakdown", Type.COUNTS, "repositories by main language"),
        _required("popular_topics", Type.COUNTS, "repositories by topic, the 50 commonest"),
        Column("total_stars", Type.INTEGER, "sum over the day's metrics, or null when none were recorded"),
        Column("total_forks", Type.INTEGER, "sum over the day's metrics, or null when none were recorded"),
        Column("total_watchers", Type.INTEGER, "sum over the day's metrics, or null when none were recorded"),
        Column("total_open_issues", Type.INTEGER, "sum over the day's metrics, or null when none were recorded"),
        Column("repository_growth", Type.INTEGER, "total_repositories less the day before"),
        Column("resource_growth", Type.INTEGER, "active_resources less the day before"),
        Column("star_growth", Type.INTEGER, "total_stars less the day before, or null when either is"),
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
        HELM_VALUES,
        RESOURCE_EVENTS,
        SCAN_PROBLEMS,
        ECOSYSTEM_STATS,
    )
}
"""All tables by name, in the order of the flow."""
