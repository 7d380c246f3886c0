-- One row per repository in scope with an event in the last days, most events first, in every context:
-- FROM most_active_repositories(7). Days count back from reference_at of reference_moment. The first commit of a log is left out.
-- parameter days: how many days
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- stars_count: the newest stars that are known
-- events: events of these days
-- created: those of events that are CREATED
-- modified: those of events that are MODIFIED
-- deleted: those of events that are DELETED
-- resurrected: those of events that are RESURRECTED
-- commits: commits that made them
-- by_people: those of events whose author is human
-- last_event_at: committer time of the newest of them
SELECT
    events.repository_id,
    any_value(events.full_name) AS full_name,
    any_value(metrics.stars_count) AS stars_count,
    count(*) AS events,
    count(*) FILTER (WHERE event_type = 'CREATED') AS created,
    count(*) FILTER (WHERE event_type = 'MODIFIED') AS modified,
    count(*) FILTER (WHERE event_type = 'DELETED') AS deleted,
    count(*) FILTER (WHERE event_type = 'RESURRECTED') AS resurrected,
    count(DISTINCT commit_sha) AS commits,
    count(*) FILTER (WHERE author_kind = 'human') AS by_people,
    max(event_timestamp) AS last_event_at
FROM event_overview AS events
JOIN reference_moment ON event_timestamp <= reference_at AND event_timestamp > reference_at - to_days(days::INTEGER)
LEFT JOIN latest_metrics AS metrics USING (repository_id)
WHERE repository_in_scope AND NOT is_first_snapshot
GROUP BY events.repository_id
ORDER BY events DESC, full_name
