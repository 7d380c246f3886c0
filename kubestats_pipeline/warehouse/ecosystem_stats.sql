-- The row of ecosystem_stats for the day $date, as of its end (UTC), from the tables of ecosystem_history.sql.
-- What counts repositories leaves out those that were retired on that day or before; what counts resources or events takes all.
-- No row comes out when no repository was known and no event had happened by then.
WITH days AS (
    SELECT unnest([$date::DATE, $date::DATE - 1]) AS day
),
living AS (
    SELECT day, repository_id, language, topics
    FROM days
    JOIN repository_lives ON first_day <= day AND (retired_day IS NULL OR retired_day > day)
),
existing AS (
    SELECT day, resource_id, repository_id, kind, chart_name, retired_day IS NULL OR retired_day > day AS is_living
    FROM days
    JOIN resource_days ON from_day <= day AND (until_day IS NULL OR until_day > day)
    LEFT JOIN retirements USING (repository_id)
    WHERE exists_then
),
today AS (
    SELECT * FROM existing WHERE day = $date::DATE
),
repository_totals AS (
    SELECT
        count(*) FILTER (WHERE day = $date::DATE) AS total,
        total - count(*) FILTER (WHERE day <> $date::DATE) AS growth
    FROM living
),
resource_totals AS (
    SELECT
        count(*) FILTER (WHERE day = $date::DATE) AS active,
        count(DISTINCT repository_id) FILTER (WHERE day = $date::DATE AND is_living) AS repositories,
        active - count(*) FILTER (WHERE day <> $date::DATE) AS growth
    FROM existing
),
event_totals AS (
    SELECT
        coalesce(sum(events), 0)::BIGINT AS total,
        coalesce(sum(created) FILTER (WHERE day = $date::DATE), 0)::BIGINT AS created,
        coalesce(sum(modified) FILTER (WHERE day = $date::DATE), 0)::BIGINT AS modified,
        coalesce(sum(deleted) FILTER (WHERE day = $date::DATE), 0)::BIGINT AS deleted,
        count(DISTINCT repository_id) FILTER (
            WHERE day > $date::DATE - 30 AND (retired_day IS NULL OR retired_day > $date::DATE)
        ) AS active_repositories
    FROM daily_events
    LEFT JOIN retirements USING (repository_id)
    WHERE day <= $date::DATE
),
kinds AS (
    SELECT kind AS key, count(*) AS value FROM today GROUP BY kind
),
charts AS (
    SELECT chart_name AS key, count(DISTINCT repository_id) AS value
    FROM today
    WHERE chart_name IS NOT NULL AND is_living
    GROUP BY chart_name
    ORDER BY value DESC, key
    LIMIT 50
),
languages AS (
    SELECT coalesce(language, 'unknown') AS key, count(*) AS value FROM living WHERE day = $date::DATE GROUP BY key
),
topics AS (
    SELECT topic AS key, count(DISTINCT repository_id) AS value
    FROM (SELECT repository_id, unnest(topics) AS topic FROM living WHERE day = $date::DATE)
    GROUP BY topic
    ORDER BY value DESC, key
    LIMIT 50
),
metrics AS (
    SELECT
        sum(stars_count) FILTER (WHERE date = $date::DATE)::BIGINT AS stars,
        sum(forks_count) FILTER (WHERE date = $date::DATE)::BIGINT AS forks,
        sum(watchers_count) FILTER (WHERE date = $date::DATE)::BIGINT AS watchers,
        sum(open_issues_count) FILTER (WHERE date = $date::DATE)::BIGINT AS open_issues,
        sum(stars_count) FILTER (WHERE date = $date::DATE - 1)::BIGINT AS stars_before
    FROM repository_metrics
    WHERE date IN ($date::DATE, $date::DATE - 1)
)
SELECT
    $date::DATE AS date,
    repository_totals.total AS total_repositories,
    event_totals.active_repositories,
    resource_totals.repositories AS repositories_with_resources,
    (SELECT count(DISTINCT resource_id) FROM resource_days WHERE from_day <= $date::DATE) AS total_resources,
    resource_totals.active AS active_resources,
    event_totals.total AS total_resource_events,
    event_totals.created AS daily_created_resources,
    event_totals.modified AS daily_modified_resources,
    event_totals.deleted AS daily_deleted_resources,
    coalesce((SELECT list({'key': key, 'value': value} ORDER BY value DESC, key) FROM kinds), []) AS resource_type_breakdown,
    coalesce((SELECT list({'key': key, 'value': value} ORDER BY value DESC, key) FROM charts), []) AS popular_helm_charts,
    coalesce((SELECT list({'key': key, 'value': value} ORDER BY value DESC, key) FROM languages), []) AS language_breakdown,
    coalesce((SELECT list({'key': key, 'value': value} ORDER BY value DESC, key) FROM topics), []) AS popular_topics,
    metrics.stars AS total_stars,
    metrics.forks AS total_forks,
    metrics.watchers AS total_watchers,
    metrics.open_issues AS total_open_issues,
    repository_totals.growth AS repository_growth,
    resource_totals.growth AS resource_growth,
    metrics.stars - metrics.stars_before AS star_growth
FROM repository_totals, resource_totals, event_totals, metrics
WHERE repository_totals.total > 0 OR event_totals.total > 0
