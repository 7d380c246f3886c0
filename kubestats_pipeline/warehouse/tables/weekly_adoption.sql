-- One row per chart, chart family or app and week in which somebody ran it or ceased to: its adoption curve, up to the week of the newest event.
-- Times before Kubernetes existed, which only a wrong clock gives, count in its first week, that of 2 June 2014.
-- Repositories count, in scope only, as in tenures. A repository whose log begins in a week is not an adoption of what it already ran: it counts as
-- running, and in joined_the_data.
-- subject: chart, family or app. A move between addresses of a family is neither adopted nor abandoned there
-- name: name of the chart or app, or null for charts whose repository does not say
-- chart_url: canonical location of the chart, family_url of a family, or null for apps, and where it could not be resolved
-- is_resolved: false for charts that could not be resolved, true for families and apps
-- week: Monday (UTC) that begins the week
-- repositories: repositories that ran it at the end of the week
-- adopted: repositories that began to run it in the week
-- abandoned: repositories that ceased to run it in the week
-- joined_the_data: repositories whose log begins in the week and that ran it already
WITH changes AS (
    SELECT
        subject, name, chart_url, is_resolved, date_trunc('week', started_at AT TIME ZONE 'UTC')::DATE AS begins, 1 AS change, is_left_censored
    FROM tenures
    UNION ALL
    SELECT subject, name, chart_url, is_resolved, date_trunc('week', ended_at AT TIME ZONE 'UTC')::DATE, -1, FALSE
    FROM tenures
    WHERE NOT is_running
),
counted AS (
    SELECT
        subject, name, chart_url, is_resolved,
        greatest(begins, DATE '2014-06-02') AS week,
        sum(change) AS change,
        count(*) FILTER (WHERE change = 1 AND NOT is_left_censored) AS adopted,
        count(*) FILTER (WHERE change = -1) AS abandoned,
        count(*) FILTER (WHERE is_left_censored) AS joined_the_data
    FROM changes
    GROUP BY ALL
),
lasting AS (
    SELECT
        *,
        sum(change) OVER (PARTITION BY subject, name, chart_url, is_resolved ORDER BY week)::BIGINT AS repositories,
        lead(week) OVER (PARTITION BY subject, name, chart_url, is_resolved ORDER BY week) AS next_week
    FROM counted
),
weeks AS (
    SELECT unnest(generate_series(min(week), (SELECT max(observed_until AT TIME ZONE 'UTC') FROM tenures), INTERVAL 7 DAY))::DATE AS week
    FROM counted
)
SELECT
    subject,
    name,
    chart_url,
    is_resolved,
    weeks.week,
    repositories,
    CASE WHEN weeks.week = lasting.week THEN adopted ELSE 0 END AS adopted,
    CASE WHEN weeks.week = lasting.week THEN abandoned ELSE 0 END AS abandoned,
    CASE WHEN weeks.week = lasting.week THEN joined_the_data ELSE 0 END AS joined_the_data
FROM lasting
JOIN weeks ON weeks.week >= lasting.week AND weeks.week < coalesce(next_week, 'infinity')
WHERE repositories > 0 OR weeks.week = lasting.week
ORDER BY subject, name, chart_url, is_resolved, weeks.week
