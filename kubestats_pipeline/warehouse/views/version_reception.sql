-- One row per resolved chart and version that ever ran somewhere in scope: who took it, who jumped over it, who went back from it.
-- Repositories count. A version that many skip or roll back was a bad one, or came just before a better one.
-- chart_name: chart
-- chart_url: canonical location of the chart
-- version: version without a leading v
-- first_seen_at: committer time at which it was first seen anywhere
-- is_lower_bound: the log in which it was first seen begins with it, so that it ran at least since then
-- repositories_ever: repositories that ever ran it
-- repositories_now: repositories that run it now
-- skipped_by: repositories that upgraded past it when it had been seen, and never ran it
-- rolled_back_by: repositories that went from it back to a lower version that they had run before
-- downgraded_by: repositories that went from it to any lower version
-- median_days_held: median over the steps away from it of the days for which it had run, or null where nobody left it
-- held_is_lower_bound: some of these days begin with a log, so that it ran at least so long. Null where nobody left it
-- watched_days: days from first_seen_at to reference_at of reference_moment. Nobody can be seen to have held it for longer
WITH left_it AS (
    SELECT
        chart_name,
        chart_url,
        from_version AS version,
        count(DISTINCT repository_id) FILTER (WHERE is_rollback) AS rolled_back_by,
        count(DISTINCT repository_id) FILTER (WHERE direction = 'downgrade') AS downgraded_by,
        median(days_held) AS median_days_held,
        bool_or(is_lower_bound) AS held_is_lower_bound
    FROM version_steps
    GROUP BY ALL
),
jumps AS (
    SELECT DISTINCT chart_name, chart_url, unnest(skipped) AS version, repository_id FROM version_steps
),
-- Only the spans of who jumped: to read the versions of all takes long.
takers AS (
    SELECT chart_name, chart_url, coalesce(version_tag, version) AS wrote, repository_id
    FROM use_spans
    SEMI JOIN jumps
        ON jumps.repository_id = use_spans.repository_id
        AND jumps.chart_name = use_spans.chart_name
        AND jumps.chart_url IS NOT DISTINCT FROM use_spans.chart_url
    WHERE is_release AND is_resolved AND in_scope
),
passed AS (
    SELECT jumps.chart_name, jumps.chart_url, jumps.version, count(*) AS skipped_by
    FROM jumps
    ANTI JOIN (SELECT *, plain_version(wrote) AS version FROM takers) AS taken
        ON taken.chart_name = jumps.chart_name
        AND taken.chart_url IS NOT DISTINCT FROM jumps.chart_url
        AND taken.version = jumps.version
        AND taken.repository_id = jumps.repository_id
    GROUP BY ALL
)
SELECT
    sightings.chart_name,
    sightings.chart_url,
    sightings.version,
    first_seen_at,
    sightings.is_lower_bound,
    repositories_ever,
    repositories_now,
    coalesce(skipped_by, 0) AS skipped_by,
    coalesce(rolled_back_by, 0) AS rolled_back_by,
    coalesce(downgraded_by, 0) AS downgraded_by,
    median_days_held,
    held_is_lower_bound,
    greatest(date_diff('second', first_seen_at, reference_at), 0) / 86400 AS watched_days
FROM version_sightings AS sightings
CROSS JOIN reference_moment
LEFT JOIN passed
    ON passed.chart_name = sightings.chart_name
    AND passed.chart_url IS NOT DISTINCT FROM sightings.chart_url
    AND passed.version = sightings.version
LEFT JOIN left_it
    ON left_it.chart_name = sightings.chart_name
    AND left_it.chart_url IS NOT DISTINCT FROM sightings.chart_url
    AND left_it.version = sightings.version
