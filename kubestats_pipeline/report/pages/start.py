"""The start page: how large the ecosystem is, how it grows, what moved in the last week, and a search."""

from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

TOTALS = Section(
    "All together",
    """
SELECT repositories, repositories_with_resources, resources, releases, charts, apps, stars
FROM ecosystem_totals
""",
    shape="facts",
)

GROWTH = Section(
    "How it grows",
    """
SELECT date, active_resources, active_repositories
FROM ecosystem_stats, reference_moment
WHERE date BETWEEN CAST(reference_at AS DATE) - INTERVAL 1 YEAR AND CAST(reference_at AS DATE)
""",
    order="date",
    shape="lines",
    drawn=("active_resources",),
    note="Resources that exist, by day. Repositories whose history begins later join on that day.",
)

GAINED = Section(
    "Growth in numbers",
    """
SELECT
    date, active_resources, resources_7_days, resources_30_days, repositories_30_days, joined_repositories_30_days,
    stars_30_days
FROM ecosystem_growth
WHERE date = (SELECT max(date) FROM ecosystem_stats, reference_moment WHERE date <= CAST(reference_at AS DATE))
""",
    shape="facts",
    note="Only what was seen at both ends counts, so a repository that is new here is no growth.",
)

MOVED = Section(
    "Moved this week",
    """
SELECT
    steps.chart_name, family_url, count(DISTINCT repository_id) AS repositories,
    count(*) AS upgrades, arg_max(to_version, changed_at) AS newest_taken,
    CAST(max(changed_at) AS DATE) AS last_change
FROM version_steps AS steps
JOIN chart_families AS families ON families.chart_name = steps.chart_name AND families.chart_url = steps.chart_url
CROSS JOIN reference_moment
WHERE direction = 'upgrade' AND changed_at > reference_at - INTERVAL 7 DAY AND changed_at <= reference_at
GROUP BY steps.chart_name, family_url
""",
    order="repositories DESC, upgrades DESC, chart_name, family_url",
    limit=15,
    note="Upgrades of charts in the seven days before the newest event.",
    empty="Nobody upgraded a chart in the seven days before the newest event.",
)

NEWEST = Section(
    "Newest versions",
    """
SELECT chart_name, family_url, version, CAST(first_seen_at AS DATE) AS first_seen, repositories_now AS repositories
FROM family_versions
WHERE NOT is_lower_bound AND version = newest_version
""",
    order="first_seen DESC, chart_name, family_url",
    limit=15,
    note="The newest version of each chart, by the day on which somebody was first seen to run it.",
)

LEFT = Section(
    "Gone back from",
    """
SELECT chart_name, chart_url, version, rolled_back_by, skipped_by, CAST(first_seen_at AS DATE) AS first_seen
FROM version_reception
WHERE rolled_back_by > 0
""",
    order="first_seen DESC, chart_name, chart_url, version",
    limit=8,
    note="Versions from which somebody returned to an older one.",
)

POPULAR = Section(
    "Most used charts",
    """
SELECT chart_name, family_url, repositories, releases, newest_version
FROM family_popularity
""",
    order="repositories DESC, releases DESC, chart_name, family_url",
    limit=15,
)

FEED = Section(
    "Changes of charts in all repositories",
    """
SELECT
    repository_id || chart_name || chart_url || commit_sha || from_version || to_version AS event_id,
    changed_at AS happened_at,
    full_name || ': ' || chart_name || ' ' || from_version || ' → ' || to_version AS title,
    CASE WHEN is_rollback THEN 'rollback' ELSE direction END || ' by ' || author_kind AS summary
FROM version_steps
WHERE direction IN ('upgrade', 'downgrade')
""",
    order="happened_at DESC, event_id",
    limit=100,
)

START = PageKind(
    "start",
    lambda _: "index.html",
    lambda _: "Kubernetes, as people run it",
    (TOTALS, GROWTH, GAINED, MOVED, NEWEST, LEFT, POPULAR),
    template="start.html",
    feed=FEED,
)
