-- One row per API group, kind and name that exists somewhere, with how often each repository has it. Only the active context counts.
-- api_group: API group, empty for the core group
-- kind: kind
-- name: metadata.name
-- repositories: repositories that declare one
-- resources: existing resources of this kind and name
-- namespaces: effective namespaces that they are in, sorted. Those that repositories do not say are left out
-- resources_by_repository: number of them by full name of the repository
-- last_changed_at: commit time of the last event of any of them
WITH counted AS (
    SELECT
        api_group, kind, name, repository_id, any_value(full_name) AS full_name, count(*) AS resources,
        list(DISTINCT namespace) AS namespaces, max(updated_at) AS last_changed_at
    FROM resource_overview
    WHERE status = 'ACTIVE' AND in_scope
    GROUP BY api_group, kind, name, repository_id
)
SELECT
    api_group,
    kind,
    name,
    count(*) AS repositories,
    sum(resources)::BIGINT AS resources,
    list_sort(list_distinct(flatten(list(namespaces)))) AS namespaces,
    map(list(full_name ORDER BY full_name), list(resources ORDER BY full_name)) AS resources_by_repository,
    max(last_changed_at) AS last_changed_at
FROM counted
GROUP BY api_group, kind, name
ORDER BY repositories DESC, resources DESC, api_group, kind, name
