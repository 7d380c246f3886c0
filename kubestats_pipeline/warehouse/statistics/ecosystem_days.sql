-- The days up to $today, oldest first, whose row of ecosystem_stats is missing or no longer says what the lake says.
-- Reads the tables of ecosystem_history.sql, and ecosystem_stats. A newly scanned repository or a rewritten history changes
-- the past, which shows in the totals. A day is also due when the day before is, for its growth, and the last two always are.
WITH bounds AS (
    -- No manifest is older than Kubernetes' first public commit. An older committer time is a broken clock, which
    -- repository_quality counts. The days begin with the first plausible commit.
    -- Days whose events retention has archived keep the row that they have.
    SELECT greatest(
        coalesce(min(day) FILTER (WHERE day BETWEEN DATE '2014-06-06' AND $today::DATE), $today::DATE),
        (SELECT max(last_day) + 1 FROM retirements)
    ) AS first_day
    FROM daily_events
),
calendar AS (
    SELECT unnest(generate_series(first_day, $today::DATE, INTERVAL 1 DAY))::DATE AS day FROM bounds
),
event_totals AS (
    SELECT day, sum(sum(events)) OVER (ORDER BY day)::BIGINT AS events FROM daily_events GROUP BY day
),
repository_totals AS (
    SELECT day, count(*) AS repositories
    FROM calendar
    JOIN repository_lives ON first_day <= day AND (retired_day IS NULL OR retired_day > day)
    GROUP BY day
),
star_totals AS (
    SELECT date AS day, sum(stars_count)::BIGINT AS stars FROM repository_metrics GROUP BY date
),
expected AS (
    SELECT
        calendar.day,
        coalesce(event_totals.events, 0) AS events,
        coalesce(repository_totals.repositories, 0) AS repositories,
        star_totals.stars
    FROM calendar
    ASOF LEFT JOIN event_totals ON calendar.day >= event_totals.day
    LEFT JOIN repository_totals ON calendar.day = repository_totals.day
    LEFT JOIN star_totals ON calendar.day = star_totals.day
),
compared AS (
    SELECT
        day,
        (events > 0 OR repositories > 0) AS is_known,
        (events, repositories, stars) IS DISTINCT FROM (total_resource_events, total_repositories, total_stars)
        -- Rows of an earlier version do not tell what joined.
        OR total_joined_repositories IS NULL AS is_due
    FROM expected
    LEFT JOIN ecosystem_stats ON ecosystem_stats.date = expected.day
)
SELECT day
FROM compared
WHERE is_known
QUALIFY is_due OR lag(is_due) OVER (ORDER BY day) OR day >= $today::DATE - 1
ORDER BY day
