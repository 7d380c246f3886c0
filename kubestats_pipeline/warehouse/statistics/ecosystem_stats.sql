-- The rows of ecosystem_stats for the days $dates, each as of its end (UTC), from the tables of ecosystem_history.sql.
-- No row comes out for a day on which no repository was known and no event had happened, nor for one whose events retention has
-- archived.
WITH wanted AS (
    SELECT day
    FROM (SELECT unnest($dates::DATE[]) AS day)
    WHERE day > coalesce((SELECT max(last_day) FROM retirements), DATE '-infinity')
),
days AS (
    SELECT day FROM wanted UNION SELECT day - 1 FROM wanted
),
things AS (
    SELECT DISTINCT breakdown, key FROM timelines
),
counts AS (
    SELECT days.day, things.breakdown, things.key, timelines.value
    FROM days
    CROSS JOIN things
    ASOF JOIN timelines
        ON timelines.breakdown = things.breakdown AND timelines.key = things.key AND timelines.day <= days.day
),
totals AS (
    SELECT
        days.day,
        coalesce(max(value) FILTER (WHERE breakdown = 'total_repositories'), 0) AS total_repositories,
        coalesce(max(value) FILTER (WHERE breakdown = 'active_repositories'), 0) AS active_repositories,
        coalesce(max(value) FILTER (WHERE breakdown = 'repositories_with_resources'), 0) AS repositories_with_resources,
        coalesce(max(value) FILTER (WHERE breakdown = 'total_resources'), 0) AS total_resources,
        coalesce(max(value) FILTER (WHERE breakdown = 'active_resources'), 0) AS active_resources,
        coalesce(max(value) FILTER (WHERE breakdown = 'total_joined_repositories'), 0) AS joined,
        coalesce(max(value) FILTER (WHERE breakdown = 'total_left_repositories'), 0) AS gone,
        coalesce(max(value) FILTER (WHERE breakdown = 'joined_resources_1'), 0) AS joined_1,
        coalesce(max(value) FILTER (WHERE breakdown = 'joined_resources_7'), 0) AS joined_7,
        coalesce(max(value) FILTER (WHERE breakdown = 'joined_resources_30'), 0) AS joined_30,
        coalesce(max(value) FILTER (WHERE breakdown = 'total_resource_events'), 0) AS total_resource_events
    FROM days
    LEFT JOIN counts ON counts.day = days.day AND key = ''
    GROUP BY days.day
),
ranked AS (
    SELECT day, breakdown, {'key': key, 'value': value} AS entry, value, key
    FROM counts
    WHERE key <> '' AND value > 0
    QUALIFY breakdown NOT LIKE 'popular_%' OR row_number() OVER (PARTITION BY day, breakdown ORDER BY value DESC, key) <= 50
),
breakdowns AS (
    SELECT
        day,
        list(entry ORDER BY value DESC, key) FILTER (WHERE breakdown = 'resource_type_breakdown') AS resource_type_breakdown,
        list(entry ORDER BY value DESC, key) FILTER (WHERE breakdown = 'popular_helm_charts') AS popular_helm_charts,
        list(entry ORDER BY value DESC, key) FILTER (WHERE breakdown = 'language_breakdown') AS language_breakdown,
        list(entry ORDER BY value DESC, key) FILTER (WHERE breakdown = 'popular_topics') AS popular_topics
    FROM ranked
    GROUP BY day
),
daily AS (
    SELECT day, sum(created)::BIGINT AS created, sum(modified)::BIGINT AS modified, sum(deleted)::BIGINT AS deleted
    FROM daily_events
    GROUP BY day
),
metrics AS (
    SELECT
        date AS day,
        sum(stars_count)::BIGINT AS stars,
        sum(forks_count)::BIGINT AS forks,
        sum(watchers_count)::BIGINT AS watchers,
        sum(open_issues_count)::BIGINT AS open_issues
    FROM repository_metrics
    GROUP BY date
),
stars AS (
    SELECT today.date AS day, sum(today.stars_count - before.stars_count)::BIGINT AS growth
    FROM repository_metrics AS today
    JOIN repository_metrics AS before ON before.repository_id = today.repository_id AND before.date = today.date - 1
    GROUP BY today.date
)
SELECT
    wanted.day AS date,
    totals.total_repositories,
    totals.active_repositories,
    totals.repositories_with_resources,
    totals.total_resources,
    totals.active_resources,
    totals.total_resource_events,
    coalesce(daily.created, 0) AS daily_created_resources,
    coalesce(daily.modified, 0) AS daily_modified_resources,
    coalesce(daily.deleted, 0) AS daily_deleted_resources,
    coalesce(resource_type_breakdown, []) AS resource_type_breakdown,
    coalesce(popular_helm_charts, []) AS popular_helm_charts,
    coalesce(language_breakdown, []) AS language_breakdown,
    coalesce(popular_topics, []) AS popular_topics,
    metrics.stars AS total_stars,
    metrics.forks AS total_forks,
    metrics.watchers AS total_watchers,
    metrics.open_issues AS total_open_issues,
    totals.total_repositories - before.total_repositories - (totals.joined - before.joined) AS repository_growth,
    totals.active_resources - before.active_resources - totals.joined_1 AS resource_growth,
    stars.growth AS star_growth,
    totals.joined AS total_joined_repositories,
    totals.gone AS total_left_repositories,
    totals.joined_1 AS joined_resources,
    totals.joined_7 AS joined_resources_in_week,
    totals.joined_30 AS joined_resources_in_month
FROM wanted
JOIN totals ON totals.day = wanted.day
JOIN totals AS before ON before.day = wanted.day - 1
LEFT JOIN breakdowns ON breakdowns.day = wanted.day
LEFT JOIN daily ON daily.day = wanted.day
LEFT JOIN metrics ON metrics.day = wanted.day
LEFT JOIN stars ON stars.day = wanted.day
WHERE totals.total_repositories > 0 OR totals.total_resource_events > 0
ORDER BY date
