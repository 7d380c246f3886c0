-- One row per event of a release, newest first, in every context, with its declaration before and after:
-- FROM release_activity(), of all repositories, or FROM release_activity(repository := 'owner/name', newest := 500).
-- parameter repository = NULL: full name of the one repository to look at
-- parameter newest = 100: how many events
-- event_id: the event
-- resource_id: the release
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- event_type: CREATED, MODIFIED, DELETED or RESURRECTED
-- event_timestamp: committer time of the commit
-- commit_sha: commit
-- commit_subject: first line of its message
-- author_kind: human, renovate, dependabot, flux or other_bot
-- kind: kind, such as HelmRelease
-- name: name of the release
-- namespace: effective namespace, or null when the repository does not say
-- chart_name: chart after the event
-- version_before: version as written before, or null where none was
-- version_after: version as written after, or null where none is
-- changes_detected: what changed
-- spec_before: the spec before the event, secrets redacted, or null where it did not exist
-- spec_after: the spec after the event, secrets redacted, or null where it does not exist
WITH latest AS (
    SELECT *
    FROM event_overview
    WHERE is_release AND (repository IS NULL OR full_name = repository)
    ORDER BY event_timestamp DESC, full_name, sequence DESC
    LIMIT newest
),
-- The documents of these releases alone: the others, nearly all of the file, stay unread.
specs AS (
    SELECT
        event_id,
        resource_data->'$.spec' AS spec_after,
        lag(resource_data->'$.spec') OVER (PARTITION BY repository_id, resource_id ORDER BY sequence) AS spec_before
    FROM resource_events
    WHERE resource_id IN (SELECT resource_id FROM latest)
)
SELECT
    latest.event_id,
    latest.resource_id,
    latest.repository_id,
    latest.full_name,
    latest.event_type,
    latest.event_timestamp,
    latest.commit_sha,
    latest.commit_subject,
    latest.author_kind,
    latest.kind,
    latest.name,
    latest.namespace,
    latest.chart_name,
    latest.version_before,
    latest.version_after,
    latest.changes_detected,
    specs.spec_before,
    specs.spec_after
FROM latest
JOIN specs USING (event_id)
ORDER BY latest.event_timestamp DESC, latest.full_name, latest.sequence DESC
