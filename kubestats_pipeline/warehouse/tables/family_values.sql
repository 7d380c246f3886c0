-- One row per chart family, path, type and value of its settings, counted by repository: setting_values over all addresses of a chart
-- (chart_families).
-- chart_name: chart
-- family_url: the address that stands for the family
-- path: the setting, without the positions of items in lists
-- value_type: string, integer, float, boolean, null, or map or list where it is empty
-- value: the value as text. Null for null, and in the row of all values of the path that are withheld
-- is_withheld: the values are not published
-- repositories: repositories that set it
-- releases: releases that set it, each once for each application and cluster that runs it
WITH uses AS (
    SELECT DISTINCT families.chart_name, families.family_url, path, value_type, value, is_withheld, repository_id, use_id
    FROM setting_uses AS uses
    JOIN chart_families AS families ON families.chart_name = uses.chart_name AND families.chart_url = uses.chart_url
    WHERE in_scope
),
-- Grouped twice, which is cheaper than to count what is distinct: a release belongs to one repository.
by_repository AS (
    SELECT chart_name, family_url, path, value_type, value, is_withheld, repository_id, count(use_id) AS releases FROM uses GROUP BY ALL
)
SELECT
    chart_name,
    family_url,
    path,
    value_type,
    value,
    is_withheld,
    count(repository_id) AS repositories,
    sum(releases)::BIGINT AS releases
FROM by_repository
GROUP BY chart_name, family_url, path, value_type, value, is_withheld
ORDER BY chart_name, family_url, path, repositories DESC, value_type, value
