-- One row per repository with events: since when its log tells what happens there, and how long it has been watched.
-- The first commit of a log holds what was there before or came with it, so that it dates nothing: an age that begins with it is a lower bound.
-- Where retention has archived events, the first commit is the first one that created a resource that is known.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- first_commit: the commit with which the log begins
-- begins_at: committer time from which on the log covers the repository. Impossible times, before Kubernetes or after this build, do not count where there are others
-- told_at: committer time from which on the log tells what clusters run, or null where it does not
-- observed_until: committer time of the newest commit that is known
-- days: days from begins_at to observed_until: no age can be longer
WITH logs AS (
    SELECT
        repository_id,
        any_value(full_name) AS full_name,
        arg_min(commit_sha, sequence) AS first_commit,
        coalesce(
            min(event_timestamp) FILTER (WHERE event_timestamp BETWEEN TIMESTAMPTZ '2014-06-06 00:00:00+00' AND built_at), min(event_timestamp)
        ) AS begins_at,
        max(event_timestamp) AS newest_at,
        any_value(built_at) AS built_at
    FROM resource_events
    CROSS JOIN warehouse_info
    GROUP BY repository_id
),
told AS (
    SELECT repository_id, arg_min(event_timestamp, sequence) AS told_at FROM applied_events GROUP BY repository_id
),
oldest AS (
    SELECT repository_id, arg_min(created_commit, created_at) AS created_commit, min(created_at) AS created_at
    FROM resources
    JOIN scans USING (repository_id)
    WHERE complete_from > 0
    GROUP BY repository_id
)
SELECT
    logs.repository_id,
    coalesce(repositories.full_name, logs.full_name) AS full_name,
    coalesce(oldest.created_commit, first_commit) AS first_commit,
    coalesce(oldest.created_at, begins_at) AS begins_at,
    told_at,
    least(greatest(newest_at, head_committed_at), built_at) AS observed_until,
    greatest(date_diff('second', coalesce(oldest.created_at, begins_at), observed_until), 0) / 86400 AS days
FROM logs
LEFT JOIN told ON told.repository_id = logs.repository_id
LEFT JOIN oldest ON oldest.repository_id = logs.repository_id
LEFT JOIN repositories ON repositories.repository_id = logs.repository_id
LEFT JOIN snapshots ON snapshots.repository_id = logs.repository_id
ORDER BY logs.repository_id
