"""The list of charts, and a page for each chart family: who runs it, at which version, how it spreads and is set."""

from kubestats_pipeline.report.pages.replacements import replacement_sections
from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.page import Known, PageKind
from kubestats_pipeline.report.parts.sections import Section

KEY = ("chart_name", "family_url")

_WITH_FAMILY = (
    "JOIN chart_families AS families ON families.chart_name = {0}.chart_name AND families.chart_url = {0}.chart_url"
)
_FAMILY = ("families.chart_name", "families.family_url")

LIST = Section(
    "Charts",
    """
SELECT chart_name, family_url, family_url AS address, repositories, releases, versions, newest_version
FROM family_popularity
""",
    order="repositories DESC, releases DESC, chart_name, family_url",
    limit=2000,
    note="A family is one chart under all its addresses, such as mirrors. It counts once in each repository.",
)

UNRESOLVED = Section(
    "Charts whose address is not known",
    """
SELECT chart_name, repositories, releases, versions, last_changed_at
FROM chart_popularity
WHERE NOT is_resolved
""",
    order="repositories DESC, releases DESC, chart_name",
    limit=200,
    note="Their releases name a source that their repository does not hold.",
)

SUMMARY = Section(
    "In short",
    """
SELECT repositories, releases, versions, newest_version
FROM family_popularity
WHERE {only}
""",
    shape="facts",
)

ADOPTION = Section(
    "Who runs it over time",
    """
SELECT week, repositories, adopted, abandoned
FROM weekly_adoption
WHERE subject = 'family' AND {only}
""",
    order="week",
    key=("name", "chart_url"),
    shape="lines",
    drawn=("repositories",),
    note="Repositories by week, under whatever address of the chart.",
)

VERSIONS = Section(
    "Versions",
    """
SELECT version, repositories_now, repositories_ever, first_seen_at, is_lower_bound, versions_behind, superseded_at
FROM family_versions
WHERE {only}
""",
    order="repositories_now DESC, first_seen_at DESC, version",
    limit=100,
    note="First seen means run by somebody. Where lower bound says yes, the history begins with it: it is older.",
)

RECEPTION = Section(
    "Rolled back and skipped",
    f"""
SELECT reception.version, reception.chart_url, rolled_back_by, downgraded_by, skipped_by, repositories_ever,
    median_days_held
FROM version_reception AS reception
{_WITH_FAMILY.format("reception")}
WHERE rolled_back_by + downgraded_by + skipped_by > 0 AND {{only}}
""",
    order="rolled_back_by DESC, skipped_by DESC, downgraded_by DESC, version, chart_url",
    limit=40,
    key=_FAMILY,
    note="Versions that repositories went back from or jumped over.",
)

LAG = Section(
    "How far releases are behind",
    """
SELECT lag_status, count(*) AS releases, count(DISTINCT repository_id) AS repositories,
    avg(versions_behind_anywhere) AS versions_behind
FROM version_lag
WHERE {only}
GROUP BY lag_status
""",
    order="releases DESC, lag_status",
    note="Compared with the newest version that anybody was seen to run.",
)

DELAY = Section(
    "How long an upgrade takes",
    f"""
SELECT level, author_kind, count(*) AS upgrades, median(days) AS median_days, quantile_cont(days, 0.9) AS slow_days
FROM upgrade_delays AS delays
{_WITH_FAMILY.format("delays")}
WHERE NOT is_first AND NOT delays.is_lower_bound AND {{only}}
GROUP BY level, author_kind
""",
    order="upgrades DESC, level, author_kind",
    key=_FAMILY,
    note="Days from the first sighting of a version anywhere. One upgrade in ten is slower than slow days.",
    source="""
SELECT steps.chart_name, family_url, repository_id, full_name, to_version, changed_at, commit_sha, level, author_kind,
    first_seen_at, first_seen_in, sightings.is_lower_bound
FROM version_steps AS steps
JOIN chart_families AS families ON families.chart_name = steps.chart_name AND families.chart_url = steps.chart_url
JOIN version_sightings AS sightings ON sightings.chart_name = steps.chart_name
    AND sightings.chart_url = steps.chart_url AND sightings.version = to_version
WHERE direction = 'upgrade'
""",
)

USERS = Section(
    "Who runs it",
    f"""
SELECT full_name, cluster, namespace, name, version, created_at, is_lower_bound, source_url
FROM releases
{_WITH_FAMILY.format("releases")}
WHERE in_scope AND is_resolved AND {{only}}
""",
    order="full_name, cluster, namespace, name, version, created_at, source_url",
    limit=500,
    key=_FAMILY,
    note="The newest stars and descriptions are on the pages of the repositories.",
)

SETTINGS = Section(
    "How it is set",
    f"""
SELECT settings.path, sum(repositories) AS repositories, sum(releases) AS releases,
    list_sort(list_distinct(flatten(list(value_types)))) AS value_types,
    flatten(list(list_transform(common_values,
    lambda one: one.value || ' (' || one.repositories || ')') ORDER BY settings.chart_url))[:4]
        AS common_values
FROM value_popularity AS settings
{_WITH_FAMILY.format("settings")}
WHERE {{only}}
GROUP BY settings.path
""",
    order="repositories DESC, releases DESC, path",
    limit=300,
    key=_FAMILY,
    note="Each setting, how many repositories set it, and values that may be published, with how many have them.",
    source="""
SELECT chart_name, family_url, chart_url, path, uses_digest
FROM value_popularity
JOIN chart_families USING (chart_name, chart_url)
""",
)

TOGETHER = Section(
    "Found together with",
    """
WITH running AS (
    SELECT DISTINCT families.chart_name, families.family_url, repository_id
    FROM releases
    JOIN chart_families AS families ON families.chart_name = releases.chart_name
    AND families.chart_url = releases.chart_url
    WHERE in_scope AND is_resolved
)
SELECT others.chart_name AS other_chart, others.family_url AS other_url, count(*) AS repositories
FROM running AS own
JOIN running AS others ON others.repository_id = own.repository_id
    AND (others.chart_name, others.family_url) <> (own.chart_name, own.family_url)
WHERE {only}
GROUP BY others.chart_name, others.family_url
""",
    order="repositories DESC, other_chart, other_url",
    limit=15,
    key=("own.chart_name", "own.family_url"),
    note="Charts in the same repositories.",
    source="""
SELECT chart_name, family_url, sum(hash(chart_name, family_url)) OVER (PARTITION BY repository_id) AS running
FROM (
    SELECT DISTINCT chart_name, family_url, repository_id
    FROM releases
    JOIN chart_families USING (chart_name, chart_url)
    WHERE in_scope AND is_resolved
)
""",
)

REPLACED, REPLACES = replacement_sections(
    "chart",
    _FAMILY,
    "JOIN chart_families AS families ON families.chart_name = {own}_name AND families.chart_url = {own}_url",
)

ADDRESSES = Section(
    "Its addresses",
    """
SELECT chart_url AS address, reason, evidence
FROM chart_families
WHERE {only}
""",
    order="address",
    note="Why each address belongs to this chart.",
)

FEED = Section(
    "Upgrades, rollbacks, new and gone",
    f"""
WITH happened AS (
    SELECT
        chart_name, chart_url, changed_at AS happened_at,
        commit_sha || full_name || from_version || to_version AS event_id,
        full_name || ': ' || from_version || ' → ' || to_version AS title,
        CASE WHEN is_rollback THEN 'rollback' ELSE direction END || ' by ' || author_kind AS summary
    FROM version_steps
    WHERE direction IN ('upgrade', 'downgrade')
    UNION ALL
    SELECT name, chart_url, started_at, coalesce(started_commit, '') || full_name || 'new',
        full_name || ' began to run it', 'new'
    FROM tenures
    WHERE subject = 'chart' AND NOT is_left_censored
    UNION ALL
    SELECT name, chart_url, ended_at, coalesce(ended_commit, '') || full_name || 'gone',
        full_name || ' no longer runs it', 'gone'
    FROM tenures
    WHERE subject = 'chart' AND NOT is_running
)
SELECT event_id, happened_at, title, summary
FROM happened
{_WITH_FAMILY.format("happened")}
WHERE {{only}}
""",
    order="happened_at DESC, event_id, title",
    limit=50,
    key=_FAMILY,
)


def address(known: Known) -> str:
    """The address of a family's page."""
    return addresses.chart_page(known["chart_name"], known["family_url"])


CHARTS = PageKind(
    "charts",
    lambda _: "charts/index.html",
    lambda _: "Charts",
    (LIST, UNRESOLVED),
    lead=lambda _: "Every Helm chart that somebody runs, by the number of repositories.",
    menu="Charts",
)

CHART = PageKind(
    "chart",
    address,
    lambda known: str(known["chart_name"]),
    (
        SUMMARY,
        ADOPTION,
        VERSIONS,
        RECEPTION,
        LAG,
        DELAY,
        SETTINGS,
        USERS,
        TOGETHER,
        REPLACED,
        REPLACES,
        ADDRESSES,
    ),
    key=KEY,
    pages="""
SELECT chart_name, family_url, list_distinct(list(chart_url)) AS chart_urls
FROM chart_families
GROUP BY chart_name, family_url
""",
    lead=lambda known: f"Helm chart from {known['family_url']}",
    feed=FEED,
    up=lambda _: ("Charts", "charts/index.html"),
    subjects=lambda known: tuple(
        (sort, (known["chart_name"], url)) for sort in ("chart", "replaced") for url in sorted(known["chart_urls"])
    ),
)
