-- One row per release, source or workload that a cluster ran at a moment, as it was then: FROM applied_as_of(TIMESTAMPTZ '2026-01-01').
-- Releases, Flux sources and all with a chart, a version or an image are there, for each application and cluster. A repository is taken as of
-- its last commit up to that moment that changed one of them, in the order of its history, as in resources_as_of. Retention leaves this log
-- whole. Every context is there.
-- parameter moment: the moment, a TIMESTAMPTZ
-- applied_id: identity of the object in its application and cluster
-- resource_id: the document that it began as, or null for what a generator makes
-- repository_id: identity of the repository
-- full_name: the repository's name when the warehouse was built
-- cluster: the root from which it was reached
-- applied_by: what applied it
-- applied_path: folder that was applied
-- api_group: API group, empty for the core group
-- api_version: version without the group as of then
-- kind: kind
-- name: metadata.name in the cluster
-- namespace: namespace in the cluster, or null where the repository did not say or it has none
-- version: effective version then
-- version_tag: tag beside the digest that was its version, or null
-- chart_name: chart that it used or was
-- chart_url: canonical location of the chart
-- chart_kind: helm, oci, git or path
-- app_name: application that it ran
-- images: images that it named
-- content_hash: hash of the built object, comparable with that of other moments
-- resolution: exact, ambiguous, unresolved or not_applicable: how its chart reference resolved
-- resolution_reason: why the reference was ambiguous or unresolved
-- is_complete: false where a part needed the network, a secret or a variable that the repository does not hold
-- context: active, archived, template or test
-- created_at: commit time since which the cluster had it without a break
-- is_lower_bound: the log of its repository, or of what its clusters run, begins then, so that it is at least as old as created_at says
-- updated_at: commit time of its last event up to then
-- updated_commit: commit of that event
WITH reached AS (
    SELECT repository_id, max(sequence) AS sequence
    FROM applied_events
    WHERE event_timestamp <= moment
    GROUP BY repository_id
),
lives AS (
    SELECT
        events.repository_id,
        events.applied_id,
        max(events.sequence) AS sequence,
        arg_max(events.event_timestamp, events.sequence) FILTER (WHERE events.event_type = 'CREATED') AS created_at
    FROM applied_events AS events
    JOIN reached ON reached.repository_id = events.repository_id AND events.sequence <= reached.sequence
    GROUP BY events.repository_id, events.applied_id
)
SELECT
    events.applied_id,
    events.resource_id,
    events.repository_id,
    events.full_name,
    events.cluster,
    events.applied_by,
    events.applied_path,
    events.api_group,
    events.api_version,
    events.kind,
    events.name,
    events.namespace,
    events.version_after AS version,
    events.version_tag,
    events.chart_name,
    events.chart_url,
    events.chart_kind,
    events.app_name,
    events.images,
    events.content_hash,
    events.resolution,
    events.resolution_reason,
    events.is_complete,
    events.context,
    lives.created_at,
    coalesce(lives.created_at <= logs.begins_at OR lives.created_at = logs.told_at, FALSE) AS is_lower_bound,
    events.event_timestamp AS updated_at,
    events.commit_sha AS updated_commit
FROM lives
JOIN applied_events AS events ON events.repository_id = lives.repository_id AND events.sequence = lives.sequence
LEFT JOIN repository_logs AS logs ON logs.repository_id = lives.repository_id
WHERE events.event_type <> 'DELETED'
