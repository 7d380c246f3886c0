-- The latest changes of versions in a repository, newest first.
-- $name: its full name
SELECT changed_at, name, kind, version_before, version_after, author_kind, commit_sha
FROM version_changes
WHERE lower(full_name) = lower($name) AND context = 'active'
ORDER BY changed_at DESC, name, kind, event_id
