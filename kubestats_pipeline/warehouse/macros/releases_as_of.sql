-- One row per resource that ran a chart at a moment, in every context: FROM releases_as_of(TIMESTAMPTZ '2026-01-01').
-- The moment is that of resources_as_of, and a release is what the view releases shows.
-- parameter moment: the moment, a TIMESTAMPTZ
-- resource_id: the resource
-- repository_id: identity of the repository
-- full_name: the repository's name when the warehouse was built
-- namespace: effective namespace as of then, or null when the repository did not say
-- name: name of the release
-- app_name: application that it ran
-- kind: kind of the resource, such as HelmRelease or Application
-- chart_name: chart, or null where the repository did not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- chart_kind: helm, oci, git or path
-- version: effective version as written then, or null where none was
-- context: active, archived, template, test or bootstrap, from its path
-- resolution: exact, ambiguous, unresolved or not_applicable: how its chart reference resolved
-- is_resolved: the chart reference was neither ambiguous nor unresolved
-- file_path: path as of then
-- created_at: commit time of its first event
-- is_lower_bound: its log begins with it, so that it is at least as old as created_at says
-- updated_at: commit time of its last event up to then
SELECT
    resource_id, repository_id, full_name, namespace, name, app_name, kind, chart_name,
    CASE WHEN resolution NOT IN ('ambiguous', 'unresolved') THEN chart_url END AS chart_url,
    chart_kind, version, context, resolution, resolution NOT IN ('ambiguous', 'unresolved') AS is_resolved, file_path,
    created_at, is_lower_bound, updated_at
FROM resources_as_of(moment)
WHERE resolution <> 'not_applicable'
