-- Commits that changed resources of one repository, one row each. The subject is some of what they changed.
-- parameter called: its identity
SELECT
    'commit' AS change, repository_id, commit_sha, max(event_timestamp) AS changed_at,
    array_to_string(list(DISTINCT resource_kind || ' ' || resource_name ORDER BY resource_kind || ' ' || resource_name)[:3], ', ') AS subject,
    NULL::VARCHAR AS address, NULL::VARCHAR AS version_before, NULL::VARCHAR AS version_after, count(DISTINCT resource_id) AS uses,
    NULL::BIGINT AS major
FROM resource_events
WHERE repository_id = $called
GROUP BY repository_id, commit_sha
