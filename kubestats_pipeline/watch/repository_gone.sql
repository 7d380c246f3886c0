-- One repository, where it was retired: its host has it no longer, an administrator deleted it, or its name is another one's.
-- parameter called: its identity
SELECT
    'retired' AS change, repository_id, NULL::VARCHAR AS commit_sha, retired_at AS changed_at, retired_because AS subject,
    NULL::VARCHAR AS address, NULL::VARCHAR AS version_before, NULL::VARCHAR AS version_after, 1 AS uses, NULL::BIGINT AS major
FROM repositories
WHERE repository_id = $called AND status = 'retired'
