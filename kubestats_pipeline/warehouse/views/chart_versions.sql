-- One row per chart and version as written that runs or ever ran somewhere. Only the active context counts.
-- Past versions of documents count under the chart that the resource stands for now, those of objects in clusters under their chart then.
-- chart_name: chart, or null for releases whose repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- is_resolved: false in the rows of charts that could not be resolved
-- version: version as written, or null for releases without one
-- repositories: repositories that run it now, or 0 for a version that nobody runs any more
-- releases: releases that run it now
-- first_seen: commit time of the first event that set or left it, or null where version is
-- is_lower_bound: first_seen is the first commit of a log, so that the version ran at least since then, or null where version is
-- last_seen: commit time of the last event that set, kept or left it, or null where version is
WITH uses AS (
    SELECT chart_name, chart_url, is_resolved, version, repository_id, TRUE AS is_running, NULL AS seen_at,
        FALSE AS is_first_snapshot
    FROM releases
    WHERE in_scope
    UNION ALL
    SELECT
        overview.chart_name, overview.chart_url, is_resolved, unnest([version_before, version_after]), events.repository_id, FALSE,
        event_timestamp, commit_sha = first_commit
    FROM resource_events AS events
    JOIN resource_overview AS overview USING (resource_id)
    JOIN repository_logs AS logs ON logs.repository_id = events.repository_id
    WHERE is_release AND in_scope AND is_applied IS NULL
    UNION ALL
    SELECT
        chart_name, CASE WHEN resolution NOT IN ('ambiguous', 'unresolved') THEN chart_url END, resolution NOT IN ('ambiguous', 'unresolved'),
        unnest([version_before, version_after]), events.repository_id, FALSE, event_timestamp,
        coalesce(commit_sha = first_commit OR event_timestamp = told_at, FALSE)
    FROM applied_events AS events
    LEFT JOIN repository_logs AS logs ON logs.repository_id = events.repository_id
    LEFT JOIN repositories ON repositories.repository_id = events.repository_id
    WHERE resolution <> 'not_applicable' AND context = 'active' AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE)
)
SELECT
    chart_name,
    chart_url,
    is_resolved,
    version,
    count(DISTINCT repository_id) FILTER (WHERE is_running) AS repositories,
    count(*) FILTER (WHERE is_running) AS releases,
    min(seen_at) FILTER (WHERE version IS NOT NULL) AS first_seen,
    arg_min(is_first_snapshot, (seen_at, is_first_snapshot)) FILTER (WHERE version IS NOT NULL AND seen_at IS NOT NULL) AS is_lower_bound,
    max(seen_at) FILTER (WHERE version IS NOT NULL) AS last_seen
FROM uses
GROUP BY chart_name, chart_url, is_resolved, version
HAVING version IS NOT NULL OR releases > 0
ORDER BY chart_name, chart_url, repositories DESC, version
