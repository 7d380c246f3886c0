-- One row per chart family or image and version that ever ran somewhere in scope: how it was received, and whether that speaks for or against it.
-- The confidence is low where two repositories or more went back from it to a version that they had run before, or where five or more jumped
-- over a chart's version, and more than twice as many as ever ran it: it was a bad one, or came just before a better one. It is high where
-- five repositories or more held it for seven days, and none ever went back from it. Of most versions nobody can say either.
-- subject: chart or image
-- name: chart, or image without tag and digest
-- family_url: the address that stands for the chart's family, or null for an image
-- version: version without a leading v
-- written: all ways in which it is written anywhere, such as v1.2.3 and 1.2.3
-- first_seen_at: committer time at which it was first seen anywhere
-- repositories_ever: repositories that ever ran it
-- repositories_now: repositories that run it now
-- held_by: repositories that held it for seven days or more
-- median_days_held: median over all repositories that ever ran it of the days for which they did, up to reference_at of reference_moment
-- gone_back_by: repositories that went from it to any lower version
-- rolled_back_by: those that had run the lower version before
-- skipped_by: repositories that upgraded the chart past it when it had been seen at the same address, and never ran it. 0 for an image
-- confidence: low, high, or null where nobody can say
WITH received AS (
    SELECT
        subject,
        name,
        family_url,
        version,
        list_sort(list_distinct(flatten(list(written)))) AS written,
        min(held_since) AS first_seen_at,
        count(*) AS repositories_ever,
        count(*) FILTER (WHERE is_held) AS repositories_now,
        count(*) FILTER (WHERE days_held >= 7) AS held_by,
        median(days_held) AS median_days_held,
        count(went_back_at) AS gone_back_by,
        count(*) FILTER (WHERE is_rollback) AS rolled_back_by
    FROM version_holds
    GROUP BY ALL
),
jumps AS (
    SELECT DISTINCT families.chart_name AS name, family_url, unnest(skipped) AS version, repository_id
    FROM version_steps AS steps
    JOIN chart_families AS families ON families.chart_name = steps.chart_name AND families.chart_url = steps.chart_url
),
passed AS (
    SELECT name, family_url, version, count(*) AS skipped_by
    FROM jumps
    ANTI JOIN version_holds AS holds USING (name, family_url, version, repository_id)
    GROUP BY ALL
)
SELECT
    received.*,
    coalesce(skipped_by, 0) AS skipped_by,
    CASE
        WHEN rolled_back_by >= 2 OR (coalesce(skipped_by, 0) >= 5 AND skipped_by > 2 * repositories_ever) THEN 'low'
        WHEN held_by >= 5 AND gone_back_by = 0 THEN 'high'
    END AS confidence
FROM received
LEFT JOIN passed ON passed.name = received.name AND passed.family_url = received.family_url AND passed.version = received.version
