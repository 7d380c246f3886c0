-- One row per table of the lake, for its administrator: rows, the newest of them, and what the last runs have brought.
-- The last 7 days count back from built_at of warehouse_info. Every row counts, whatever its repository's status and context.
-- table_name: the table
-- rows: rows
-- repositories: repositories that have rows in it, or null for ecosystem_stats
-- newest_at: time of the newest row: discovery, reading, sync, scan, commit or day, or null for helm_values, whose rows have none
-- new_7_days: rows whose time lies in the last 7 days, or null for helm_values
-- last_run_id: the Dagster run that wrote the newest row, or null where the table does not say
WITH published AS (
    SELECT built_at, built_at - INTERVAL 7 DAY AS week_ago, map_keys(source_rows) AS tables FROM warehouse_info
),
counted AS (
    SELECT
        'repositories' AS table_name, count(*) AS rows, count(DISTINCT repository_id) AS repositories, max(discovered_at) AS newest_at,
        count(*) FILTER (WHERE discovered_at > week_ago AND discovered_at <= built_at) AS new_7_days, NULL::VARCHAR AS last_run_id
    FROM repositories, published
    UNION ALL
    SELECT
        'repository_metrics', count(*), count(DISTINCT repository_id), max(recorded_at),
        count(*) FILTER (WHERE recorded_at > week_ago AND recorded_at <= built_at), NULL
    FROM repository_metrics, published
    UNION ALL
    SELECT
        'snapshots', count(*), count(DISTINCT repository_id), max(last_sync_at),
        count(*) FILTER (WHERE last_sync_at > week_ago AND last_sync_at <= built_at), arg_max(sync_run_id, last_sync_at)
    FROM snapshots, published
    UNION ALL
    SELECT
        'scans', count(*), count(DISTINCT repository_id), max(last_scan_at),
        count(*) FILTER (WHERE last_scan_at > week_ago AND last_scan_at <= built_at), arg_max(sync_run_id, last_scan_at)
    FROM scans, published
    UNION ALL
    SELECT
        'resources', count(*), count(DISTINCT repository_id), max(created_at),
        count(*) FILTER (WHERE created_at > week_ago AND created_at <= built_at), NULL
    FROM resources, published
    UNION ALL
    SELECT
        'applied_resources', count(*), count(DISTINCT repository_id), max(created_at),
        count(*) FILTER (WHERE created_at > week_ago AND created_at <= built_at), NULL
    FROM applied_resources, published
    UNION ALL
    SELECT
        'helm_values', count(*), count(DISTINCT repository_id), NULL,
        NULL, NULL
    FROM helm_values
    UNION ALL
    SELECT
        'resource_events', count(*), count(DISTINCT repository_id), max(event_timestamp),
        count(*) FILTER (WHERE event_timestamp > week_ago AND event_timestamp <= built_at), arg_max(sync_run_id, event_timestamp)
    FROM resource_events, published
    UNION ALL
    SELECT
        'applied_events', count(*), count(DISTINCT repository_id), max(event_timestamp),
        count(*) FILTER (WHERE event_timestamp > week_ago AND event_timestamp <= built_at), arg_max(sync_run_id, event_timestamp)
    FROM applied_events, published
    UNION ALL
    SELECT
        'scan_problems', count(*), count(DISTINCT repository_id), max(first_seen_at),
        count(*) FILTER (WHERE first_seen_at > week_ago AND first_seen_at <= built_at), NULL
    FROM scan_problems, published
    UNION ALL
    SELECT
        'ecosystem_stats', count(*), NULL, max(date::TIMESTAMP AT TIME ZONE 'UTC'),
        count(*) FILTER (WHERE date::TIMESTAMP AT TIME ZONE 'UTC' > week_ago AND date::TIMESTAMP AT TIME ZONE 'UTC' <= built_at), NULL
    FROM ecosystem_stats, published
)
SELECT table_name, rows, repositories, newest_at, new_7_days, last_run_id
FROM counted
JOIN published ON list_contains(tables, table_name)
ORDER BY table_name
