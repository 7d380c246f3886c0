-- One row per resource and span of time in which nothing changed that the marts count by: its kind, API version, name, namespace, app, chart,
-- version, images, exposure, context and resolution. Edits of anything else do not end a span. A deletion ends it, and a return begins a new one.
-- Spans of a resource follow the order of the log. Where commit clocks ran backwards, an event counts from the earliest time of any event at or
-- after it in the log, as in resources_as_of: so spans never overlap, and those of one moment are what resources_as_of gives for it.
-- What the first commit of a log creates was there before or came with it: it is marked, for its beginning is not a date of adoption.
-- Exposure is how something is reached from outside: by an Ingress, or by the Gateway API (HTTPRoute and its like), which a HelmRelease says
-- with `ingress` and `route` in its inline values. Values in other files are not seen.
-- resource_id: the resource
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- sequence: position in the repository's log of the event that began it
-- valid_from: committer time from which on it held
-- valid_to: committer time at which it ended, or null while it lasts
-- began_with: the event that began it: CREATED, MODIFIED or RESURRECTED
-- ended_with: the event that ended it: MODIFIED or DELETED, or null while it lasts
-- is_first_snapshot: it began with the first commit of the repository's log: nobody knows since when it had held
-- commit_sha: commit that began it
-- ended_commit: commit that ended it, or null while it lasts
-- author_kind: who made the commit that began it: human, renovate, dependabot, flux or other_bot
-- api_group: API group, empty for the core group
-- api_version: version without the group
-- kind: kind
-- name: metadata.name
-- namespace: effective namespace, or null where the repository did not say
-- app_name: application that the resource ran
-- chart_name: chart that the resource stood for
-- is_resolved: the chart reference was neither ambiguous nor unresolved
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- chart_kind: helm, oci, git or path
-- version: effective version as written
-- images: images that it named, or null where the log was written by an earlier version
-- exposure: ingress, gateway or both, or null where it is not reached from outside, unknown where retention took the document
-- context: active, archived, template, test or bootstrap, from its path
-- resolution: exact, ambiguous, unresolved or not_applicable
-- is_release: it installed a chart, resolved or not
-- in_scope: the context was active and the repository is neither blocked nor retired now
WITH said AS (
    SELECT
        repository_id, resource_id, sequence, event_timestamp, commit_sha, event_type, resource_kind, resource_api_version, resource_name,
        resource_namespace, app_name, chart_name, chart_url, chart_kind, version_after, images, context, resolution,
        CASE WHEN resource_kind = 'HelmRelease' THEN json_extract_string(
            resource_data,
            ['$.spec.values.ingress', '$.spec.values.ingress.enabled', '$.spec.values.route', '$.spec.values.route.enabled']
        ) END AS texts,
        resource_kind = 'HelmRelease' AND resource_data IS NULL AS is_unknown
    FROM resource_events
),
-- Steps of their own, because an expression that others use is computed anew by each of them.
reached AS (
    SELECT
        * EXCLUDE (texts),
        resource_kind = 'Ingress' OR coalesce(texts[1] NOT IN ('{}', 'null') AND texts[2] IS DISTINCT FROM 'false', FALSE) AS by_ingress,
        resource_kind IN ('HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute')
        OR coalesce(texts[3] NOT IN ('{}', 'null') AND texts[4] IS DISTINCT FROM 'false', FALSE) AS by_gateway
    FROM said
),
exposed AS (
    SELECT
        * EXCLUDE (by_ingress, by_gateway, is_unknown),
        CASE
            WHEN by_ingress AND by_gateway THEN 'both'
            WHEN by_ingress THEN 'ingress'
            WHEN by_gateway THEN 'gateway'
            WHEN is_unknown THEN 'unknown'
        END AS exposure
    FROM reached
),
-- Before the log is sorted: what it is sorted with is copied.
states AS (
    SELECT
        repository_id, resource_id, sequence, event_timestamp, commit_sha, event_type, exposure,
        CASE WHEN event_type <> 'DELETED' THEN hash(
            resource_kind, resource_api_version, resource_name, resource_namespace, app_name, chart_name, chart_url, chart_kind,
            version_after, images, exposure, context, resolution
        ) END AS state
    FROM exposed
),
log AS (
    SELECT
        repository_id,
        resource_id,
        sequence,
        min(event_timestamp) OVER (PARTITION BY repository_id ORDER BY sequence DESC) AS reached_at,
        commit_sha,
        event_type,
        exposure,
        state
    FROM states
),
first_commits AS (
    SELECT repository_id, arg_min(commit_sha, sequence) AS first_commit FROM resource_events GROUP BY repository_id
),
steps AS (
    SELECT *
    FROM log
    QUALIFY state IS DISTINCT FROM lag(state) OVER (PARTITION BY repository_id, resource_id ORDER BY sequence)
),
spans AS (
    SELECT
        *,
        lead(reached_at) OVER later AS valid_to,
        lead(event_type) OVER later AS ended_with,
        lead(commit_sha) OVER later AS ended_commit
    FROM steps
    WINDOW later AS (PARTITION BY repository_id, resource_id ORDER BY sequence)
)
SELECT
    spans.resource_id,
    spans.repository_id,
    coalesce(repositories.full_name, events.full_name) AS full_name,
    spans.sequence,
    spans.reached_at AS valid_from,
    spans.valid_to,
    spans.event_type AS began_with,
    spans.ended_with,
    spans.commit_sha = first_commit AS is_first_snapshot,
    spans.commit_sha,
    spans.ended_commit,
    events.author_kind,
    CASE WHEN contains(events.resource_api_version, '/') THEN split_part(events.resource_api_version, '/', 1) ELSE '' END AS api_group,
    split_part(events.resource_api_version, '/', -1) AS api_version,
    events.resource_kind AS kind,
    events.resource_name AS name,
    events.resource_namespace AS namespace,
    events.app_name,
    events.chart_name,
    events.resolution NOT IN ('ambiguous', 'unresolved') AS is_resolved,
    CASE WHEN is_resolved THEN events.chart_url END AS chart_url,
    events.chart_kind,
    events.version_after AS version,
    events.images,
    spans.exposure,
    events.context,
    events.resolution,
    events.resolution <> 'not_applicable' AS is_release,
    events.context = 'active' AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE) AS in_scope
FROM spans
JOIN resource_events AS events USING (repository_id, sequence)
JOIN first_commits USING (repository_id)
LEFT JOIN repositories USING (repository_id)
WHERE spans.state IS NOT NULL
ORDER BY spans.repository_id, spans.resource_id, spans.sequence
