-- One row per table of the lake, for its administrator: rows, the newest of them, and what the last runs have brought.
-- The last 7 days count back from built_at of warehouse_info. Every row counts, whatever its repository's status and context.
-- table_name: the table
-- rows: rows
-- repositories: repositories that have rows in it, or null for ecosystem_stats
-- newest_at: time of the newest row: discovery, reading, sync, scan, commit or day, or null for helm_values, whose rows have none
-- new_7_days: rows whose time lies in the last 7 days, or null for helm_values
-- last_run_id: the Dagster run that wrote the newest row, or null where the table does not say
WITH timed AS (
    SELECT 'repositories' AS table_name, repository_id, discovered_at AS at, NULL AS run_id FROM repositories
    UNION ALL
    SELECT 'repository_metrics', repository_id, recorded_at, NULL FROM repository_metrics
    UNION ALL
    SELECT 'snapshots', repository_id, last_sync_at, sync_run_id FROM snapshots
    UNION ALL
    SELECT 'scans', repository_id, last_scan_at, sync_run_id FROM scans
    UNION ALL
    SELECT 'resources', repository_id, created_at, NULL FROM resources
    UNION ALL
    SELECT 'applied_resources', repository_id, created_at, NULL FROM applied_resources
    UNION ALL
    SELECT 'helm_values', repository_id, NULL, NULL FROM helm_values
    UNION ALL
    SELECT 'resource_events', repository_id, event_timestamp, sync_run_id FROM resource_events
    UNION ALL
    SELECT 'applied_events', repository_id, event_timestamp, sync_run_id FROM applied_events
    UNION ALL
    SELECT 'scan_problems', repository_id, first_seen_at, NULL FROM scan_problems
    UNION ALL
    SELECT 'ecosystem_stats', NULL, date::TIMESTAMP AT TIME ZONE 'UTC', NULL FROM ecosystem_stats
)
SELECT
    known.table_name,
    count(timed.table_name) AS rows,
    CASE WHEN known.table_name <> 'ecosystem_stats' THEN count(DISTINCT timed.repository_id) END AS repositories,
    max(timed.at) AS newest_at,
    CASE
        WHEN known.table_name <> 'helm_values'
            THEN count(*) FILTER (WHERE timed.at > built_at - INTERVAL 7 DAY AND timed.at <= built_at)
    END AS new_7_days,
    arg_max(timed.run_id, timed.at) AS last_run_id
FROM (
    SELECT unnest(map_keys(source_rows)) AS table_name, built_at FROM warehouse_info
) AS known
LEFT JOIN timed USING (table_name)
GROUP BY known.table_name
ORDER BY known.table_name
