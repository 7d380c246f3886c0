-- One row per day (UTC), event type, kind and namespace with at least one event, in every context: it counts what happened.
-- Events add up over rows. Repositories do not: count those of coarser groups with count(DISTINCT) in event_overview.
-- day: day (UTC) of the committer time
-- event_type: CREATED, MODIFIED, DELETED or RESURRECTED
-- kind: kind after the event
-- namespace: effective namespace after the event, or null when the repository does not say
-- events: events
-- repositories: repositories in which they happened
-- joined_the_data: those of events that the first commit of a log made: what was there before, and no change
SELECT
    day, event_type, kind, namespace, count(*) AS events, count(DISTINCT repository_id) AS repositories,
    count(*) FILTER (WHERE is_first_snapshot) AS joined_the_data
FROM event_overview
GROUP BY day, event_type, kind, namespace
ORDER BY day, event_type, kind, namespace
