-- One row per Kubernetes resource, deleted ones too, without its document and with what decides whether it counts.
-- Counts of what people declare take resources that are ACTIVE and in scope. Those of what people run take resource_uses.
-- resource_id: identity. Survives edits, API version bumps, moves, deletion and return
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- repository_status: active, blocked, pending_approval or retired, or null where discovery does not know the repository
-- api_group: API group, empty for the core group
-- api_version: version without the group
-- kind: kind
-- name: metadata.name
-- namespace: effective namespace, or null when the repository does not say
-- file_path: path in the repository
-- line: line of the file on which its document begins at the scanned commit, or null where it is deleted or nobody can tell
-- app_name: application that the resource runs
-- chart_name: chart that the resource stands for
-- is_resolved: the chart reference is neither ambiguous nor unresolved
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- chart_kind: helm, oci, git or path
-- version: effective version as written
-- images: images that it names
-- context: active, archived, template, test or bootstrap, from its path
-- resolution: exact, ambiguous, unresolved or not_applicable: how its chart reference resolved
-- resolution_reason: why the reference is ambiguous or unresolved
-- is_release: it installs a chart, resolved or not: HelmRelease, Application, HelmChart of k3s, a dependency of a Chart.yaml, …
-- in_scope: the context is active, the repository is neither blocked nor retired, and it does not tell that nothing applies the resource
-- is_applied: whether a cluster runs it, or ran it until it was deleted, or null where the repository does not tell
-- status: ACTIVE or DELETED
-- created_at: commit time of its creation, or of the first commit of its log
-- updated_at: commit time of its last event
-- deleted_at: commit time of its deletion, or null while active
-- is_lower_bound: its log begins with it, so that it is at least as old as created_at says
-- source_url: its document on the web at the scanned commit, or null where it is deleted or its host's links are not known
SELECT
    resources.resource_id,
    resources.repository_id,
    coalesce(repositories.full_name, resources.full_name) AS full_name,
    repositories.status AS repository_status,
    resources.api_group,
    resources.api_version,
    resources.kind,
    resources.name,
    resources.namespace,
    resources.file_path,
    resources.line,
    resources.app_name,
    resources.chart_name,
    resources.resolution NOT IN ('ambiguous', 'unresolved') AS is_resolved,
    CASE WHEN is_resolved THEN resources.chart_url END AS chart_url,
    resources.chart_kind,
    resources.version,
    resources.images,
    resources.context,
    resources.resolution,
    resources.resolution_reason,
    resources.resolution <> 'not_applicable' AS is_release,  -- the scanners say what is one: `Facts.is_release`
    resources.context = 'active' AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE)
    AND coalesce(resources.is_applied, TRUE) AS in_scope,
    resources.is_applied,
    resources.status,
    resources.created_at,
    resources.updated_at,
    resources.deleted_at,
    coalesce(resources.created_commit = logs.first_commit, FALSE) AS is_lower_bound,
    CASE
        WHEN resources.status = 'ACTIVE'
            THEN replace(
                CASE WHEN resources.line IS NULL THEN split_part(link, '#', 1) ELSE replace(link, '{line}', resources.line::VARCHAR) END,
                '{path}',
                replace(url_encode(resources.file_path), '%2F', '/')
            )
    END AS source_url
FROM resources
LEFT JOIN repositories USING (repository_id)
LEFT JOIN repository_logs AS logs USING (repository_id)
LEFT JOIN (
    SELECT repository_id, file_link(repositories.html_url, repository_id, scans.scanned_commit) AS link
    FROM repositories
    JOIN scans USING (repository_id)
) AS links USING (repository_id)
