"""The first page of a repository: what it is, how it does, what its clusters run, and what happened in it."""

from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.page import Known, PageKind
from kubestats_pipeline.report.parts.sections import Section

KEY = ("repository_id",)

PAGES = """
SELECT
    known.repository_id, known.full_name, known.html_url, description,
    row_number() OVER (PARTITION BY known.full_name ORDER BY known.status = 'retired',
    known.repository_id) > 1 AS is_namesake
FROM repository_status AS known
LEFT JOIN repositories ON repositories.repository_id = known.repository_id
"""

SUMMARY = Section(
    "In short",
    """
SELECT stars_count AS stars, forks_count AS forks, open_issues_count AS open_issues, resources, releases, charts, apps
FROM repository_overview
WHERE {only}
""",
    shape="facts",
)

ABOUT = Section(
    "About it",
    """
SELECT
    overview.html_url, overview.language, license_name AS licence, overview.topics, overview.gitops_engine AS engine,
    CAST(overview.created_at AS DATE) AS created, CAST(overview.log_begins_at AS DATE) AS history_from,
    CAST(overview.last_event_at AS DATE) AS last_change, previous_names
FROM repository_overview AS overview
LEFT JOIN repositories ON repositories.repository_id = overview.repository_id
WHERE {only}
""",
    key=("overview.repository_id",),
    shape="facts",
)

HEALTH = Section(
    "Sync and scan",
    """
SELECT
    status, status_reason, CASE sync_status WHEN 'unchanged' THEN 'synced' ELSE sync_status END AS sync,
    sync_error, scan_status AS scan,
    scan_error, head_commit, head_committed_at, is_scan_current, resources_count AS resources, events_count AS events,
    problems_count AS problems
FROM repository_status
WHERE {only}
""",
    shape="facts",
)

STARS = Section(
    "Stars over time",
    """
SELECT CAST(date_trunc('week', date) AS DATE) AS week, max(stars_count) AS stars, max(forks_count) AS forks
FROM daily_repository_metrics
WHERE stars_count IS NOT NULL AND {only}
GROUP BY week
""",
    order="week",
    shape="lines",
    digested=("repository_metrics",),
)

RESOURCES = Section(
    "Resources over time",
    """
SELECT CAST(date_trunc('week', date) AS DATE) AS week, arg_max(resources_count, date) AS resources
FROM daily_repository_metrics
WHERE resources_count IS NOT NULL AND {only}
GROUP BY week
""",
    order="week",
    shape="lines",
    digested=("resource_events", "repository_metrics"),
    note="At the end of each week in which something is known of it.",
)

RUNS = Section(
    "Running in its clusters",
    """
SELECT
    lag.cluster, namespace, lag.name, lag.chart_name, lag.chart_url, lag.version, newest_version_anywhere AS newest,
    CASE WHEN versions_behind_anywhere > 0 THEN 'behind' ELSE lag_status END AS state,
    versions_behind_anywhere AS versions_behind, superseded_at AS late_since
FROM version_lag AS lag
JOIN releases ON releases.use_id = lag.use_id
WHERE {only}
""",
    order="cluster, namespace, name, chart_name, chart_url, version, newest, late_since",
    limit=300,
    key=("lag.repository_id",),
    note="Releases in the active context, and the newest version that anybody was seen to run of the same chart.",
)

APPLIED = Section(
    "Objects of each cluster",
    """
SELECT cluster, applied_by, applied_path, count(*) AS objects,
    count(*) FILTER (WHERE NOT is_complete) AS incomplete, context
FROM applied_resources
WHERE {only}
GROUP BY cluster, applied_by, applied_path, context
""",
    order="cluster, applied_by, applied_path, context",
    limit=300,
    note="After patches, variables and generators. Incomplete ones need something that the repository does not hold.",
    digested=("applied_resources",),
)

KINDS = Section(
    "Kinds of resources",
    """
SELECT kind, api_group, count(*) FILTER (WHERE status = 'ACTIVE') AS resources,
    count(*) FILTER (WHERE status = 'DELETED') AS deleted
FROM resources
WHERE {only}
GROUP BY kind, api_group
""",
    order="resources DESC, deleted DESC, kind, api_group",
    limit=100,
    digested=("resources",),
)

ACTIVITY = Section(
    "Events over time",
    """
SELECT
    CAST(date_trunc('month', day) AS DATE) AS month, count(*) FILTER (WHERE event_type = 'CREATED') AS created,
    count(*) FILTER (WHERE event_type = 'MODIFIED') AS modified,
    count(*) FILTER (WHERE event_type = 'DELETED') AS deleted
FROM event_overview
WHERE {only}
GROUP BY month
""",
    order="month",
    shape="lines",
    digested=("resource_events",),
)

AUTHORS = Section(
    "Who keeps it up to date",
    """
SELECT author_kind, changes, version_changes, share_of_version_changes, first_at, last_at
FROM repository_authors
WHERE {only}
""",
    order="changes DESC, author_kind",
    digested=("resource_events",),
)

MIGRATIONS = Section(
    "Waves",
    """
SELECT wave, subject, moved_from, moved_to, migration_status, started_at, completed_at, old_left, new_now
FROM migrations
WHERE {only}
""",
    order="wave, subject, moved_from, moved_to, started_at",
    limit=60,
)

PROBLEMS = Section(
    "Files that could not be read",
    "SELECT file_path, problem, message FROM scan_problems\nWHERE {only}",
    order="file_path, problem",
    limit=200,
    digested=("scan_problems",),
)

DRIFT = Section(
    "Several versions of one chart",
    "SELECT chart_name, chart_url, versions, releases, level FROM chart_drift\nWHERE {only}",
    order="chart_name, chart_url",
    digested=(
        "resources",
        "applied_resources",
    ),
)

QUALITY = Section(
    "How much of it is understood",
    """
SELECT releases, exact, ambiguous, unresolved, share_exact, without_version
FROM repository_quality
WHERE {only}
""",
    shape="facts",
)

FEED = Section(
    "Upgrades, rollbacks, new and gone",
    """
SELECT
    event_id, event_timestamp AS happened_at,
    kind || ' ' || name || CASE event_type
        WHEN 'CREATED' THEN ': new' || coalesce(', ' || version_after, '')
        WHEN 'DELETED' THEN ': gone' || coalesce(', ' || version_before, '')
        WHEN 'RESURRECTED' THEN ': back' || coalesce(', ' || version_after, '')
        ELSE ': ' || coalesce(version_before, 'no version') || ' → ' || coalesce(version_after, 'no version')
    END AS title,
    CASE WHEN version_direction(version_before,
    version_after) = 'downgrade' THEN 'rollback' ELSE lower(event_type) END
        || ' by ' || author_kind AS summary
FROM event_overview
WHERE is_release AND (event_type <> 'MODIFIED' OR list_contains(changes_detected, 'version')) AND {only}
""",
    order="happened_at DESC, event_id",
    limit=50,
    digested=("resource_events",),
)


def address(known: Known) -> str:
    """The address of a repository's first page."""
    return page_of(known, "index.html")


def page_of(known: Known, part: str) -> str:
    """A page of a repository. Of several that have had one name, all but the first have another folder."""
    name = f"{known['full_name']} {known['repository_id']}" if known["is_namesake"] else known["full_name"]
    return addresses.repository_page(name, part)


REPOSITORY = PageKind(
    "repository_id",
    address,
    lambda known: str(known["full_name"]),
    (
        SUMMARY,
        ABOUT,
        HEALTH,
        RUNS,
        APPLIED,
        KINDS,
        ACTIVITY,
        RESOURCES,
        STARS,
        AUTHORS,
        DRIFT,
        MIGRATIONS,
        QUALITY,
        PROBLEMS,
    ),
    key=KEY,
    pages=PAGES,
    lead=lambda known: str(known["description"] or ""),
    template="repository.html",
    feed=FEED,
    up=lambda _: ("Repositories", "repositories/index.html"),
    subjects=lambda known: () if known["is_namesake"] else (("repository", (known["full_name"],)),),
    at_once=2000,
)
