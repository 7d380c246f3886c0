-- One row per repository that any stage knows, with its latest metrics and what it runs. Only the active context counts.
-- Its history by day stands in daily_repository_metrics, its health in repository_status.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- html_url: the page for people
-- description: the owner's description
-- language: main language as the host sees it
-- topics: topics of the repository
-- status: active, blocked, pending_approval or retired, or null where discovery does not know the repository
-- in_scope: it counts in what people run: its status is neither blocked nor retired
-- gitops_engine: flux, argocd, fleet, helmfile or none
-- stars_count: stars. This and the numbers below are the newest that are known
-- forks_count: forks
-- watchers_count: real subscribers, or null where never known
-- open_issues_count: open issues, pull requests included
-- created_at: when it was created on the host
-- pushed_at: last push as of the last discovery
-- discovered_at: first discovery
-- resources: existing resources, without those that nothing applies where the repository tells that
-- releases: releases of charts, resolved or not, each once for each application and cluster that runs it
-- charts: different charts that it runs
-- apps: different applications that it runs
-- last_event_at: committer time of its newest event, in every context
-- log_begins_at: since when its log tells what happens: what it had then is at least so old
-- watched_days: days from then to its newest commit. No age of what it holds is longer
WITH declared AS (
    SELECT
        repository_id,
        count(*) AS resources
    FROM resource_overview
    WHERE status = 'ACTIVE' AND context = 'active' AND coalesce(is_applied, TRUE)
    GROUP BY repository_id
),
used AS (
    SELECT
        repository_id,
        count(*) FILTER (WHERE is_release) AS releases,
        count(DISTINCT (chart_name, chart_url)) FILTER (WHERE is_release AND chart_name IS NOT NULL) AS charts,
        count(DISTINCT app_name) AS apps
    FROM resource_uses
    WHERE context = 'active'
    GROUP BY repository_id
),
happened AS (
    SELECT repository_id, max(event_timestamp) AS last_event_at
    FROM resource_events
    GROUP BY repository_id
)
SELECT
    known.repository_id,
    known.full_name,
    known.html_url,
    repositories.description,
    repositories.language,
    coalesce(repositories.topics, []) AS topics,
    known.status,
    coalesce(known.status NOT IN ('blocked', 'retired'), TRUE) AS in_scope,
    known.gitops_engine,
    metrics.stars_count,
    metrics.forks_count,
    metrics.watchers_count,
    metrics.open_issues_count,
    repositories.created_at,
    repositories.pushed_at,
    repositories.discovered_at,
    coalesce(declared.resources, 0) AS resources,
    coalesce(used.releases, 0) AS releases,
    coalesce(used.charts, 0) AS charts,
    coalesce(used.apps, 0) AS apps,
    happened.last_event_at,
    logs.begins_at AS log_begins_at,
    logs.days AS watched_days
FROM repository_status AS known
LEFT JOIN repositories USING (repository_id)
LEFT JOIN latest_metrics AS metrics USING (repository_id)
LEFT JOIN declared USING (repository_id)
LEFT JOIN used USING (repository_id)
LEFT JOIN happened USING (repository_id)
LEFT JOIN repository_logs AS logs USING (repository_id)
ORDER BY metrics.stars_count DESC NULLS LAST, known.full_name
