-- One row per canonical chart that runs somewhere, counted by repository. Only the active context counts.
-- Releases whose chart could not be resolved are counted by name in rows of their own, without a chart_url.
-- chart_name: chart, or null for releases whose repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- is_resolved: false in the rows of charts that could not be resolved
-- repositories: repositories that run it
-- releases: releases of it
-- versions: different versions of it as written
-- last_changed_at: commit time of the last event of any of these releases
SELECT
    chart_name,
    chart_url,
    is_resolved,
    count(DISTINCT repository_id) AS repositories,
    count(*) AS releases,
    count(DISTINCT version) AS versions,
    max(updated_at) AS last_changed_at
FROM releases
WHERE in_scope
GROUP BY chart_name, chart_url, is_resolved
ORDER BY is_resolved DESC, repositories DESC, releases DESC, chart_name, chart_url
