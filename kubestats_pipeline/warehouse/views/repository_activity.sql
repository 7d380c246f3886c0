-- One row per repository that any stage knows, with its events of the last 7, 30 and 90 days, in every context.
-- Days count back from reference_at, not from the present, so that the same events always give the same numbers. The first commit of a log is
-- left out, because its resources were there before or came with it.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- reference_at: committer time of the newest event of all repositories. Commits dated after the build are left out
-- active_resources: resources that exist now, in every context
-- events_7_days: events less than 7 days before reference_at
-- events_30_days: events less than 30 days before reference_at
-- events_90_days: events less than 90 days before reference_at
-- created_90_days: those of events_90_days that are CREATED
-- modified_90_days: those of events_90_days that are MODIFIED
-- deleted_90_days: those of events_90_days that are DELETED
-- resurrected_90_days: those of events_90_days that are RESURRECTED
-- last_event_at: committer time of the repository's newest event up to reference_at, that of its first commit too, or null where there is none
WITH recent AS (
    SELECT
        repository_id, event_type, event_timestamp,
        CASE WHEN commit_sha IS DISTINCT FROM first_commit THEN reference_at - event_timestamp END AS age
    FROM resource_events
    CROSS JOIN reference_moment
    LEFT JOIN repository_logs USING (repository_id)
    WHERE event_timestamp <= reference_at
),
counts AS (
    SELECT
        repository_id,
        count(*) FILTER (WHERE age < INTERVAL 7 DAY) AS events_7_days,
        count(*) FILTER (WHERE age < INTERVAL 30 DAY) AS events_30_days,
        count(*) FILTER (WHERE age < INTERVAL 90 DAY) AS events_90_days,
        count(*) FILTER (WHERE age < INTERVAL 90 DAY AND event_type = 'CREATED') AS created_90_days,
        count(*) FILTER (WHERE age < INTERVAL 90 DAY AND event_type = 'MODIFIED') AS modified_90_days,
        count(*) FILTER (WHERE age < INTERVAL 90 DAY AND event_type = 'DELETED') AS deleted_90_days,
        count(*) FILTER (WHERE age < INTERVAL 90 DAY AND event_type = 'RESURRECTED') AS resurrected_90_days,
        max(event_timestamp) AS last_event_at
    FROM recent
    GROUP BY repository_id
),
existing AS (
    SELECT repository_id, count(*) AS active_resources
    FROM resources
    WHERE status = 'ACTIVE'
    GROUP BY repository_id
)
SELECT
    repository_id,
    full_name,
    reference_at,
    coalesce(active_resources, 0) AS active_resources,
    coalesce(events_7_days, 0) AS events_7_days,
    coalesce(events_30_days, 0) AS events_30_days,
    coalesce(events_90_days, 0) AS events_90_days,
    coalesce(created_90_days, 0) AS created_90_days,
    coalesce(modified_90_days, 0) AS modified_90_days,
    coalesce(deleted_90_days, 0) AS deleted_90_days,
    coalesce(resurrected_90_days, 0) AS resurrected_90_days,
    last_event_at
FROM repository_status
LEFT JOIN reference_moment ON TRUE
LEFT JOIN counts USING (repository_id)
LEFT JOIN existing USING (repository_id)
ORDER BY events_30_days DESC, full_name
