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
WITH first_commits AS (
    SELECT repository_id, arg_min(commit_sha, sequence) AS first_commit FROM resource_events GROUP BY repository_id
),
changes AS (
    SELECT
        date_trunc('month', event_timestamp AT TIME ZONE 'UTC')::DATE AS month,
        author_kind,
        repository_id,
        commit_sha,
        event_type = 'MODIFIED' AND version_before IS DISTINCT FROM version_after AS is_version_change
    FROM resource_events
    JOIN first_commits USING (repository_id)
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
    version_changes / nullif(sum(version_changes) OVER (PARTITION BY month), 0) AS share_of_version_changes
FROM changes
GROUP BY month, author_kind
ORDER BY month, changes DESC, author_kind
