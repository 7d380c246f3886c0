-- One row per chart family and version that ever ran somewhere in scope: version_sightings over all addresses of the chart (chart_families).
-- chart_name: chart
-- family_url: the address that stands for the family
-- version: version without a leading v
-- scheme: how it counts. Versions of two schemes are not compared
-- first_seen_at: committer time at which it was first seen at any address
-- is_lower_bound: the log in which it was first seen begins with it, so that it is older than first_seen_at
-- repositories_ever: repositories that ever ran it
-- repositories_now: repositories that run it now
-- addresses: addresses at which it ran
-- newest_version: the newest final version seen of the family, or null where none was
-- majors_behind: major versions (in calver: years) behind newest_version
-- versions_behind: final versions above it that were seen
-- superseded_at: committer time at which the first of those was seen, or null where none was
-- superseded_is_lower_bound: the log in which that one was first seen begins with it, so that it was superseded at least since then. Null where none was
WITH uses AS (
    SELECT
        families.chart_name, family_url, families.chart_url, plain_version(coalesce(version_tag, version)) AS plain, repository_id,
        valid_from, valid_to, is_first_snapshot
    FROM use_spans
    JOIN chart_families AS families ON families.chart_name = use_spans.chart_name AND families.chart_url = use_spans.chart_url
    WHERE is_release AND is_resolved AND in_scope
),
sightings AS (
    SELECT
        chart_name,
        family_url,
        plain,
        min(valid_from) AS first_seen_at,
        arg_min(is_first_snapshot, (valid_from, repository_id)) AS is_lower_bound,
        count(DISTINCT repository_id) AS repositories_ever,
        count(DISTINCT repository_id) FILTER (WHERE valid_to IS NULL) AS repositories_now,
        list_sort(list(DISTINCT chart_url)) AS addresses
    FROM uses
    GROUP BY chart_name, family_url, plain
),
ordered AS (
    SELECT
        sightings.*,
        version_order(plain) AS key,
        version_scheme(plain) AS scheme,
        version_class(plain) = 'exact' AND version_order(plain).is_final AND NOT starts_with(version_variant(plain).words, '-') AS counts
    FROM sightings
    WHERE version_class(plain) IN ('exact', 'partial')
),
compared AS (
    SELECT
        *,
        arg_max(plain, key) FILTER (WHERE counts) OVER (PARTITION BY chart_name, family_url, scheme) AS newest_version,
        max(key.major) FILTER (WHERE counts) OVER (PARTITION BY chart_name, family_url, scheme) AS newest_major,
        count(*) FILTER (WHERE counts) OVER above AS versions_behind,
        min(first_seen_at) FILTER (WHERE counts) OVER above AS superseded_at,
        arg_min(is_lower_bound, (first_seen_at, NOT is_lower_bound)) FILTER (WHERE counts) OVER above AS superseded_is_lower_bound
    FROM ordered
    WINDOW above AS (
        PARTITION BY chart_name, family_url, scheme ORDER BY key DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)
SELECT
    chart_name,
    family_url,
    plain AS version,
    scheme,
    first_seen_at,
    is_lower_bound,
    repositories_ever,
    repositories_now,
    addresses,
    newest_version,
    greatest(newest_major - key.major, 0) AS majors_behind,
    versions_behind,
    superseded_at,
    superseded_is_lower_bound
FROM compared
ORDER BY chart_name, family_url, scheme, key, version
