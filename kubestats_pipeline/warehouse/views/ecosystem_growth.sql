-- One row per day of ecosystem_stats, with what has grown since the day before, 7 and 30 days before.
-- Growth counts what was seen at both ends: resources of repositories whose log covers both days, stars of repositories recorded on both, and
-- repositories that were created on their host in between, less those retired. Columns of their own hold the rest, which joined the data.
-- Growth is null where the earlier day has no row or no such number.
-- date: day (UTC). The row stands for its end
-- total_repositories: repositories known and not retired
-- active_repositories: repositories with a change of a resource in the last 30 days
-- active_resources: resources that exist
-- total_stars: sum over the day's metrics, or null when none were recorded
-- repositories_1_day: growth of total_repositories in 1 day, without those that joined the data
-- repositories_7_days: in 7 days
-- repositories_30_days: in 30 days
-- repositories_30_days_percent: the same in per cent of the number before
-- resources_1_day: growth of active_resources in 1 day, in repositories whose log covers both days
-- resources_7_days: in 7 days
-- resources_30_days: in 30 days
-- resources_30_days_percent: the same in per cent of the number before
-- stars_1_day: growth of stars in 1 day, of repositories recorded on both days
-- stars_7_days: in 7 days
-- stars_30_days: in 30 days
-- joined_repositories_30_days: repositories that joined the data in 30 days. Nobody knows whether they are new
-- left_repositories_30_days: repositories that were retired in 30 days
-- joined_resources_30_days: those of active_resources that joined the data with their repository's log in 30 days
WITH stars AS (
    SELECT
        today.date,
        sum(today.stars_count - earlier.stars_count) FILTER (WHERE ago = 1)::BIGINT AS in_day,
        sum(today.stars_count - earlier.stars_count) FILTER (WHERE ago = 7)::BIGINT AS in_week,
        sum(today.stars_count - earlier.stars_count) FILTER (WHERE ago = 30)::BIGINT AS in_month
    FROM repository_metrics AS today
    CROSS JOIN (SELECT unnest([1, 7, 30])::INTEGER AS ago)
    JOIN repository_metrics AS earlier ON earlier.repository_id = today.repository_id AND earlier.date = today.date - ago
    GROUP BY today.date
)
SELECT
    today.date,
    today.total_repositories,
    today.active_repositories,
    today.active_resources,
    today.total_stars,
    today.total_repositories - yesterday.total_repositories
    - (today.total_joined_repositories - yesterday.total_joined_repositories) AS repositories_1_day,
    today.total_repositories - week.total_repositories
    - (today.total_joined_repositories - week.total_joined_repositories) AS repositories_7_days,
    today.total_repositories - month.total_repositories
    - (today.total_joined_repositories - month.total_joined_repositories) AS repositories_30_days,
    round(100.0 * repositories_30_days / nullif(month.total_repositories, 0), 1) AS repositories_30_days_percent,
    today.active_resources - yesterday.active_resources - today.joined_resources AS resources_1_day,
    today.active_resources - week.active_resources - today.joined_resources_in_week AS resources_7_days,
    today.active_resources - month.active_resources - today.joined_resources_in_month AS resources_30_days,
    round(100.0 * resources_30_days / nullif(month.active_resources, 0), 1) AS resources_30_days_percent,
    stars.in_day AS stars_1_day,
    stars.in_week AS stars_7_days,
    stars.in_month AS stars_30_days,
    today.total_joined_repositories - month.total_joined_repositories AS joined_repositories_30_days,
    today.total_left_repositories - month.total_left_repositories AS left_repositories_30_days,
    today.joined_resources_in_month AS joined_resources_30_days
FROM ecosystem_stats AS today
LEFT JOIN ecosystem_stats AS yesterday ON yesterday.date = today.date - 1
LEFT JOIN ecosystem_stats AS week ON week.date = today.date - 7
LEFT JOIN ecosystem_stats AS month ON month.date = today.date - 30
LEFT JOIN stars ON stars.date = today.date
ORDER BY today.date DESC
