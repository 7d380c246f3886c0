-- One row per use of a resource that runs a chart, in every context, whether the chart could be resolved or not: once for each application and
-- cluster where the repository tells what is applied, and then without those that nothing applies. See resource_uses.
-- use_id: applied_id, or resource_id where the repository does not tell what is applied
-- resource_id: the document, or null for what a generator makes
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- repository_status: active, blocked, pending_approval or retired, or null where discovery does not know the repository
-- cluster: the root from which it is reached, or null where the repository does not tell
-- namespace: effective namespace, or null when the repository does not say
-- name: name of the release
-- app_name: application that the release runs
-- kind: kind of the resource, such as HelmRelease, Application or ChartDependency
-- chart_name: chart, or null where the repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- chart_kind: helm, oci, git or path
-- version: effective version as written, or null where none is
-- version_tag: tag beside the digest that is its version in a cluster, or null
-- context: active, archived, template, test or bootstrap, from its path
-- resolution: exact, ambiguous, unresolved or not_applicable
-- resolution_reason: why the reference is ambiguous or unresolved
-- is_resolved: the chart reference is neither ambiguous nor unresolved
-- in_scope: the context is active and the repository is neither blocked nor retired
-- file_path: path of the document, or null for what a generator makes
-- created_at: commit time of its creation, or of the first commit that tells of it
-- updated_at: commit time of its last event
-- is_lower_bound: its log begins with it, so that it is at least as old as created_at says
-- source_url: its document on the web, or null where its host's links are not known or a generator makes it
SELECT
    use_id, resource_id, repository_id, full_name, repository_status, cluster, namespace, name, app_name, kind, chart_name, chart_url,
    chart_kind, version, version_tag, context, resolution, resolution_reason, is_resolved, in_scope, file_path, created_at, updated_at,
    is_lower_bound,
    source_url
FROM resource_uses
WHERE is_release
