-- One row per chart, chart family or app that some repository ran: how long it stays, by the Kaplan-Meier curve in survival_curves.
-- subject: chart, family, app, every chart, every family or every app
-- name: name of the chart or app, or null for charts whose repository does not say, and for all together
-- chart_url: canonical location of the chart, family_url of a family, or null for apps, and where it could not be resolved
-- is_resolved: false for charts that could not be resolved
-- tenures: tenures whose beginning is known
-- ended: those that ended. The others are running
-- older_tenures: tenures that are left out, because they are older than the log of their repository. A short history has many
-- watched_days: days for which the longest of tenures was watched, or null where there are none. Nothing is known beyond, and little near it
-- median_days: days after which half of them are gone, or null where more than half stay as long as anybody could see
-- survival_30_days: estimated share that lasts longer than 30 days, or null where none could be watched so long
-- survival_180_days: the same for 180 days
-- survival_365_days: the same for 365 days
-- survival_730_days: the same for 730 days
WITH left_out AS (
    SELECT subject, name, chart_url, is_resolved, count(*) AS older FROM tenures WHERE is_left_censored GROUP BY ALL
    UNION ALL
    SELECT 'every ' || subject, NULL, NULL, TRUE, count(*) FROM tenures WHERE is_left_censored GROUP BY subject
),
known AS (
    SELECT *, 0 AS older FROM survival_curves
    UNION ALL
    SELECT subject, name, chart_url, is_resolved, NULL, NULL, NULL, NULL, older FROM left_out
)
SELECT
    subject,
    name,
    chart_url,
    is_resolved,
    coalesce(max(at_risk), 0) AS tenures,
    coalesce(sum(ended), 0)::BIGINT AS ended,
    sum(older)::BIGINT AS older_tenures,
    max(day) AS watched_days,
    min(day) FILTER (WHERE survival <= 0.5) AS median_days,
    CASE WHEN max(day) >= 30 THEN coalesce(arg_max(survival, day) FILTER (WHERE day <= 30), 1) END AS survival_30_days,
    CASE WHEN max(day) >= 180 THEN coalesce(arg_max(survival, day) FILTER (WHERE day <= 180), 1) END AS survival_180_days,
    CASE WHEN max(day) >= 365 THEN coalesce(arg_max(survival, day) FILTER (WHERE day <= 365), 1) END AS survival_365_days,
    CASE WHEN max(day) >= 730 THEN coalesce(arg_max(survival, day) FILTER (WHERE day <= 730), 1) END AS survival_730_days
FROM known
GROUP BY subject, name, chart_url, is_resolved
