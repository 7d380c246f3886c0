-- One row per chart, month and version that a repository ran at the end of the month: how versions spread and fade.
-- Repositories count, in scope only. One that runs two versions counts for each. The last month ends with the newest event of all.
-- chart_name: chart, or null for releases whose repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- is_resolved: false for charts that could not be resolved
-- month: first day (UTC) of the month
-- version: version without a leading v (of a digest with a tag the tag), or null for releases without one
-- repositories: repositories that ran it at the end of the month
-- share: of the repositories that ran the chart then
-- joined_the_data: those of repositories whose log begins in the month. Nobody knows since when they had run it
-- repositories_growth: repositories less those of the month before, without joined_the_data
-- share_growth: share without joined_the_data, less that of the month before. Null where either month has no such repositories
WITH months AS (
    SELECT month::DATE AS month, least(month + INTERVAL 1 MONTH, newest + INTERVAL 1 MICROSECOND) AS ends_at
    FROM (
            SELECT
                least(max(valid_from), any_value(built_at)) AT TIME ZONE 'UTC' AS newest,
                -- Before Kubernetes existed only wrong clocks know of it.
                greatest(min(valid_from) AT TIME ZONE 'UTC', TIMESTAMP '2014-06-01') AS oldest
            FROM use_spans
            CROSS JOIN warehouse_info
        ) AS known,
        unnest(generate_series(date_trunc('month', oldest), newest, INTERVAL 1 MONTH)) AS months (month)
),
releases_run AS (
    SELECT
        chart_name, chart_url, is_resolved, plain_version(coalesce(version_tag, version)) AS version, repository_id,
        date_trunc('month', begins_at AT TIME ZONE 'UTC') AS begins_in,
        greatest(valid_from, begins_at) AS counts_from,
        coalesce(valid_to, 'infinity') AS counts_until
    FROM use_spans
    JOIN repository_logs USING (repository_id)
    WHERE is_release AND in_scope
),
uses AS (
    SELECT DISTINCT chart_name, chart_url, is_resolved, month, version, repository_id, begins_in = month AS is_new
    FROM releases_run
    JOIN (SELECT month, ends_at AT TIME ZONE 'UTC' AS ends_at FROM months) AS ends ON counts_from < ends_at AND counts_until >= ends_at
),
totals AS (
    SELECT
        chart_name, chart_url, is_resolved, month, count(*) AS total, count(*) FILTER (WHERE NOT is_new) AS known_total
    FROM (SELECT DISTINCT chart_name, chart_url, is_resolved, month, repository_id, is_new FROM uses) AS running
    GROUP BY ALL
),
compared AS (
    SELECT *, CASE WHEN lag(month) OVER own + INTERVAL 1 MONTH = month THEN lag(total) OVER own END AS total_before
    FROM totals
    WINDOW own AS (PARTITION BY chart_name, chart_url, is_resolved ORDER BY month)
),
counted AS (
    SELECT
        chart_name, chart_url, is_resolved, month, version,
        count(repository_id) AS repositories,
        count(repository_id) FILTER (WHERE is_new) AS joined_the_data
    FROM uses
    GROUP BY ALL
)
SELECT
    counted.chart_name,
    counted.chart_url,
    counted.is_resolved,
    counted.month,
    counted.version,
    counted.repositories,
    counted.repositories / totals.total AS share,
    counted.joined_the_data,
    counted.repositories - coalesce(earlier.repositories, 0) - counted.joined_the_data AS repositories_growth,
    (counted.repositories - counted.joined_the_data) / nullif(totals.known_total, 0) - coalesce(earlier.repositories, 0) / totals.total_before AS share_growth
FROM counted
JOIN compared AS totals
    ON totals.chart_name IS NOT DISTINCT FROM counted.chart_name
    AND totals.chart_url IS NOT DISTINCT FROM counted.chart_url
    AND totals.is_resolved = counted.is_resolved
    AND totals.month = counted.month
LEFT JOIN counted AS earlier
    ON earlier.chart_name IS NOT DISTINCT FROM counted.chart_name
    AND earlier.chart_url IS NOT DISTINCT FROM counted.chart_url
    AND earlier.is_resolved = counted.is_resolved
    AND earlier.version IS NOT DISTINCT FROM counted.version
    AND earlier.month + INTERVAL 1 MONTH = counted.month
ORDER BY counted.chart_name, counted.chart_url, counted.is_resolved, counted.month, counted.version
