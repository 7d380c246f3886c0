-- The changes in watched_changes, the newest first, with what is told about their repository. A commit from before the discovery of its
-- repository is the history of a repository that is new.
SELECT
    change, repository_id, coalesce(commit_sha, '') AS commit_sha, changed_at, coalesce(subject, '') AS subject, address, version_before,
    version_after, uses::INTEGER AS uses, major::BIGINT AS major, full_name, html_url, changed_at < discovered_at AS is_history
FROM watched_changes
JOIN repositories USING (repository_id)
ORDER BY changed_at DESC, full_name, subject, commit_sha, version_before, version_after, address
