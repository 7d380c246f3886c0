-- One row per use of a resource, in every context: what people run. Where the repository tells what is applied, that is each object of each
-- application and cluster, so that a release at two versions in two clusters is two uses, and a document that nothing applies has no row. Where
-- it does not tell (is_applied is null in resources), each existing document is one use.
-- use_id: applied_id, or resource_id where the repository does not tell what is applied
-- applied_id: the object that a cluster runs, or null where the repository does not tell
-- resource_id: the document that it is or began as, or null for what a generator makes
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- repository_status: active, blocked, pending_approval or retired, or null where discovery does not know the repository
-- cluster: the root from which it is reached, or null where the repository does not tell
-- applied_by: what applies it, or null where the repository does not tell
-- api_group: API group, empty for the core group
-- kind: kind
-- name: metadata.name
-- namespace: effective namespace, or null when the repository does not say
-- file_path: path of the document, or null for what a generator makes
-- app_name: application that it runs
-- chart_name: chart that it stands for
-- is_resolved: the chart reference is neither ambiguous nor unresolved
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- chart_kind: helm, oci, git or path
-- version: effective version
-- version_tag: tag beside the digest that is its version in a cluster, or null
-- images: images that it names
-- context: active, archived, template, test or bootstrap, from its path, or for applied objects from the paths of their cluster and folder
-- resolution: exact, ambiguous, unresolved or not_applicable: how its chart reference resolved
-- resolution_reason: why the reference is ambiguous or unresolved
-- is_release: it installs a chart, resolved or not
-- in_scope: the context is active and the repository is neither blocked nor retired
-- created_at: commit time of its creation, or of the first commit that tells of it
-- updated_at: commit time of its last event
-- is_lower_bound: its log begins with it, so that it is at least as old as created_at says
-- source_url: the document on the web, or null where its host's links are not known or a generator makes it
SELECT
    resource_id AS use_id, NULL::VARCHAR AS applied_id, resource_id, repository_id, full_name, repository_status, NULL::VARCHAR AS cluster,
    NULL::VARCHAR AS applied_by, api_group, kind, name, namespace, file_path, app_name, chart_name, is_resolved, chart_url, chart_kind, version,
    NULL::VARCHAR AS version_tag, images, context, resolution, resolution_reason, is_release, in_scope, created_at, updated_at,
    is_lower_bound, source_url
FROM resource_overview
WHERE status = 'ACTIVE' AND is_applied IS NULL
UNION ALL
SELECT
    applied.applied_id,
    applied.applied_id,
    applied.resource_id,
    applied.repository_id,
    coalesce(repositories.full_name, applied.full_name),
    repositories.status,
    applied.cluster,
    applied.applied_by,
    applied.api_group,
    applied.kind,
    applied.name,
    applied.namespace,
    documents.file_path,
    applied.app_name,
    applied.chart_name,
    applied.resolution NOT IN ('ambiguous', 'unresolved'),
    CASE WHEN applied.resolution NOT IN ('ambiguous', 'unresolved') THEN applied.chart_url END,
    applied.chart_kind,
    applied.version,
    applied.version_tag,
    applied.images,
    applied.context,
    applied.resolution,
    applied.resolution_reason,
    applied.resolution <> 'not_applicable',
    applied.context = 'active' AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE),
    applied.created_at,
    applied.updated_at,
    coalesce(
        applied.created_at <= CASE WHEN documents.is_lower_bound THEN documents.created_at ELSE logs.begins_at END
        OR (applied.created_at = logs.told_at AND documents.created_at < logs.told_at),
        FALSE
    ),
    documents.source_url
FROM applied_resources AS applied
LEFT JOIN repository_logs AS logs ON logs.repository_id = applied.repository_id
LEFT JOIN repositories ON repositories.repository_id = applied.repository_id
LEFT JOIN resource_overview AS documents ON documents.resource_id = applied.resource_id
