-- One row per API group and kind that exists somewhere, counted by repository. Only the active context counts.
-- api_group: API group, empty for the core group
-- kind: kind
-- repositories: repositories that declare one
-- resources: existing resources of it
SELECT api_group, kind, count(DISTINCT repository_id) AS repositories, count(*) AS resources
FROM resource_overview
WHERE status = 'ACTIVE' AND in_scope
GROUP BY api_group, kind
ORDER BY repositories DESC, resources DESC, api_group, kind
