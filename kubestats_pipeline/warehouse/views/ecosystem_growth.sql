-- One row per day of ecosystem_stats, with what has grown since the day before, 7 and 30 days before.
-- Growth is null where the earlier day has no row or no such number.
-- date: day (UTC). The row stands for its end
-- total_repositories: repositories known and not retired
-- active_repositories: repositories with a change of a resource in the last 30 days
-- active_resources: resources that exist
-- total_stars: sum over the day's metrics, or null when none were recorded
-- repositories_1_day: growth of total_repositories in 1 day
-- repositories_7_days: in 7 days
-- repositories_30_days: in 30 days
-- repositories_30_days_percent: the same in per cent of the number before
-- resources_1_day: growth of active_resources in 1 day
-- resources_7_days: in 7 days
-- resources_30_days: in 30 days
-- resources_30_days_percent: the same in per cent of the number before
-- stars_1_day: growth of total_stars in 1 day
-- stars_7_days: in 7 days
-- stars_30_days: in 30 days
SELECT
    today.date,
    today.total_repositories,
    today.active_repositories,
    today.active_resources,
    today.total_stars,
    today.total_repositories - yesterday.total_repositories AS repositories_1_day,
    today.total_repositories - week.total_repositories AS repositories_7_days,
    today.total_repositories - month.total_repositories AS repositories_30_days,
    round(100.0 * repositories_30_days / nullif(month.total_repositories, 0), 1) AS repositories_30_days_percent,
    today.active_resources - yesterday.active_resources AS resources_1_day,
    today.active_resources - week.active_resources AS resources_7_days,
    today.active_resources - month.active_resources AS resources_30_days,
    round(100.0 * resources_30_days / nullif(month.active_resources, 0), 1) AS resources_30_days_percent,
    today.total_stars - yesterday.total_stars AS stars_1_day,
    today.total_stars - week.total_stars AS stars_7_days,
    today.total_stars - month.total_stars AS stars_30_days
FROM ecosystem_stats AS today
LEFT JOIN ecosystem_stats AS yesterday ON yesterday.date = today.date - 1
LEFT JOIN ecosystem_stats AS week ON week.date = today.date - 7
LEFT JOIN ecosystem_stats AS month ON month.date = today.date - 30
ORDER BY today.date DESC
