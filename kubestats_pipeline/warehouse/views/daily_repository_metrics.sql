-- One row per repository and day with metrics or an event: the metrics, and the resources that it had at the end of that day. A path or a git URL
-- has no metrics, and its days are those of its events.
-- repository_id: identity of the repository
-- full_name: the repository's present name, or null where discovery does not know it
-- date: day (UTC) that the numbers stand for
-- stars_count: stars. This and the numbers below are null on a day on which its host was not asked
-- forks_count: forks
-- watchers_count: real subscribers, or null when not known
-- open_issues_count: open issues, pull requests included
-- size_kb: size on the host, KB
-- resources_count: resources that existed at the end of the day, by committer time
WITH changes AS (
    SELECT
        repository_id,
        CAST(event_timestamp AT TIME ZONE 'UTC' AS DATE) AS date,
        count(*) FILTER (WHERE event_type IN ('CREATED', 'RESURRECTED')) - count(*) FILTER (WHERE event_type = 'DELETED') AS change
    FROM resource_events
    GROUP BY ALL
),
totals AS (
    SELECT repository_id, date, sum(change) OVER (PARTITION BY repository_id ORDER BY date)::BIGINT AS resources_count
    FROM changes
),
days AS (
    SELECT repository_id, date FROM repository_metrics
    UNION
    SELECT repository_id, date FROM changes
)
SELECT
    days.repository_id,
    repositories.full_name,
    days.date,
    metrics.stars_count,
    metrics.forks_count,
    metrics.watchers_count,
    metrics.open_issues_count,
    metrics.size_kb,
    coalesce(totals.resources_count, 0) AS resources_count
FROM days
LEFT JOIN repository_metrics AS metrics ON metrics.repository_id = days.repository_id AND metrics.date = days.date
ASOF LEFT JOIN totals ON days.repository_id = totals.repository_id AND days.date >= totals.date
LEFT JOIN repositories ON days.repository_id = repositories.repository_id
ORDER BY days.date, days.repository_id
