-- One row per event, without its documents and with what decides whether it counts: events by any filter.
-- event_id: the event
-- resource_id: the resource
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- sequence: position in the repository's log
-- event_type: CREATED, MODIFIED, DELETED or RESURRECTED
-- event_timestamp: committer time of the commit
-- day: day (UTC) of that time
-- commit_sha: commit
-- commit_subject: first line of its message
-- author_kind: human, renovate, dependabot, flux or other_bot
-- kind: kind after the event
-- api_version: group/version after the event
-- name: name after the event
-- namespace: effective namespace after the event, or null when the repository does not say
-- file_path: path after the event, or last path of a deleted resource
-- changes_detected: what changed
-- version_before: version as written before, or null where none was
-- version_after: version as written after, or null where none is
-- chart_name: chart after the event. Of a deleted resource it is the last one, as in the columns below
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- app_name: application that the resource runs
-- is_release: it installs a chart, resolved or not
-- context: active, archived, template, test or bootstrap, from its path
-- repository_in_scope: the repository is neither blocked nor retired
-- is_first_snapshot: the first commit of the repository's log made it, so that it tells of no change
-- in_scope: the context is active and the repository is in scope
SELECT
    events.event_id,
    events.resource_id,
    events.repository_id,
    coalesce(repositories.full_name, events.full_name) AS full_name,
    events.sequence,
    events.event_type,
    events.event_timestamp,
    CAST(events.event_timestamp AT TIME ZONE 'UTC' AS DATE) AS day,
    events.commit_sha,
    events.commit_subject,
    events.author_kind,
    events.resource_kind AS kind,
    events.resource_api_version AS api_version,
    events.resource_name AS name,
    events.resource_namespace AS namespace,
    events.file_path,
    events.changes_detected,
    events.version_before,
    events.version_after,
    events.chart_name,
    CASE WHEN events.resolution NOT IN ('ambiguous', 'unresolved') THEN events.chart_url END AS chart_url,
    events.app_name,
    events.resolution <> 'not_applicable' AS is_release,
    events.context,
    coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE) AS repository_in_scope,
    coalesce(events.commit_sha = logs.first_commit, FALSE) AS is_first_snapshot,
    events.context = 'active' AND repository_in_scope AS in_scope
FROM resource_events AS events
LEFT JOIN repository_logs AS logs USING (repository_id)
LEFT JOIN repositories USING (repository_id)
