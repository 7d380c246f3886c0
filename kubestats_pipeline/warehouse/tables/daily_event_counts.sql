-- One row per day (UTC), event type and kind with at least one event, in every context: it counts what happened.
-- day: day (UTC) of the committer time
-- event_type: CREATED, MODIFIED, DELETED or RESURRECTED
-- resource_kind: kind after the event
-- events: events
-- repositories: repositories in which they happened
SELECT
    CAST(event_timestamp AT TIME ZONE 'UTC' AS DATE) AS day,
    event_type,
    resource_kind,
    count(*) AS events,
    count(DISTINCT repository_id) AS repositories
FROM resource_events
GROUP BY day, event_type, resource_kind
ORDER BY day, event_type, resource_kind
