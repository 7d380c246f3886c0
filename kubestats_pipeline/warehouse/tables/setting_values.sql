-- One row per chart, path, type and value of its settings, counted by repository. Only the active context counts.
-- chart_name: chart, or null where the repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- path: the setting, without the positions of items in lists
-- value_type: string, integer, float, boolean, null, or map or list where it is empty
-- value: the value as text. Null for null, and in the row of all values of the path that are withheld
-- is_withheld: these values are not published, by the rule in docs/counting.md
-- repositories: repositories that set it
-- releases: releases that set it, each once for each application and cluster that runs it
WITH uses AS (
    SELECT DISTINCT chart_name, chart_url, path, value_type, value, is_withheld, repository_id, use_id FROM setting_uses WHERE in_scope
),
-- Grouped twice, which is cheaper than to count what is distinct: a release belongs to one repository.
by_repository AS (
    SELECT chart_name, chart_url, path, value_type, value, is_withheld, repository_id, count(use_id) AS releases FROM uses GROUP BY ALL
)
SELECT
    chart_name,
    chart_url,
    path,
    value_type,
    value,
    is_withheld,
    count(repository_id) AS repositories,
    sum(releases)::BIGINT AS releases
FROM by_repository
GROUP BY chart_name, chart_url, path, value_type, value, is_withheld
ORDER BY chart_name, chart_url, path, repositories DESC, value_type, value
