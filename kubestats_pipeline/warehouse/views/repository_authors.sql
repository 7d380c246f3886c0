-- One row per repository and kind of author, in scope: who keeps it up to date, a bot or people.
-- The creations of a log's first commit are nobody's change and are left out.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- author_kind: human, renovate, dependabot, flux or other_bot. A merge of a bot's branch is the bot's
-- first_at: committer time of their first change
-- last_at: committer time of their last change
-- changes: events
-- version_changes: events that changed a version
-- share_of_changes: of all changes of the repository
-- share_of_version_changes: of all its version changes, or null where there were none
WITH first_commits AS (
    SELECT repository_id, arg_min(commit_sha, sequence) AS first_commit FROM resource_events GROUP BY repository_id
),
counted AS (
    SELECT
        repository_id,
        any_value(events.full_name) AS name_then,
        author_kind,
        min(event_timestamp) AS first_at,
        max(event_timestamp) AS last_at,
        count(*) AS changes,
        count(*) FILTER (WHERE event_type = 'MODIFIED' AND version_before IS DISTINCT FROM version_after) AS version_changes
    FROM resource_events AS events
    JOIN first_commits USING (repository_id)
    WHERE commit_sha <> first_commit AND context = 'active'
    GROUP BY repository_id, author_kind
)
SELECT
    repository_id,
    coalesce(repositories.full_name, name_then) AS full_name,
    author_kind,
    first_at,
    last_at,
    changes,
    version_changes,
    changes / sum(changes) OVER (PARTITION BY repository_id) AS share_of_changes,
    version_changes / nullif(sum(version_changes) OVER (PARTITION BY repository_id), 0) AS share_of_version_changes
FROM counted
LEFT JOIN repositories USING (repository_id)
WHERE coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE)
ORDER BY full_name, changes DESC, author_kind
