-- Repositories that run nothing of watched_spans any more, one row each, with the commit that took out the last of it. A chart that moved to
-- another address, or an image that moved to another registry, is not gone.
SELECT
    'gone' AS change, repository_id, arg_max(ended_commit, (valid_to, sequence)) AS commit_sha, max(valid_to) AS changed_at,
    arg_max(subject, (valid_to, sequence)) AS subject, arg_max(address, (valid_to, sequence)) AS address,
    arg_max(plain_version(version), (valid_to, sequence)) AS version_before, NULL::VARCHAR AS version_after, count(DISTINCT use_id) AS uses,
    NULL::BIGINT AS major
FROM watched_spans
GROUP BY repository_id
HAVING bool_and(valid_to IS NOT NULL)
