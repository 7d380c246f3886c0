-- One row per resource that existed at a moment, as it was then: FROM resources_as_of(TIMESTAMPTZ '2026-01-01').
-- A repository is taken as of its last commit up to that moment in the order of its history, which `git rev-list -1 --before`
-- finds too. What came before that commit belongs to it, even where clocks ran backwards. Before the beginning of a bounded history
-- (history_since in repository_status), and where retention has archived events that the moment needs (complete_from in scans), a
-- repository has no rows. Every context is there.
-- parameter moment: the moment, a TIMESTAMPTZ
-- resource_id: identity. Survives edits, API version bumps, moves, deletion and return
-- repository_id: identity of the repository
-- full_name: the repository's name when the warehouse was built
-- api_version: group/version as of then
-- kind: kind
-- name: metadata.name as of then
-- namespace: effective namespace as of then, or null when the repository did not say
-- file_path: path as of then
-- version: effective version as written then
-- chart_name: chart that it stood for
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- chart_kind: helm, oci, git or path
-- app_name: application that it ran
-- context: active, archived, template, test or bootstrap, from its path
-- resolution: exact, ambiguous, unresolved or not_applicable: how its chart reference resolved
-- content_hash: hash of its document, comparable with that of other moments
-- created_at: commit time of its first event
-- is_lower_bound: its log begins with it, so that it is at least as old as created_at says
-- updated_at: commit time of its last event up to then
-- updated_commit: commit of that event
-- data: its document as of then, or null where retention has removed it
WITH reached AS (
    SELECT events.repository_id, max(events.sequence) AS sequence
    FROM resource_events AS events
    LEFT JOIN scans ON scans.repository_id = events.repository_id
    WHERE events.event_timestamp <= moment
    GROUP BY events.repository_id
    HAVING max(events.sequence) >= coalesce(any_value(scans.complete_from), 0) - 1
),
lives AS (
    SELECT events.repository_id, events.resource_id, max(events.sequence) AS sequence
    FROM resource_events AS events
    JOIN reached ON reached.repository_id = events.repository_id AND events.sequence <= reached.sequence
    GROUP BY events.repository_id, events.resource_id
)
SELECT
    events.resource_id,
    events.repository_id,
    events.full_name,
    events.resource_api_version AS api_version,
    events.resource_kind AS kind,
    events.resource_name AS name,
    events.resource_namespace AS namespace,
    events.file_path,
    events.version_after AS version,
    events.chart_name,
    events.chart_url,
    events.chart_kind,
    events.app_name,
    events.context,
    events.resolution,
    events.file_hash_after AS content_hash,
    resources.created_at,
    coalesce(resources.created_commit = logs.first_commit, FALSE) AS is_lower_bound,
    events.event_timestamp AS updated_at,
    events.commit_sha AS updated_commit,
    events.resource_data AS data
FROM lives
JOIN resource_events AS events ON events.repository_id = lives.repository_id AND events.sequence = lives.sequence
JOIN resources ON resources.resource_id = lives.resource_id
LEFT JOIN repository_logs AS logs ON logs.repository_id = lives.repository_id
WHERE events.event_type <> 'DELETED'
