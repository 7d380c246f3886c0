-- One row per month and kind of author: which share of the changes bots make, and people. In scope only.
-- The creations of a log's first commit are nobody's change and are left out.
-- month: first day (UTC) of the month
-- author_kind: human, renovate, dependabot, flux or other_bot. A merge of a bot's branch is the bot's
-- repositories: repositories in which they changed something
-- commits: commits that changed a resource
-- changes: events
-- version_changes: events that changed a version
-- share_of_changes: of all changes of the month
-- share_of_version_changes: of all version changes of the month, or null where there were none
-- joined_the_data: those of repositories whose log begins in the month, so that it covers a part of it
-- joined_changes: those of changes in these repositories
WITH changes AS (
    SELECT
        date_trunc('month', event_timestamp AT TIME ZONE 'UTC')::DATE AS month,
        author_kind,
        repository_id,
        commit_sha,
        date_trunc('month', begins_at AT TIME ZONE 'UTC') = month AS is_new,
        event_type = 'MODIFIED' AND version_before IS DISTINCT FROM version_after AS is_version_change
    FROM resource_events
    JOIN repository_logs USING (repository_id)
    LEFT JOIN repositories USING (repository_id)
    WHERE commit_sha <> first_commit AND context = 'active' AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE)
)
SELECT
    month,
    author_kind,
    count(DISTINCT repository_id) AS repositories,
    count(DISTINCT (repository_id, commit_sha)) AS commits,
    count(*) AS changes,
    count(*) FILTER (WHERE is_version_change) AS version_changes,
    count(*) / sum(count(*)) OVER (PARTITION BY month) AS share_of_changes,
    version_changes / nullif(sum(version_changes) OVER (PARTITION BY month), 0) AS share_of_version_changes,
    count(DISTINCT repository_id) FILTER (WHERE is_new) AS joined_the_data,
    count(*) FILTER (WHERE is_new) AS joined_changes
FROM changes
GROUP BY month, author_kind
ORDER BY month, changes DESC, author_kind
