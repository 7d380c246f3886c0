-- One row per use of a resource and span of time in which nothing changed that the marts count by: resource_spans, but of what people run.
-- Where a repository tells what is applied, objects of clusters have spans, from applied_events: releases, sources and workloads. Its
-- documents have them only for the time before its first such event. Of documents of which it does not tell it, all spans are here
-- without the time in which clusters ran objects of them.
-- Times are as in resource_spans.
-- use_id: applied_id, or resource_id where the repository did not tell what is applied
-- resource_id: the document that it is or began as, or null for what a generator makes
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- sequence: position of the event that began it, in the log of applied_events or in that of resource_events. Parts of one span share it
-- valid_from: committer time from which on it held
-- valid_to: committer time at which it ended, or null while it lasts
-- is_first_snapshot: it began with the first commit of the repository's log: nobody knows since when it had held
-- commit_sha: commit that began it
-- ended_commit: commit that ended it, or null while it lasts
-- author_kind: who made the commit that began it: human, renovate, dependabot, flux or other_bot
-- cluster: the root from which it was reached, or null where the repository did not tell
-- api_group: API group, empty for the core group
-- kind: kind
-- app_name: application that it ran
-- chart_name: chart that it stood for
-- is_resolved: the chart reference was neither ambiguous nor unresolved
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- version: effective version
-- version_tag: tag beside the digest that was its version in a cluster, or null
-- images: images that it named
-- is_release: it installed a chart, resolved or not
-- in_scope: the context was active and the repository is neither blocked nor retired now
WITH states AS (
    SELECT
        repository_id, applied_id, sequence, event_timestamp, commit_sha, author_kind,
        CASE WHEN event_type <> 'DELETED' THEN hash(
            app_name, chart_name, chart_url, chart_kind, version_after, version_tag, images, context, resolution
        ) END AS state
    FROM applied_events
),
log AS (
    SELECT
        * EXCLUDE (event_timestamp),
        min(event_timestamp) OVER (PARTITION BY repository_id ORDER BY sequence DESC) AS reached_at,
        sequence = min(sequence) OVER (PARTITION BY repository_id) AS is_first
    FROM states
),
beginnings AS (
    SELECT repository_id, reached_at AS told_at, commit_sha AS told_commit FROM log WHERE is_first
),
first_commits AS (
    SELECT repository_id, arg_min(commit_sha, sequence) AS first_commit FROM resource_events GROUP BY repository_id
),
steps AS (
    SELECT * EXCLUDE (is_first)
    FROM log
    QUALIFY state IS DISTINCT FROM lag(state) OVER (PARTITION BY repository_id, applied_id ORDER BY sequence)
),
applied_spans AS (
    SELECT
        *, lead(reached_at) OVER later AS valid_to, lead(commit_sha) OVER later AS ended_commit, lead(author_kind) OVER later AS ended_by
    FROM steps
    WINDOW later AS (PARTITION BY repository_id, applied_id ORDER BY sequence)
),
-- The times for which objects of clusters count in place of a document.
covers AS (
    SELECT
        resource_id, coalesce(told_at, '-infinity') AS covered_from, told_commit AS covered_by, 'infinity'::TIMESTAMPTZ AS covered_to,
        NULL AS ended_commit, NULL AS ended_by
    FROM resources
    LEFT JOIN beginnings ON beginnings.repository_id = resources.repository_id
    WHERE is_applied IS NOT NULL
    UNION ALL
    SELECT resource_id, reached_at, spans.commit_sha, coalesce(valid_to, 'infinity'), ended_commit, ended_by
    FROM applied_spans AS spans
    JOIN applied_events AS events ON events.repository_id = spans.repository_id AND events.sequence = spans.sequence
    WHERE state IS NOT NULL AND resource_id IS NOT NULL
),
-- Only documents of which objects run have times that count for these. The spans of all others are as they are.
pieces AS (
    SELECT resource_id, sequence, valid_from, commit_sha, author_kind, is_first_snapshot
    FROM resource_spans
    SEMI JOIN covers USING (resource_id)
    UNION
    SELECT spans.resource_id, spans.sequence, covered_to, covers.ended_commit, ended_by, FALSE
    FROM resource_spans AS spans
    JOIN covers ON covers.resource_id = spans.resource_id
        AND covered_to > valid_from AND covered_to < coalesce(valid_to, 'infinity')
),
uncovered AS (
    SELECT *
    FROM pieces
    WHERE NOT EXISTS (
        SELECT 1 FROM covers
        WHERE covers.resource_id = pieces.resource_id AND covered_from <= pieces.valid_from AND pieces.valid_from < covered_to
    )
    QUALIFY row_number() OVER (PARTITION BY resource_id, sequence, valid_from ORDER BY is_first_snapshot DESC, commit_sha) = 1
),
told AS (
    SELECT
        uncovered.resource_id, uncovered.sequence, uncovered.valid_from,
        min(covered_from) AS told_at, arg_min(covered_by, covered_from) AS told_commit,
        any_value(uncovered.commit_sha) AS commit_sha, any_value(uncovered.author_kind) AS author_kind,
        any_value(uncovered.is_first_snapshot) AS is_first_snapshot
    FROM uncovered
    LEFT JOIN covers ON covers.resource_id = uncovered.resource_id AND covered_from > uncovered.valid_from
    GROUP BY ALL
    UNION ALL
    SELECT resource_id, sequence, valid_from, NULL, NULL, commit_sha, author_kind, is_first_snapshot
    FROM resource_spans
    ANTI JOIN covers USING (resource_id)
)
SELECT
    spans.resource_id AS use_id,
    spans.resource_id,
    repository_id,
    full_name,
    spans.sequence,
    told.valid_from,
    CASE WHEN told_at < coalesce(valid_to, 'infinity') THEN told_at ELSE valid_to END AS valid_to,
    told.is_first_snapshot,
    told.commit_sha,
    CASE WHEN told_at < coalesce(valid_to, 'infinity') THEN told_commit ELSE ended_commit END AS ended_commit,
    told.author_kind,
    NULL::VARCHAR AS cluster,
    api_group,
    kind,
    app_name,
    chart_name,
    is_resolved,
    chart_url,
    version,
    NULL::VARCHAR AS version_tag,
    images,
    is_release,
    in_scope
FROM told
JOIN resource_spans AS spans USING (resource_id, sequence)
UNION ALL
SELECT
    events.applied_id,
    events.resource_id,
    events.repository_id,
    coalesce(repositories.full_name, events.full_name),
    events.sequence,
    spans.reached_at,
    spans.valid_to,
    coalesce(spans.commit_sha = first_commit, FALSE),
    spans.commit_sha,
    spans.ended_commit,
    events.author_kind,
    events.cluster,
    events.api_group,
    events.kind,
    events.app_name,
    events.chart_name,
    events.resolution NOT IN ('ambiguous', 'unresolved'),
    CASE WHEN events.resolution NOT IN ('ambiguous', 'unresolved') THEN events.chart_url END,
    events.version_after,
    events.version_tag,
    events.images,
    events.resolution <> 'not_applicable',
    events.context = 'active' AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE)
FROM applied_spans AS spans
JOIN applied_events AS events ON events.repository_id = spans.repository_id AND events.sequence = spans.sequence
LEFT JOIN first_commits ON first_commits.repository_id = spans.repository_id
LEFT JOIN repositories ON repositories.repository_id = spans.repository_id
WHERE spans.state IS NOT NULL
ORDER BY repository_id, use_id, valid_from, sequence
