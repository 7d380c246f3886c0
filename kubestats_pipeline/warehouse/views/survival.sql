-- One row per chart or app that some repository began to run: how long it stays, by the Kaplan-Meier curve in survival_curves.
-- subject: chart, app, every chart or every app
-- name: name of the chart or app, or null for charts whose repository does not say, and for all together
-- chart_url: canonical location of the chart, or null for apps, and where it could not be resolved
-- is_resolved: false for charts that could not be resolved
-- tenures: tenures whose beginning is known
-- ended: those that ended. The others are running
-- watched_days: days for which the longest of them was watched. Nothing is known beyond, and little near it
-- median_days: days after which half of them are gone, or null where more than half stay as long as anybody could see
-- survival_30_days: estimated share that lasts longer than 30 days, or null where none could be watched so long
-- survival_180_days: the same for 180 days
-- survival_365_days: the same for 365 days
-- survival_730_days: the same for 730 days
SELECT
    subject,
    name,
    chart_url,
    is_resolved,
    max(at_risk) AS tenures,
    sum(ended)::BIGINT AS ended,
    max(day) AS watched_days,
    min(day) FILTER (WHERE survival <= 0.5) AS median_days,
    CASE WHEN max(day) >= 30 THEN coalesce(arg_max(survival, day) FILTER (WHERE day <= 30), 1) END AS survival_30_days,
    CASE WHEN max(day) >= 180 THEN coalesce(arg_max(survival, day) FILTER (WHERE day <= 180), 1) END AS survival_180_days,
    CASE WHEN max(day) >= 365 THEN coalesce(arg_max(survival, day) FILTER (WHERE day <= 365), 1) END AS survival_365_days,
    CASE WHEN max(day) >= 730 THEN coalesce(arg_max(survival, day) FILTER (WHERE day <= 730), 1) END AS survival_730_days
FROM survival_curves
GROUP BY subject, name, chart_url, is_resolved
