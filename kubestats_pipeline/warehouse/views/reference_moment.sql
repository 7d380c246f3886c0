-- One row: the moment from which days are counted back, so that the same events always give the same numbers.
-- reference_at: committer time of the newest event of all repositories. Commits dated after the build are left out
SELECT max(event_timestamp) AS reference_at
FROM resource_events
WHERE event_timestamp <= (SELECT built_at FROM warehouse_info)
HAVING count(*) > 0
