-- Repositories that run something of watched_spans no more, one row per repository and subject: with the commit that took out the last one.
SELECT
    'gone' AS change, repository_id, arg_max(ended_commit, (valid_to, sequence)) AS commit_sha, max(valid_to) AS changed_at, subject, address,
    arg_max(plain_version(version), (valid_to, sequence)) AS version_before, NULL::VARCHAR AS version_after, count(DISTINCT use_id) AS uses,
    NULL::BIGINT AS major
FROM watched_spans
GROUP BY repository_id, subject, address
HAVING bool_and(valid_to IS NOT NULL)
