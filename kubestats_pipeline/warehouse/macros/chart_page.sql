-- One row per release of a chart, in scope, most starred repositories first: FROM chart_page('app-template', major := 4).
-- Charts of this name from different places are told apart by chart_url, and chart_versions has the sums by version.
-- parameter chart: name of the chart, or its canonical location (chart_url)
-- parameter major = NULL: only releases of this major version, an integer
-- parameter app = NULL: only releases of this application, which matters for charts that run any
-- full_name: the repository's present name
-- stars_count: the newest stars that are known
-- namespace: effective namespace, or null when the repository does not say
-- name: name of the release
-- app_name: application that the release runs
-- chart_name: chart
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- version: effective version as written, or null where none is
-- major_version: its first number, after a v, or null where it has none
-- created_at: commit time of the release's creation
-- age_days: whole days from created_at to reference_at of reference_moment
-- is_lower_bound: the release is at least so old, for its log begins with it
-- updated_at: commit time of its last event
-- source_url: the release's document on the web, or null where its host's links are not known
SELECT
    releases.full_name,
    metrics.stars_count,
    releases.namespace,
    releases.name,
    releases.app_name,
    releases.chart_name,
    releases.chart_url,
    releases.version,
    TRY_CAST(regexp_extract(releases.version, '^[vV]?(\d+)', 1) AS BIGINT) AS major_version,
    releases.created_at,
    greatest(date_diff('second', releases.created_at, reference_at) // 86400, 0) AS age_days,
    releases.is_lower_bound,
    releases.updated_at,
    releases.source_url
FROM releases
CROSS JOIN reference_moment
LEFT JOIN latest_metrics AS metrics USING (repository_id)
WHERE
    in_scope
    AND (releases.chart_name = chart OR releases.chart_url = chart)
    AND (major IS NULL OR TRY_CAST(regexp_extract(releases.version, '^[vV]?(\d+)', 1) AS BIGINT) = major)
    AND (app IS NULL OR releases.app_name = app)
ORDER BY metrics.stars_count DESC NULLS LAST, releases.full_name, releases.name
