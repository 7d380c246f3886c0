"""The page of the whole ecosystem: trends over days, its parts, the waves that go through it, and who works."""

from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

RESOURCES = Section(
    "Resources over time",
    "SELECT date, active_resources FROM ecosystem_stats",
    order="date",
    shape="lines",
)

REPOSITORIES = Section(
    "Repositories over time",
    """
SELECT date, total_repositories, repositories_with_resources, active_repositories
FROM ecosystem_stats
""",
    order="date",
    shape="lines",
    note="An active one had a commit in the 30 days before.",
)

GROWTH = Section(
    "Growth",
    """
SELECT
    date, active_resources, resources_1_day, resources_7_days, resources_30_days,
    resources_30_days_percent / 100 AS share_of_30_days,
    repositories_30_days, stars_30_days, joined_resources_30_days
FROM ecosystem_growth
""",
    order="date DESC",
    limit=30,
    note="Only what was seen at both ends counts. Rows that joined the data have a column of their own.",
)

ACTIVITY = Section(
    "Release activity",
    """
SELECT CAST(date_trunc('week', day) AS DATE) AS week, count(*) AS version_changes,
    count(*) FILTER (WHERE author_kind = 'human') AS by_people
FROM event_overview
WHERE is_release AND in_scope AND event_type = 'MODIFIED' AND list_contains(changes_detected, 'version')
GROUP BY week
""",
    order="week",
    shape="lines",
    note="Changes of the version of a release, by week.",
)

ENGINES = Section(
    "GitOps engines",
    """
SELECT coalesce(gitops_engine, 'none') AS engine, count(*) AS repositories, sum(releases) AS releases
FROM repository_overview
WHERE in_scope
GROUP BY engine
""",
    order="repositories DESC, engine",
    shape="bars",
    drawn=("repositories",),
)

KINDS = Section(
    "Kinds of resources",
    "SELECT kind, api_group, repositories, resources FROM kinds",
    order="repositories DESC, resources DESC, kind, api_group",
    limit=25,
)

LANGUAGES = Section(
    "Languages",
    "SELECT coalesce(language, 'not known') AS language, repositories, stars FROM languages",
    order="repositories DESC, language",
    limit=20,
    shape="bars",
    drawn=("repositories",),
)

TOPICS = Section(
    "Topics",
    "SELECT topic, repositories, stars FROM topics",
    order="repositories DESC, topic",
    limit=30,
)

REGISTRIES = Section(
    "Registries of images",
    """
SELECT registry, repositories, images, uses, share_of_uses, share_pinned
FROM monthly_registries
WHERE month = (SELECT max(month) FROM monthly_registries)
""",
    order="repositories DESC, uses DESC, registry",
    limit=25,
    note="In the newest month. Pinned are images that a digest fixes.",
)

PINNED = Section(
    "Images pinned by digest",
    "SELECT month, sum(uses) AS uses, sum(pinned) AS pinned FROM monthly_registries GROUP BY month",
    order="month",
    shape="lines",
)

WAVES = Section(
    "Waves",
    """
SELECT
    wave, moved_from, moved_to, count(*) AS repositories, count(started_at) AS started,
    count(completed_at) AS completed,
    min(started_at) AS first_at
FROM migrations
GROUP BY wave, moved_from, moved_to
""",
    order="repositories DESC, wave, moved_from, moved_to",
    limit=40,
    note="Moves from one way to another: how many repositories could make it, began and finished.",
)

AUTHORS = Section(
    "Who makes the changes",
    """
SELECT month, author_kind, repositories, commits, changes, version_changes, share_of_version_changes
FROM monthly_authors
""",
    order="month DESC, version_changes DESC, author_kind",
    limit=36,
)

SECRETS = Section(
    "How secrets are kept",
    """
SELECT practice, count(*) AS repositories, sum(resources) AS resources
FROM secrets_practice
GROUP BY practice
""",
    order="repositories DESC, practice",
    shape="bars",
    drawn=("repositories",),
)

SURVIVAL = Section(
    "How long things stay",
    """
SELECT subject, tenures, ended, watched_days, median_days, survival_30_days, survival_180_days, survival_365_days
FROM survival
WHERE subject IN ('every app', 'every chart')
""",
    order="subject",
    note="The share that is still there after so many days, by Kaplan and Meier.",
)

REPLACEMENTS = Section(
    "Replacements",
    """
SELECT subject, old_name, old_url, new_name, new_url, score, repositories, in_one_commit, last_at
FROM replacements
WHERE NOT is_same_name
""",
    order="score DESC, subject, old_name, old_url, new_name, new_url",
    limit=30,
)

ECOSYSTEM = PageKind(
    "ecosystem",
    lambda _: "ecosystem.html",
    lambda _: "The ecosystem",
    (
        RESOURCES,
        REPOSITORIES,
        GROWTH,
        ACTIVITY,
        ENGINES,
        KINDS,
        LANGUAGES,
        TOPICS,
        REGISTRIES,
        PINNED,
        WAVES,
        AUTHORS,
        SECRETS,
        SURVIVAL,
        REPLACEMENTS,
    ),
    lead=lambda _: "Trends over days, what people declare, and the waves that go through all repositories.",
    menu="Ecosystem",
)
