-- One row per chart, chart family or app and number of days after which a tenure of it ended or was last seen: its Kaplan-Meier survival curve.
-- Tenures count (see tenures), by repository. One that is running is censored: it counts as at risk up to its age. One whose beginning is not
-- known is left out. The subjects "every chart", "every family" and "every app" take all together.
-- subject: chart, family, app, every chart, every family or every app
-- name: name of the chart or app, or null for charts whose repository does not say, and for all together
-- chart_url: canonical location of the chart, family_url of a family, or null for apps, and where it could not be resolved
-- is_resolved: false for charts that could not be resolved
-- day: whole days since the start
-- at_risk: tenures that had lasted so long
-- ended: tenures that ended on that day
-- survival: estimated share of tenures that last longer
WITH lives AS (
    SELECT subject, name, chart_url, is_resolved, floor(days)::BIGINT AS day, is_running FROM tenures WHERE NOT is_left_censored
    UNION ALL
    SELECT 'every ' || subject, NULL, NULL, TRUE, floor(days)::BIGINT, is_running FROM tenures WHERE NOT is_left_censored
),
leaving AS (
    SELECT subject, name, chart_url, is_resolved, day, count(*) FILTER (WHERE NOT is_running) AS ended, count(*) AS number FROM lives GROUP BY ALL
),
risks AS (
    SELECT *, sum(number) OVER (PARTITION BY subject, name, chart_url, is_resolved ORDER BY day DESC)::BIGINT AS at_risk FROM leaving
)
SELECT
    subject,
    name,
    chart_url,
    is_resolved,
    day,
    at_risk,
    ended,
    product(1 - ended / at_risk) OVER (PARTITION BY subject, name, chart_url, is_resolved ORDER BY day) AS survival
FROM risks
ORDER BY subject, name, chart_url, is_resolved, day
